/** Time as the runner sees it; tests hand in their own. */
export interface Clock {
  /** Wall clock, for records only: it may jump. */
  now(): Date;
  /** Milliseconds that never go back, for deadlines and durations. */
  monotonic(): number;
  /** Resolves after that many milliseconds, or rejects with the signal's reason. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

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
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, milliseconds);
      signal?.addEventListener('abort', stop, { once: true });
    }),
};

/** Seconds since a monotonic reading, with two decimals. */
export const secondsSince = (clock: Clock, start: number) => Math.round((clock.monotonic() - start) / 10) / 100;
