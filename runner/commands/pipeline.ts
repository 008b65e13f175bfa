import type { Command } from './command';

const command: Command = {
  name: 'pipeline',
  describe: 'pipeline',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
