import type { Command } from './command';

const command: Command = {
  name: 'test',
  describe: 'test',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
