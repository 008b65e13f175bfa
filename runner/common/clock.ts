/** Time as the runner sees it; tests hand in their own. */
export interface Clock {
  /** Wall clock, for records only: it may jump. */
  now(): Date;
  /** Milliseconds that never go back, for deadlines and durations. */
  monotonic(): number;
  /** Resolves after that many milliseconds, or rejects with the signal's reason. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The longest that a timer of Node.js can wait, 24.8 days: it would end a longer wait at once. */
const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', stop);
          resolve();
        },
        Math.min(milliseconds, longestTimer),
      );
      signal?.addEventListener('abort', stop, { once: true });
    }),
};

/** Seconds since a monotonic reading, with two decimals. */
export const secondsSince = (clock: Clock, start: number) => Math.round((clock.monotonic() - start) / 10) / 100;
