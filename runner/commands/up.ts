import type { Command } from './command';

const command: Command = {
  name: 'up',
  describe: 'up',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
