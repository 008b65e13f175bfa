import type { Command } from './command';

const command: Command = {
  name: 'jobs',
  describe: 'jobs',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
