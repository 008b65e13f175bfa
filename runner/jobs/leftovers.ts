import { readdir, readFile } from 'node:fs/promises';
import { kill } from 'node:process';
import { cookieVariable } from './environment';

/**
 * The processes whose environment carries one of these cookies. As in Jenkins (ProcessTreeKiller), this finds what left
 * the process group of its build, and what outlived a server that was killed.
 */
export async function processesWith(cookies: ReadonlySet<string>): Promise<number[]> {
  if (cookies.size === 0) return [];
  const found: number[] = [];
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const environment = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
    const start = environment.indexOf(`${cookieVariable}=`);
    if (start < 0) continue;
    const cookie = environment.slice(start + cookieVariable.length + 1).split('\0', 1)[0]!;
    if (cookies.has(cookie)) found.push(Number(name));
  }
  return found;
}

/** Sends a signal to a process, or with a negative number to a process group; one that is gone is fine. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Ends all processes with these cookies: SIGTERM, then SIGKILL after `grace` milliseconds. Answers how many there were. */
export async function endLeftovers(
  cookies: ReadonlySet<string>,
  grace: number,
  sleep: (milliseconds: number) => Promise<void>,
): Promise<number> {
  const first = await processesWith(cookies);
  for (const pid of first) sendSignal(pid, 'SIGTERM');
  let left = first;
  for (let waited = 0; left.length > 0 && waited < grace; waited += 100) {
    await sleep(100);
    left = await processesWith(cookies);
  }
  for (const pid of left) sendSignal(pid, 'SIGKILL');
  return first.length;
}
