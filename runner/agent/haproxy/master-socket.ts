import { connect } from 'node:net';
import type { Clock } from '../../common/clock';
import { messageOf } from '../../common/errors';

/** Milliseconds within which HAProxy's master answers; a reload of a large configuration takes about one second. */
const answerLimit = 30_000;
/** The master does not listen while it starts itself anew: a few milliseconds, longer on a busy machine. */
const pause = 5;
const absent = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE']);
const largestAnswer = 64 * 1024 * 1024;

/**
 * The command line of HAProxy's master process. `@1` before a command asks the worker that serves now. See
 * https://docs.haproxy.org/3.0/management.html#9.4
 */
export class MasterSocket {
  constructor(
    private readonly file: string,
    private readonly clock: Clock,
  ) {}

  /**
   * The answer to a command, asked again while the master does not listen or the answer is empty where one is `expected`.
   * @throws Error when there is none in time
   */
  async ask(command: string, signal: AbortSignal, limit = answerLimit): Promise<string> {
    const end = this.clock.monotonic() + limit;
    for (;;) {
      try {
        const answer = await this.once(command, signal, Math.max(1, end - this.clock.monotonic()));
        if (answer.trim() !== '') return answer;
      } catch (error) {
        if (signal.aborted || !absent.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
      if (this.clock.monotonic() > end) throw new Error(`HAProxy gives no answer to '${command}'`);
      await this.clock.sleep(pause, signal);
    }
  }

  /** Gives a command that answers nothing when all is well; what it says, or why it could not be given, is thrown. */
  async tell(command: string, signal: AbortSignal, limit = answerLimit): Promise<void> {
    const answer = (await this.once(command, signal, limit)).trim();
    if (answer !== '') throw new Error(answer);
  }

  /**
   * Has the master start itself anew; since 2.7 it answers with the outcome, `Success=1` or `Success=0` and the log.
   * HAProxy 2.6 answers nothing.
   */
  async reload(signal: AbortSignal): Promise<string> {
    try {
      return await this.once('reload', signal, answerLimit);
    } catch (error) {
      if (signal.aborted || !absent.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return '';
    }
  }

  private once(command: string, signal: AbortSignal, limit: number): Promise<string> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const socket = connect(this.file);
      const timer = setTimeout(
        () => socket.destroy(new Error(`HAProxy gives no answer to '${command}' within ${limit / 1000} s`)),
        limit,
      );
      const stop = () => socket.destroy(signal.reason as Error);
      signal.addEventListener('abort', stop, { once: true });
      const pieces: Buffer[] = [];
      let size = 0;
      socket.on('connect', () => socket.end(`${command}\n`));
      socket.on('data', (piece: Buffer) => {
        pieces.push(piece);
        size += piece.length;
        if (size > largestAnswer) socket.destroy(new Error(`the answer to '${command}' is too long`));
      });
      let problem: Error | undefined;
      socket.on('error', (error) => (problem = error));
      socket.on('close', () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        if (problem && !(pieces.length > 0 && /ECONNRESET|EPIPE/.test(messageOf(problem)))) reject(problem);
        else resolve(Buffer.concat(pieces).toString());
      });
    });
  }
}

export interface Processes {
  /** Reloads that failed since the last that did not. */
  failed: number;
  /** The worker that serves. */
  worker: number | undefined;
  /** Workers of earlier configurations. */
  old: number;
}

/** What `show proc` answers. */
export function parseProcesses(text: string): Processes {
  let part = '';
  const workers: number[] = [];
  const old: number[] = [];
  let failed = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) part = line.replace(/^#\s*/, '').trim();
    const [pid, type] = line.trim().split(/\s+/);
    if (type === 'master') failed = Number(/\[failed: (\d+)\]/.exec(line)?.[1] ?? 0);
    if (type === 'worker') (part.startsWith('old') ? old : workers).push(Number(pid));
  }
  // Where a reload failed, the worker from before goes on, and may be called old.
  const worker = workers[0] ?? (failed > 0 ? old.shift() : undefined);
  return { failed, worker, old: old.length };
}
