import { spawn, type ChildProcess } from 'node:child_process';
import { kill } from 'node:process';
import type { Context } from '../common/context';
import { messageOf } from '../common/errors';

/** Most characters of an engine's own messages that are kept for a report. */
const keep = 16_000;
/** Milliseconds that an engine has to end by itself after it was told to end at once. */
const endLimit = 2000;

export interface EngineProgram {
  /** The engine's name in messages, such as HAProxy. */
  title: string;
  program: string;
  args: string[];
  /** Where its standard output goes: a file descriptor, or the runner's own output. */
  output: number | 'inherit';
  /** The signal by which it ends after what is in flight, where that is not SIGTERM. */
  drainSignal?: NodeJS.Signals;
}

/** An engine's process with those it starts, in a process group of its own: none of them outlives the first. */
export class EngineProcess {
  private readonly child: ChildProcess;
  private words = '';
  private gone = false;
  /** Resolves with how it ended. Never rejects. */
  readonly ended: Promise<string>;

  constructor(
    private readonly settings: EngineProgram,
    private readonly context: Context,
  ) {
    const { title, program, args, output } = settings;
    const env = context.env;
    this.child = spawn(program, args, { env, stdio: ['ignore', output, 'pipe'], detached: true });
    let line = '';
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.words = (this.words + text).slice(-keep);
      const all = (line + text).split('\n');
      line = all.pop()!.slice(-keep);
      for (const each of all) context.log.info(`${title.toLowerCase()}: ${each}`);
    });
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => {
        this.gone = true;
        resolve(`${title} cannot be started: ${messageOf(error)}`);
      });
      this.child.on('exit', () => {
        this.gone = true;
        this.signal('SIGKILL');
      });
      this.child.on('close', (code, signal) =>
        resolve(`${title} ended ${signal ? `by ${signal}` : `with exit code ${code}`}`),
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
    const { drainSignal } = this.settings;
    const steps: [NodeJS.Signals, number][] = drainSignal
      ? [
          [drainSignal, milliseconds],
          ['SIGTERM', endLimit],
        ]
      : [['SIGTERM', Math.max(milliseconds, endLimit)]];
    for (const [signal, limit] of [...steps, ['SIGKILL', endLimit] as const]) {
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
