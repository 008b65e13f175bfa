import type { Command } from './command';

const command: Command = {
  name: 'cleanup',
  describe: 'cleanup',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
