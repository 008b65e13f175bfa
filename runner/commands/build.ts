import type { Command } from './command';

const command: Command = {
  name: 'build',
  describe: 'build',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
