import { ask, type Question } from './door';

/** What clients met. */
export interface Met {
  requests: number;
  failed: number;
  /** Failures by reason. */
  reasons: Record<string, number>;
  /** Answers by what `key` finds in them. */
  seen: Record<string, number>;
  /** Milliseconds of the slowest answer to a request that was not slow on purpose. */
  slowest: number;
}

export interface Load {
  /** Requests a second, sent whether or not the earlier ones are answered. */
  rate: number;
  /** Every tenth request lasts this many milliseconds. */
  slow?: number;
  key?: (text: string) => string;
}

/**
 * Clients that open a new connection for each request and never try again, until they are stopped. Requests go to the
 * given doors in turn.
 */
export function startClients(doors: Question[], { rate, slow = 700, key }: Load): { stop(): Promise<Met> } {
  const met: Met = { requests: 0, failed: 0, reasons: {}, seen: {}, slowest: 0 };
  const open = new Set<Promise<void>>();
  const one = async (door: Question, isSlow: boolean) => {
    const start = performance.now();
    try {
      const { status, text } = await ask(isSlow ? { ...door, path: `${door.path ?? '/'}?ms=${slow}` } : door);
      if (status !== 200) throw new Error(`status ${status}`);
      if (key) met.seen[key(text)] = (met.seen[key(text)] ?? 0) + 1;
      if (!isSlow) met.slowest = Math.max(met.slowest, performance.now() - start);
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      met.failed++;
      met.reasons[reason] = (met.reasons[reason] ?? 0) + 1;
    }
  };
  const begin = performance.now();
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - begin) / 1000) * rate);
    for (; met.requests < due; met.requests++) {
      const asked = one(doors[met.requests % doors.length]!, met.requests % 10 === 9);
      open.add(asked);
      void asked.finally(() => open.delete(asked));
    }
  }, 5);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      return met;
    },
  };
}
