import type { Clock } from '../../common/clock';
import type { Parameters } from './parameters';

/** What is to be told of one subject: that it is there, with parameters, or that it has gone. */
export interface Notice {
  kind: 'create' | 'remove';
  parameters: Parameters;
}

export interface QueueParts {
  /** Sends one notice; the status of the answer, or an error. */
  send(notice: Notice, signal: AbortSignal): Promise<number>;
  clock: Clock;
  signal: AbortSignal;
  /** Tries after the first one. */
  retries: number;
  /** Milliseconds between tries. */
  interval: number;
  /** A notice was taken. */
  delivered(subject: string, notice: Notice): void;
  /** A notice was given up. */
  dropped(subject: string, notice: Notice, reason: string): void;
}

/** Subjects that are told of at the same time: one that is not taken must not hold up the others for minutes. */
const atOnce = 8;

/** 409 is the answer "not for me" to a create. */
const isTaken = ({ kind }: Notice, status: number) => status === 200 || (kind === 'create' && status === 409);

/**
 * Notices for one address. Of each subject one is under way at most, in the order in which they came, and a newer one
 * takes the place of what waits or is tried again: what was told last is how it is.
 */
export class NoticeQueue {
  private readonly waiting = new Map<string, Notice>();
  private readonly busy = new Map<string, AbortController>();

  constructor(private readonly parts: QueueParts) {}

  /** Subjects that are not told of yet. */
  get size(): number {
    return new Set([...this.waiting.keys(), ...this.busy.keys()]).size;
  }

  put(subject: string, notice: Notice): void {
    this.waiting.set(subject, notice);
    // What is sent at this moment is not cut off, for it may have arrived; but it is not tried again.
    this.busy.get(subject)?.abort(new Error('there is a newer notice'));
    this.work();
  }

  private work(): void {
    if (this.parts.signal.aborted) return;
    for (const [subject, notice] of this.waiting) {
      if (this.busy.size >= atOnce) return;
      if (this.busy.has(subject)) continue;
      this.waiting.delete(subject);
      const superseded = new AbortController();
      this.busy.set(subject, superseded);
      void this.deliver(subject, notice, superseded.signal).finally(() => {
        this.busy.delete(subject);
        this.work();
      });
    }
  }

  private async deliver(subject: string, notice: Notice, superseded: AbortSignal): Promise<void> {
    const { clock, signal, retries, interval } = this.parts;
    const stop = AbortSignal.any([signal, superseded]);
    for (let tries = 1; ; tries++) {
      const reason = await this.try(notice);
      if (reason === undefined) return this.parts.delivered(subject, notice);
      if (stop.aborted) return;
      if (tries > retries) return this.parts.dropped(subject, notice, `${reason}, after ${tries} tries`);
      await clock.sleep(interval, stop).catch(() => undefined);
      if (stop.aborted) return;
    }
  }

  /** Why the notice was not taken; undefined when it was. */
  private async try(notice: Notice): Promise<string | undefined> {
    try {
      const status = await this.parts.send(notice, this.parts.signal);
      return isTaken(notice, status) ? undefined : `the answer was ${status}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}
