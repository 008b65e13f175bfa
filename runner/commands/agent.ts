import { hostname } from 'node:os';
import path from 'node:path';
import type { AgentSettings } from '../agent/agent';
import type { AgentEngine } from '../agent/engine';
import type { EngineName } from '../common/bundle';
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
    [
      'homeostat agent --engine alertmanager --peers tasks.homeostat-monitor_alertmanager',
      'The same for Alertmanager, in a cluster with the others of its service',
    ],
  ],
  options: {
    engine: {
      type: 'string',
      choices: ['haproxy', 'prometheus', 'alertmanager'],
      describe: 'What to keep',
      demandOption: true,
    },
    controller: { type: 'string', describe: 'URL of the controller', default: 'http://homeostat-controller:7080' },
    'token-file': { type: 'string', describe: 'File with the token', default: '/run/secrets/homeostat-agent-token' },
    ca: { type: 'string', describe: 'File with the certificates that the one of the controller is signed by' },
    folder: { type: 'string', describe: 'Folder that survives the container (default /var/lib/homeostat/<engine>)' },
    run: { type: 'string', describe: 'Folder for sockets and for the health check', default: '/run/homeostat' },
    instance: { type: 'string', describe: 'Instance of the proxy, where there are several' },
    node: { type: 'string', describe: 'Name of the node, for reports' },
    listen: { type: 'string', describe: 'Where Prometheus or Alertmanager listens (default 0.0.0.0:9090, :9093)' },
    'reader-token-file': {
      type: 'string',
      describe: "File with the token by which Prometheus asks for the controller's metrics",
      default: '/run/secrets/reader-token',
    },
    peers: { type: 'string', describe: 'Host name that leads to all Alertmanagers of a cluster' },
    drain: { type: 'string', describe: 'Time that requests in flight have at the end', default: '10s' },
  },
  run: async (context, values) => {
    const { runAgent } = await import('../agent/agent');
    const settings = settingsOf(context, values);
    const engine = await engines[values.engine as EngineName](settings, values, context);
    await runAgent(engine, settings, context);
    return { result: { stopped: true }, summary: '' };
  },
};

export default command;

const checkLimit = 30_000;
/** Alertmanager's own default. */
const clusterPort = 9094;

type MakeEngine = (settings: AgentSettings, values: Values, context: Context) => Promise<AgentEngine>;

const engines: Record<EngineName, MakeEngine> = {
  haproxy: async ({ folder, runFolder }, _values, context) => {
    const { HaproxyEngine } = await import('../agent/haproxy/engine');
    return new HaproxyEngine({ folder, runFolder, program: 'haproxy', output: 'inherit', checkLimit }, context);
  },
  prometheus: async ({ folder }, values, context) => {
    const { PrometheusEngine } = await import('../agent/prometheus/engine');
    const listen = text(values, 'listen') ?? '0.0.0.0:9090';
    const credentialsFile = path.resolve(context.cwd, text(values, 'readerTokenFile')!);
    return new PrometheusEngine(
      { folder, program: 'prometheus', checker: 'promtool', output: 'inherit', checkLimit, listen, credentialsFile },
      context,
    );
  },
  alertmanager: async ({ folder, controller }, values, context) => {
    const { AlertmanagerEngine } = await import('../agent/alertmanager/engine');
    const listen = text(values, 'listen') ?? '0.0.0.0:9093';
    const peers = text(values, 'peers');
    const near = [new URL(controller).hostname];
    return new AlertmanagerEngine(
      {
        ...{ folder, program: 'prometheus-alertmanager', checker: 'amtool', output: 'inherit', checkLimit, listen },
        ...(peers === undefined ? {} : { cluster: { peers: [peers], port: clusterPort, near } }),
      },
      context,
    );
  },
};

function settingsOf(context: Context, values: Values): AgentSettings {
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
