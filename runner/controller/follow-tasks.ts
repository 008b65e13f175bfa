import type { Context } from '../common/context';
import { messageOf } from '../common/errors';

/** Milliseconds. The Swarm tells of no task that comes or goes, so it is asked; a look takes longer the more there are. */
const shortest = 1000;
const longest = 10_000;
/** Share of the time that looks may take. */
const share = 0.01;
/** So long after somebody wanted to know it is looked. */
const wantedFor = 120_000;

/** Looks which tasks run, as long as somebody wants to know. */
export class TaskFollower {
  private wantedUntil = -Infinity;
  private wake: (() => void) | undefined;
  private hurry: (() => void) | undefined;

  constructor(
    private readonly look: () => Promise<unknown>,
    private readonly context: Context,
  ) {}

  /** Somebody wants to know. */
  want(): void {
    this.wantedUntil = this.context.clock.monotonic() + wantedFor;
    this.wake?.();
  }

  /** Something else has changed, and tasks with it: the next look comes at once, where somebody wants to know. */
  soon(): void {
    this.hurry?.();
  }

  /** Runs until the context's signal. */
  async run(): Promise<void> {
    const { clock, signal, log } = this.context;
    let told = '';
    while (!signal.aborted) {
      if (clock.monotonic() >= this.wantedUntil) {
        await this.woken();
        continue;
      }
      const start = clock.monotonic();
      // What changes during the look may not be in it.
      const hurried = new Promise<void>((resolve) => (this.hurry = resolve));
      try {
        await this.look();
        told = '';
      } catch (error) {
        if (signal.aborted) return;
        const message = messageOf(error);
        if (message !== told) log.warn(`the tasks cannot be listed, and the targets stay: ${message}`);
        told = message;
      }
      const pause = clock.sleep(pauseAfter(clock.monotonic() - start), signal).catch(() => undefined);
      await Promise.race([pause, hurried]);
    }
  }

  private woken(): Promise<void> {
    const { signal } = this.context;
    return new Promise((resolve) => {
      this.wake = resolve;
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

/** The pause after a look that took so many milliseconds. */
export const pauseAfter = (took: number): number => Math.min(longest, Math.max(shortest, took / share));
