import { spawn, type ChildProcess } from 'node:child_process';
import { kill } from 'node:process';
import type { Context } from '../../common/context';
import { messageOf } from '../../common/errors';

/** Most characters of HAProxy's own messages that are kept for a report. */
const keep = 16_000;
/** Milliseconds that HAProxy has to end by itself after it was told to end at once. */
const endLimit = 2000;

/** HAProxy's master with its workers, in a process group of its own: none of them outlives the master. */
export class HaproxyProcess {
  private readonly child: ChildProcess;
  private words = '';
  private gone = false;
  /** Resolves with how it ended. Never rejects. */
  readonly ended: Promise<string>;

  /** @param output where the access log goes: a file descriptor, or the runner's own output */
  constructor(
    program: string,
    args: string[],
    output: number | 'inherit',
    private readonly context: Context,
  ) {
    const env = context.env;
    this.child = spawn(program, args, { env, stdio: ['ignore', output, 'pipe'], detached: true });
    let line = '';
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.words = (this.words + text).slice(-keep);
      const all = (line + text).split('\n');
      line = all.pop()!.slice(-keep);
      for (const each of all) context.log.info(`haproxy: ${each}`);
    });
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => {
        this.gone = true;
        resolve(`HAProxy cannot be started: ${messageOf(error)}`);
      });
      this.child.on('exit', () => {
        this.gone = true;
        this.signal('SIGKILL');
      });
      this.child.on('close', (code, signal) =>
        resolve(`HAProxy ended ${signal ? `by ${signal}` : `with exit code ${code}`}`),
      );
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** What it said since it was started, or since that was forgotten. */
  said(): string {
    return this.words;
  }

  forget(): void {
    this.words = '';
  }

  /** Finishes what is in flight within so many milliseconds; then it is ended. */
  async drain(milliseconds: number): Promise<void> {
    const steps: [NodeJS.Signals, number][] = [
      ['SIGUSR1', milliseconds],
      ['SIGTERM', endLimit],
      ['SIGKILL', endLimit],
    ];
    for (const [signal, limit] of steps) {
      if (this.gone) return;
      if (signal === 'SIGKILL') this.signal(signal);
      else this.child.kill(signal);
      await this.endsWithin(limit);
    }
  }

  private async endsWithin(limit: number): Promise<void> {
    const over = new AbortController();
    await Promise.race([
      this.ended.finally(() => over.abort()),
      this.context.clock.sleep(limit, over.signal).catch(() => undefined),
    ]);
    over.abort();
  }

  /** To the whole group. */
  private signal(signal: NodeJS.Signals): void {
    try {
      if (this.child.pid !== undefined) kill(-this.child.pid, signal);
    } catch {
      // None of them is left.
    }
  }
}
