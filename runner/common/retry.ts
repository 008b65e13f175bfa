import type { Clock } from './clock';

export interface RetryOptions {
  clock: Clock;
  signal?: AbortSignal | undefined;
  /** Gives up this many milliseconds after the first try. */
  limit: number;
  /** Pause between tries in milliseconds; doubles up to eight times this. */
  pause: number;
  worthIt: (error: unknown) => boolean;
  onRetry?: (error: unknown, tries: number) => void;
}

/** Tries again while the error is worth it and time is left; then throws the last error. */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const start = options.clock.monotonic();
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const pause = Math.min(options.pause * 2 ** (tries - 1), options.pause * 8);
      const spent = options.clock.monotonic() - start;
      if (options.signal?.aborted || !options.worthIt(error) || spent + pause > options.limit) throw error;
      options.onRetry?.(error, tries);
      await options.clock.sleep(pause, options.signal);
    }
  }
}
