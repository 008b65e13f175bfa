import type { Command } from './command';

const command: Command = {
  name: 'doctor',
  describe: 'doctor',
  examples: [],
  options: {},
  run: async () => ({ result: {}, summary: '' }),
};

export default command;
