import { closeSync, openSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fail } from '../common/errors';

/**
 * Keeps a second job server off a data folder with a listening socket in it: the kernel closes it with the process that
 * holds it, so that no stale lock has to be judged by process ids.
 * @returns gives the folder free
 * @throws JOBS_LOCKED
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const descriptor = openSync(folder, 'r');
  const file = path.join(folder, 'lock');
  // The address of a socket may have 107 characters only; this one is short whatever the folder is called.
  const address = `/proc/self/fd/${descriptor}/lock`;
  const server = (await listen(address)) ?? (await takeOver(address, file));
  if (!server) {
    closeSync(descriptor);
    fail('JOBS_LOCKED', `another job server uses the data folder ${folder}`);
  }
  server.unref();
  return () => {
    server.close();
    rmSync(file, { force: true });
    closeSync(descriptor);
  };
}

async function takeOver(address: string, file: string): Promise<net.Server | undefined> {
  if (await answers(address)) return undefined;
  rmSync(file, { force: true });
  return listen(address);
}

function listen(address: string): Promise<net.Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(address, () => resolve(server));
  });
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
