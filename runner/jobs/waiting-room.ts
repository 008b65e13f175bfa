import type { Clock } from '../common/clock';
import type { Cause, Job, QueueItem, Revision } from './model';
import { findTwin, fold } from './queue';
import type { JobStore } from './store';

/** A waiting item and its way to the disk. */
export interface Waiting extends QueueItem {
  /** Resolves when the item as it is now is on disk. */
  saved: Promise<void>;
  /** It is on disk and may be started. */
  ready: boolean;
  /** On its way out of the queue: nothing folds into it any more. */
  leaving: boolean;
}

export interface Wish {
  parameters?: Record<string, string>;
  revision?: Revision;
  /** Milliseconds; without it the job's quiet period counts. */
  delay?: number;
}

export interface Submission {
  item: QueueItem;
  /** The request joined an item that was waiting already. */
  folded: boolean;
}

/** The queue: what is confirmed to a client is on disk. */
export class WaitingRoom {
  private readonly items = new Map<number, Waiting>();

  /** @param changed is told of each item that may start, or start earlier */
  constructor(
    private readonly store: JobStore,
    private readonly clock: Clock,
    private readonly changed: () => void,
  ) {}

  /** Takes up items that are on disk. */
  restore(items: QueueItem[]): void {
    for (const item of items)
      this.items.set(item.id, { ...item, saved: Promise.resolve(), ready: true, leaving: false });
  }

  async submit(job: Job, cause: Cause, { parameters = {}, revision, delay }: Wish): Promise<Submission> {
    const since = this.clock.now().getTime();
    const due = since + (delay ?? job.quietPeriod);
    const id = await this.store.takeQueueId();
    for (;;) {
      const open = [...this.items.values()].filter((item) => !item.leaving);
      const twin = findTwin(open, { job: job.name, parameters, revision });
      if (!twin)
        return this.enqueue({
          id,
          job: job.name,
          parameters,
          ...(revision ? { revision } : {}),
          causes: [cause],
          since,
          due,
        });
      // What is not on disk yet may fail to get there; what has left meanwhile cannot be joined.
      if (!twin.ready) await twin.saved;
      if (!twin.leaving && this.items.has(twin.id)) return this.join(twin, cause, due, revision);
    }
  }

  get = (id: number): QueueItem | undefined => this.items.get(id);
  delete = (id: number): boolean => this.items.delete(id);
  all = (job?: string): QueueItem[] => [...this.items.values()].filter((item) => job === undefined || item.job === job);
  startable = (): Waiting[] => [...this.items.values()].filter((item) => item.ready && !item.leaving);

  /** Resolves when nothing is on its way to the disk. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.items.values()].map((item) => item.saved));
  }

  private async enqueue(item: QueueItem): Promise<Submission> {
    const waiting: Waiting = { ...item, saved: Promise.resolve(), ready: false, leaving: false };
    this.items.set(item.id, waiting);
    try {
      await this.save(waiting);
    } catch (error) {
      this.items.delete(item.id);
      await this.store.removeItem(item.id).catch(() => undefined);
      throw error;
    }
    waiting.ready = true;
    this.changed();
    return { item: waiting, folded: false };
  }

  private async join(item: Waiting, cause: Cause, due: number, revision: Revision | undefined): Promise<Submission> {
    const before = JSON.stringify(recordOf(item));
    Object.assign(item, fold(item, cause, due, revision));
    await (before === JSON.stringify(recordOf(item)) ? item.saved : this.save(item));
    this.changed();
    return { item, folded: true };
  }

  /** One write after the other, each of the item as it is at its turn. */
  private save(item: Waiting): Promise<void> {
    item.saved = item.saved.catch(() => undefined).then(() => this.store.saveItem(recordOf(item)));
    return item.saved;
  }
}

function recordOf(item: Waiting): QueueItem {
  const { saved: _saved, ready: _ready, leaving: _leaving, ...record } = item;
  return record;
}
