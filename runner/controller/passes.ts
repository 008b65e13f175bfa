import type { Clock } from '../common/clock';

/** Milliseconds. */
export const times = {
  /** A full pass comes at least this often. */
  full: 30_000,
  /** Changes within this time after the begin of a pass are taken together. */
  window: 200,
  /** Pauses after passes that failed. */
  firstPause: 200,
  longestPause: 5_000,
};

/** Why a pass is made: something said that there is a change, or it was time. */
export type Cause = 'change' | 'time';

export interface PassesParts {
  clock: Clock;
  signal: AbortSignal;
  /** One pass; it may throw. */
  pass(cause: Cause): Promise<void>;
  /** A pass has failed; the number of failures in a row. */
  failed(error: unknown, failures: number): void;
  /** A pass has succeeded after failures. */
  recovered(failures: number): void;
}

/** Makes passes, one at a time: at once after a change, soon after a burst of changes, and now and then in any case. */
export class Passes {
  private pending = false;
  private wakeUp: (() => void) | undefined;
  private waiting: (() => void)[] = [];

  constructor(private readonly parts: PassesParts) {}

  /** There may be a change. */
  wake(): void {
    this.pending = true;
    this.wakeUp?.();
  }

  /** Resolves when a pass that begins from now on has ended, whether well or not. */
  next(): Promise<void> {
    const next = new Promise<void>((resolve) => this.waiting.push(resolve));
    this.wake();
    return next;
  }

  /** Runs until the signal, and then resolves. */
  async run(): Promise<void> {
    const { clock, signal } = this.parts;
    let failures = 0;
    let began = -Infinity;
    this.pending = true;
    while (!signal.aborted) {
      await this.sleepUntil(began + times.full, true);
      const cause: Cause = this.pending ? 'change' : 'time';
      await this.sleepUntil(began + times.window, false);
      if (signal.aborted) break;
      began = clock.monotonic();
      this.pending = false;
      const waiting = this.waiting.splice(0);
      try {
        await this.parts.pass(cause);
        if (failures > 0) this.parts.recovered(failures);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        this.parts.failed(error, ++failures);
        this.pending = true;
      } finally {
        for (const resolve of waiting) resolve();
      }
      if (failures > 0) await this.sleepUntil(clock.monotonic() + pauseAfter(failures), false);
    }
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private async sleepUntil(time: number, wakeable: boolean): Promise<void> {
    const { clock, signal } = this.parts;
    const left = time - clock.monotonic();
    if (left <= 0 || signal.aborted || (wakeable && this.pending)) return;
    const woken = new AbortController();
    if (wakeable) this.wakeUp = () => woken.abort(new Error('woken'));
    await clock.sleep(left, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
    this.wakeUp = undefined;
  }
}

export const pauseAfter = (failures: number): number =>
  Math.min(times.longestPause, times.firstPause * 2 ** Math.min(failures - 1, 10));
