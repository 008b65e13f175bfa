import type { Command } from './command';

const command: Command = {
  name: 'rollback',
  describe: 'rollback',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
