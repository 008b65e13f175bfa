import path from 'node:path';
import type { Command } from './command';
import { list, text } from './shared';

const command: Command = {
  name: 'render',
  describe: 'Show the configuration that stack files would give, without a Swarm; passwords and keys are left out',
  examples: [
    ['homeostat render haproxy -f stack.yml', 'HAProxy’s configuration on standard output'],
    [
      'homeostat render haproxy -f a.yml -f b.yml --output proxy',
      'With its map files, for haproxy -c -f proxy/haproxy.cfg',
    ],
  ],
  positional: ['engine'],
  options: {
    engine: { type: 'string', choices: ['haproxy'], demandOption: true, describe: 'Whose configuration' },
    file: { type: 'array', alias: 'f', demandOption: true, describe: 'Stack file; may be given several times' },
    output: { type: 'string', describe: 'Folder to write all files to; it must be new, empty or from before' },
  },
  async run(context, values) {
    const { renderStacks } = await import('../pipeline/render-proxy');
    const files = [...new Set(list(values, 'file'))];
    const output = text(values, 'output');
    const { routes, refusals, files: rendered } = await renderStacks(files, context);
    const result = { files: Object.keys(rendered), routes, refusals };
    if (output === undefined)
      return { result: { ...result, files: rendered }, summary: rendered['haproxy.cfg']!.trimEnd() };
    const { writeFolder } = await import('../common/output-folder');
    const folder = path.resolve(context.cwd, output);
    await writeFolder(folder, rendered);
    return {
      result: { ...result, folder },
      summary: `${result.files.length} files for ${routes.length} routes in ${output}`,
    };
  },
};

export default command;
