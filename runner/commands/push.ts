import type { Command } from './command';

const command: Command = {
  name: 'push',
  describe: 'push',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
