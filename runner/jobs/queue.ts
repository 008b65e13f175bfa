import type { Cause, QueueItem, Revision } from './model';

export type Wanted = Pick<QueueItem, 'job' | 'parameters'> & { revision?: Revision | undefined };

/** The waiting item that a new one folds into: same job, same parameter values, same revision; as Jenkins does it. */
export function findTwin<T extends QueueItem>(items: Iterable<T>, wanted: Wanted): T | undefined {
  const identity = identityOf(wanted);
  for (const item of items) {
    if (item.job !== wanted.job) continue;
    // What makes an item what it is never changes while it waits, and there may be thousands.
    const known = identities.get(item) ?? identityOf(item);
    identities.set(item, known);
    if (known === identity) return item;
  }
  return undefined;
}

const identities = new WeakMap<object, string>();

function identityOf({ parameters, revision }: Wanted): string {
  const sorted = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([sorted, revision?.branch ?? null, revision?.commit ?? null]);
}

/** Both lists of causes without repeats. */
export function mergeCauses(causes: Cause[], more: Cause[]): Cause[] {
  const known = new Map([...causes, ...more].map((cause) => [JSON.stringify([cause.kind, cause.user]), cause]));
  return [...known.values()];
}

/**
 * A waiting item with one more request folded into it: all causes, the earlier time, and built in any case when one of
 * the two requests wants that.
 */
export function fold(item: QueueItem, cause: Cause, due: number, revision: Revision | undefined): Partial<QueueItem> {
  const onlyIfNew = item.revision?.onlyIfNew === true && revision?.onlyIfNew === true;
  return {
    causes: mergeCauses(item.causes, [cause]),
    due: Math.min(item.due, due),
    ...(item.revision ? { revision: { ...item.revision, onlyIfNew } } : {}),
  };
}

export interface Choice<T> {
  /** To be started now. */
  start: T[];
  /** When the next item becomes due; milliseconds of the wall clock. */
  wakeAt?: number;
}

/**
 * Which waiting items start now: first come first served, one build of a job at a time, and no more than there are
 * executors.
 */
export function chooseNext<T extends Pick<QueueItem, 'id' | 'job' | 'due'>>(
  items: readonly T[],
  busyJobs: ReadonlySet<string>,
  executors: number,
  now: number,
): Choice<T> {
  const busy = new Set(busyJobs);
  const start: T[] = [];
  let wakeAt: number | undefined;
  for (const item of [...items].sort((a, b) => a.due - b.due || a.id - b.id)) {
    if (item.due > now) {
      wakeAt = item.due;
      break;
    }
    if (busy.has(item.job) || busyJobs.size + start.length >= executors) continue;
    busy.add(item.job);
    start.push(item);
  }
  return { start, ...(wakeAt === undefined ? {} : { wakeAt }) };
}

/** Why an item still waits, in Jenkins' words. */
export function whyWaiting(item: QueueItem, busyJobs: ReadonlySet<string>, now: number): string {
  if (item.due > now) return `In the quiet period. Expires in ${((item.due - now) / 1000).toFixed(1)} sec`;
  if (busyJobs.has(item.job)) return `Build of ${item.job} is already in progress`;
  return 'Waiting for next available executor';
}
