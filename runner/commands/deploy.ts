import type { Command } from './command';

const command: Command = {
  name: 'deploy',
  describe: 'deploy',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
