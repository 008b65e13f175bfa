import { hostname } from 'node:os';
import path from 'node:path';
import type { Context } from '../common/context';
import { requireDuration } from '../common/duration';
import { fail } from '../common/errors';
import type { Command, Values } from './command';
import { text } from './shared';

const command: Command = {
  name: 'agent',
  describe:
    'Keep an engine, such as HAProxy, on the newest configuration of the controller: process 1 of its container',
  examples: [
    [
      'homeostat agent --engine haproxy --controller https://homeostat-controller:7080 --ca /run/secrets/certificate',
      'Pull, check, reload, verify and report, until it is stopped',
    ],
  ],
  options: {
    engine: { type: 'string', choices: ['haproxy'], describe: 'What to keep', demandOption: true },
    controller: { type: 'string', describe: 'URL of the controller', default: 'http://homeostat-controller:7080' },
    'token-file': { type: 'string', describe: 'File with the token', default: '/run/secrets/homeostat-agent-token' },
    ca: { type: 'string', describe: 'File with the certificates that the one of the controller is signed by' },
    folder: { type: 'string', describe: 'Folder that survives the container (default /var/lib/homeostat/<engine>)' },
    run: { type: 'string', describe: 'Folder for sockets and for the health check', default: '/run/homeostat' },
    instance: { type: 'string', describe: 'Instance of the proxy, where there are several' },
    node: { type: 'string', describe: 'Name of the node, for reports' },
    drain: { type: 'string', describe: 'Time that requests in flight have at the end', default: '10s' },
  },
  run: async (context, values) => {
    const [{ runAgent }, { HaproxyEngine }] = await Promise.all([
      import('../agent/agent'),
      import('../agent/haproxy/engine'),
    ]);
    const settings = settingsOf(context, values);
    const { folder, runFolder } = settings;
    const checkLimit = 30_000;
    const engine = new HaproxyEngine({ folder, runFolder, program: 'haproxy', output: 'inherit', checkLimit }, context);
    await runAgent(engine, settings, context);
    return { result: { stopped: true }, summary: '' };
  },
};

export default command;

function settingsOf(context: Context, values: Values) {
  const at = (file: string) => path.resolve(context.cwd, file);
  const controller = String(values.controller);
  const url = URL.canParse(controller) ? new URL(controller) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol))
    fail('USAGE_INVALID', `--controller is '${controller.slice(0, 80)}', which is not a URL`, {
      remedy: 'For example https://homeostat-controller:7080.',
    });
  const ca = text(values, 'ca');
  return {
    controller: url.origin,
    tokenFile: at(String(values.tokenFile)),
    caFile: ca === undefined ? undefined : at(ca),
    folder: at(text(values, 'folder') ?? `/var/lib/homeostat/${String(values.engine)}`),
    runFolder: at(String(values.run)),
    instance: text(values, 'instance') ?? '',
    agent: hostname(),
    node: text(values, 'node') ?? '',
    drain: requireDuration('--drain', String(values.drain)),
    wait: 50_000,
  };
}
