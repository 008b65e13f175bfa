import { setFlagsFromString } from 'node:v8';
import path from 'node:path';
import type { Context } from '../common/context';
import { requireDuration } from '../common/duration';
import { fail } from '../common/errors';
import type { Command, Values } from './command';

const command: Command = {
  name: 'exporter',
  describe: "Serve the metrics of this node's containers to Prometheus, under cAdvisor's names",
  examples: [
    ['homeostat exporter', "Serve /metrics on port 9101, from the node's own files where they are seen"],
    ['homeostat exporter --cgroup /host/cgroup --proc /host/proc', 'In a container that has them mounted there'],
  ],
  options: {
    port: { type: 'number', describe: 'Port to listen on', default: 9101 },
    host: { type: 'string', describe: 'Address to listen on', default: '0.0.0.0' },
    interval: { type: 'string', describe: 'Time between full listings of the containers', default: '30s' },
    cgroup: { type: 'string', describe: "The node's control groups", default: '/sys/fs/cgroup' },
    proc: { type: 'string', describe: "The node's processes", default: '/proc' },
  },
  run,
};

export default command;

/** What each reading leaves behind is small, and V8 would let it pile up. */
const smallHeap = ['--optimize-for-size', '--max-semi-space-size=2', '--semi-space-growth-factor=1'];

const shortestInterval = 1000;

async function run(context: Context, values: Values) {
  smallHeap.forEach(setFlagsFromString);
  const port = values.port as number;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    fail('USAGE_INVALID', `--port is ${port}, which is not a port`, { remedy: 'Write a number from 1 to 65535.' });
  const interval = requireDuration('--interval', String(values.interval));
  if (interval < shortestInterval)
    fail('USAGE_INVALID', `--interval is ${interval} ms, too short`, { remedy: 'Write 1s or more, such as 30s.' });
  const { serveExporter } = await import('../exporter/serve');
  const at = (name: string) => path.resolve(context.cwd, String(values[name]));
  const folders = { cgroup: at('cgroup'), proc: at('proc') };
  const options = { host: String(values.host), port, interval, ...folders };
  const running = await serveExporter(options, context);
  context.log.info(`the exporter listens on ${running.host}:${running.port}`);
  await new Promise((stop) => {
    if (context.signal.aborted) stop(undefined);
    else context.signal.addEventListener('abort', stop, { once: true });
  });
  await running.close();
  return { result: { stopped: true }, summary: 'stopped' };
}
