import type { Command } from './command';

const command: Command = {
  name: 'releases',
  describe: 'releases',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
