import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import { buildUrl } from './documents';
import { JobEngine } from './engine';
import { lockFolder } from './lock';
import type { JobsConfiguration } from './model';
import { createServer } from './server';
import { JobStore } from './store';
import { Tokens } from './tokens';

export interface ServeOptions {
  configuration: JobsConfiguration;
  data: string;
  host: string;
  port: number;
  executors: number;
  nodeFile: string;
}

export interface RunningServer {
  /** Where clients find it: `url` of the jobs file, or where it listens. */
  url: string;
  /** Where it listens. */
  address: string;
  engine: JobEngine;
  /** Stops accepting, stops running builds and settles them; what waits stays on disk. */
  close(): Promise<void>;
}

/**
 * Starts the job server: takes the data folder, settles what an earlier server left, and listens.
 * @throws JOBS_STORE, JOBS_LOCKED, JOBS_LISTEN
 */
export async function serve(context: Context, options: ServeOptions): Promise<RunningServer> {
  const { configuration, executors, nodeFile } = options;
  const { log, masker, clock } = context;
  const store = await JobStore.open(path.resolve(context.cwd, options.data), log);
  const release = await lockFolder(store.folder);
  const shutdown = new AbortController();
  let address = addressOf(options);
  const engine = new JobEngine(configuration.jobs, executors, {
    context,
    store,
    nodeFile,
    logLimit: configuration.logLimit,
    shutdown: shutdown.signal,
    buildUrl: (build) => buildUrl(configuration.url ?? address, build),
  });
  const now = () => clock.now().getTime();
  const tokens = new Tokens(store.folder, log);
  const server = createServer({ configuration, engine, store, masker, executors, now, tokens, log });
  try {
    // Before the first request, so that nothing is read from the disk that was only now written there.
    await engine.recover();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(options.port, options.host, resolve);
    }).catch((error: unknown) =>
      fail('JOBS_LISTEN', `cannot listen on ${options.host}:${options.port}`, { cause: messageOf(error) }),
    );
  } catch (error) {
    shutdown.abort(error);
    await engine.close();
    release();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  address = addressOf({ host: options.host, port });
  engine.work();
  const end = async () => {
    shutdown.abort(new Error('The job server was stopped.'));
    server.close();
    server.closeIdleConnections();
    await engine.close();
    server.closeAllConnections();
    release();
  };
  let ending: Promise<void> | undefined;
  return { url: configuration.url ?? address, address, engine, close: () => (ending ??= end()) };
}

function addressOf({ host, port }: { host: string; port: number }): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}/`;
}
