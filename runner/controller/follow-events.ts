import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { eventsFrom, swarmEvents, type SwarmEvent } from '../swarm/events';
import { pauseAfter } from './passes';
import { watchedRecord } from './records';

const types = ['service', 'node', 'network', 'secret', 'config'];
/** Milliseconds after which the stream is opened anew: one that hangs gives no sign of it. */
const oldest = 300_000;

/**
 * Follows the Swarm's events, as a hint that there is a change and no more. A stream that ends, breaks or is old is opened
 * again from where it was.
 */
export class EventFollower {
  connected = false;
  /** How often the stream was opened after the first time. */
  reopened = 0;
  private opened = 0;
  private renewal = new AbortController();

  constructor(
    private readonly engine: Engine,
    private readonly context: Context,
    private readonly wake: () => void,
    private readonly told: (event: SwarmEvent) => void = () => undefined,
  ) {}

  /** Opens the stream anew: it has missed something. */
  renew(): void {
    this.renewal.abort(new Error('renewed'));
  }

  /** Runs until the signal of the context. */
  async run(): Promise<void> {
    const { clock, signal, log } = this.context;
    let since = eventsFrom(this.context);
    let failures = 0;
    while (!signal.aborted) {
      const renewal = (this.renewal = new AbortController());
      const end = () => renewal.abort(signal.reason);
      signal.addEventListener('abort', end, { once: true });
      const aged = setTimeout(() => renewal.abort(new Error('old')), oldest);
      const ends = renewal.signal;
      const before = this.opened;
      try {
        for await (const event of swarmEvents(this.engine, { types, since, signal: ends, onOpen: () => this.open() })) {
          since = Math.max(since, event.time);
          this.told(event);
          if (matters(event)) this.wake();
        }
      } catch (error) {
        if (!ends.aborted) log.debug(`the event stream broke: ${String(error)}`);
      } finally {
        clearTimeout(aged);
        signal.removeEventListener('abort', end);
      }
      this.connected = false;
      if (signal.aborted || ends.aborted) continue;
      // Whatever ended it may keep the Swarm from being read as well, which is to be known soon.
      if (this.opened > before) this.wake();
      failures = this.opened > before ? 1 : failures + 1;
      await clock.sleep(pauseAfter(failures), signal).catch(() => undefined);
    }
  }

  /** What happened while there was no stream is seen by a pass. */
  private open(): void {
    this.connected = true;
    if (this.opened++ > 0) this.reopened++;
    this.wake();
  }
}

/** Records of deploys change all the time and concern nobody here. */
const matters = ({ type, name }: SwarmEvent): boolean => type !== 'config' || watchedRecord.test(name);
