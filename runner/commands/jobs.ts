import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Context } from '../common/context';
import { fail } from '../common/errors';
import type { Command, Values } from './command';
import { parseListen } from './shared';

const command: Command = {
  name: 'jobs',
  describe: 'Run the job server: the part of Jenkins that git servers, Alertmanager and clients use',
  examples: [
    ['homeostat jobs --jobs jobs.yml', 'Serve the jobs of jobs.yml on 127.0.0.1:8080'],
    ['homeostat jobs --add-token alertmanager --rights service-scale:build', 'Make a token and print it once'],
  ],
  options: {
    jobs: { type: 'string', describe: 'File that describes the jobs', default: 'jobs.yml' },
    data: { type: 'string', describe: 'Folder for queue, builds, workspaces and tokens', default: 'jobs-data' },
    listen: { type: 'string', describe: 'Address to listen on, HOST:PORT', default: '127.0.0.1:8080' },
    executors: { type: 'number', describe: 'Builds that run at the same time (default: `executors` of the jobs file)' },
    'add-token': { type: 'string', describe: 'Make an API token for this user, print it and end' },
    rights: { type: 'string', describe: 'Rights of the token: job:right+right,… of read, build, stop; * is every job' },
  },
  run: async (context, values) =>
    values.addToken === undefined ? runServer(context, values) : makeToken(context, values),
};

export default command;

async function makeToken(context: Context, values: Values) {
  const [{ addToken, tokenFile }, { parseRights }] = await Promise.all([
    import('../jobs/tokens'),
    import('../jobs/rights'),
  ]);
  if (values.rights === undefined)
    fail('USAGE_INVALID', '--add-token needs --rights', { remedy: 'For example --rights service-scale:build,*:read.' });
  const rights = parseRights(String(values.rights));
  const user = String(values.addToken);
  const data = path.resolve(context.cwd, String(values.data));
  const token = await addToken(data, user, rights, context.clock);
  return { result: { user, rights, token, file: tokenFile(data) }, summary: token };
}

/** Commands that do not end by themselves, so they cannot be jobs. */
const endless = ['jobs', 'controller', 'agent'];

async function runServer(context: Context, values: Values) {
  // It runs all day and does little: memory counts, not speed.
  setFlagsFromString('--optimize-for-size');
  const [{ readConfiguration }, { serve }, { commands }] = await Promise.all([
    import('../jobs/configuration'),
    import('../jobs/serve'),
    import('./index'),
  ]);
  const { host, port } = parseListen(String(values.listen));
  if (values.executors === 0) fail('USAGE_INVALID', '--executors is 0; at least 1 is needed');
  const runnable = Object.keys(commands).filter((name) => !endless.includes(name));
  const configuration = readConfiguration(path.resolve(context.cwd, String(values.jobs)), runnable);
  const server = await serve(context, {
    ...{ configuration, host, port, data: String(values.data) },
    executors: (values.executors as number | undefined) ?? configuration.executors,
    nodeFile: context.env.HOMEOSTAT_NODE ?? 'node',
  });
  context.log.info(`the job server listens on ${server.address}`);
  context.log.info(`jobs: ${[...configuration.jobs.keys()].join(', ') || 'none'}`);
  await new Promise((stop) => {
    if (context.signal.aborted) stop(undefined);
    else context.signal.addEventListener('abort', stop, { once: true });
  });
  const running = [...server.engine.busyJobs];
  await server.close();
  const summary = running.length > 0 ? `stopped while these jobs ran: ${running.join(', ')}` : 'stopped';
  return { result: { stopped: true, interrupted: running }, summary };
}
