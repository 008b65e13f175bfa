import type { Command } from './command';

const command: Command = {
  name: 'down',
  describe: 'down',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
