import { spawn } from 'node:child_process';
import type { Environment } from '../common/context';
import { sendSignal } from './leftovers';

export interface BuildProcess {
  program: string;
  args: string[];
  cwd: string;
  env: Environment;
  /** A sink for each of the two streams. */
  sinks: [Sink, Sink];
  signal: AbortSignal;
  /** Milliseconds between SIGTERM and SIGKILL. */
  grace: () => number;
}

interface Sink {
  push(text: string): void;
  end(): void;
}

/** How a process ended: its exit code, or the signal that ended it. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** How long output may still come after the process itself has ended, in milliseconds. */
const outputGrace = 1000;

/**
 * Runs a process in a group of its own. When the signal aborts, the group gets SIGTERM and after the grace SIGKILL; what
 * a process leaves running in its group ends with it.
 * @throws when the program cannot be started
 */
export function runBuildProcess(wanted: BuildProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    if (wanted.signal.aborted) return reject(wanted.signal.reason as Error);
    const { cwd, env } = wanted;
    const child = spawn(wanted.program, wanted.args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const timers: NodeJS.Timeout[] = [];
    const signalGroup = (signal: NodeJS.Signals) => child.pid !== undefined && sendSignal(-child.pid, signal);
    const stop = () => {
      signalGroup('SIGTERM');
      timers.push(setTimeout(() => signalGroup('SIGKILL'), wanted.grace()));
    };
    wanted.signal.addEventListener('abort', stop, { once: true });
    [child.stdout, child.stderr].forEach((stream, index) => {
      stream.setEncoding('utf8').on('data', (text: string) => wanted.sinks[index]!.push(text));
    });
    const settle = () => {
      wanted.signal.removeEventListener('abort', stop);
      timers.forEach(clearTimeout);
      wanted.sinks.forEach((sink) => sink.end());
    };
    child.on('error', (error) => {
      if (child.pid !== undefined) return;
      settle();
      reject(error);
    });
    child.on('exit', () => {
      timers.push(
        setTimeout(() => {
          signalGroup('SIGKILL');
          // A process that left the group may hold the pipes open for ever.
          timers.push(
            setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream.destroy()), outputGrace),
          );
        }, outputGrace),
      );
    });
    child.on('close', (code, signal) => {
      settle();
      signalGroup('SIGKILL');
      resolve({ code, signal });
    });
  });
}
