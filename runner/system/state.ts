import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import type { EngineName } from './system-file';

/** What `up` made on this machine, so that `down` can remove exactly that. */
export interface SystemState {
  /** Packages that were not there before. */
  packages: string[];
  /** The Engine was started by `up`: by systemd, or as a process with this pid. */
  engine?: { by: 'systemd' } | { by: 'process'; pid: number };
  swarm?: boolean;
  /** The system.yml of the last time, and who runs the jobs. */
  systemFile?: string;
  jobEngine?: EngineName;
  stacks: string[];
  images: string[];
  networks: string[];
  /** Folders outside the state folder. */
  folders: string[];
  /** Labels that nodes were given. */
  nodeLabels: string[];
  /** Registry addresses that were added to the docker configuration. */
  logins: string[];
}

const empty: SystemState = {
  packages: [],
  stacks: [],
  images: [],
  networks: [],
  folders: [],
  nodeLabels: [],
  logins: [],
};

/** Folder of everything that `up` keeps on this machine. */
export const stateFolder = ({ env }: Context): string =>
  env.HOMEOSTAT_STATE ??
  (env.HOME === '/root' || !env.HOME
    ? '/var/lib/homeostat'
    : path.join(env.XDG_STATE_HOME ?? path.join(env.HOME, '.local/state'), 'homeostat'));

const fileIn = (folder: string) => path.join(folder, 'state.json');

/** What an earlier `up` made; nothing when there was none. */
export async function readState(folder: string): Promise<SystemState> {
  const text = await readFile(fileIn(folder), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    return fail('STATE_UNREADABLE', `${fileIn(folder)} cannot be read`, { cause: messageOf(error) });
  });
  try {
    return { ...empty, ...(JSON.parse(text) as Partial<SystemState>) };
  } catch (error) {
    return fail('STATE_UNREADABLE', `${fileIn(folder)} is not JSON`, { cause: messageOf(error) });
  }
}

let lastChange: Promise<unknown> = Promise.resolve();

/**
 * Adds to what is known to have been made; written before the thing itself is made, so that nothing is forgotten. Changes
 * at the same time are made one after the other.
 */
export function addToState(folder: string, change: (state: SystemState) => SystemState): Promise<SystemState> {
  const made = lastChange.then(() => changeState(folder, change));
  lastChange = made.catch(() => undefined);
  return made;
}

async function changeState(folder: string, change: (state: SystemState) => SystemState): Promise<SystemState> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const next = change(await readState(folder));
  await writeFile(`${fileIn(folder)}.new`, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600 });
  await rename(`${fileIn(folder)}.new`, fileIn(folder));
  return next;
}

/** The list with the item in it once. */
export const including = (list: string[], ...items: string[]): string[] => [...new Set([...list, ...items])];
