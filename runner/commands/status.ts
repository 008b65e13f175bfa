import type { Command } from './command';

const command: Command = {
  name: 'status',
  describe: 'status',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
