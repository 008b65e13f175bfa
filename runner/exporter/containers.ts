import type { Readable } from 'node:stream';
import type { Context } from '../common/context';
import { messageOf } from '../common/errors';
import { jsonLines } from '../common/json-lines';
import { containerFacts, type ContainerFacts, type InspectedContainer } from './container-facts';
import { EngineRefusal, type LocalEngine } from './local-engine';

/** After these a container has to be inspected. */
const changing = ['start', 'update', 'rename', 'die', 'destroy'];
/** The exact words: the Engine compares no beginnings of them. */
const health = ['health_status: healthy', 'health_status: unhealthy', 'health_status: starting'];

/** Milliseconds after which an Engine that has not answered counts as hung. */
const answerLimit = 10_000;
/** Between tries to reach an Engine that is away. */
const pause = 1000;
/** Containers inspected at the same time. */
const atOnce = 8;

interface ListedContainer {
  Id: string;
  /** As a person reads it, such as `Up 3 minutes (healthy)`. */
  Status?: string;
}

/**
 * The containers of a node, as its Engine describes them: listed in full now and then, and told of changes between by its
 * events. While the Engine is away there are none: whatever is said of them then may be wrong.
 */
export class Containers {
  /** Whether the Engine answers. */
  up = false;
  private readonly known = new Map<string, ContainerFacts>();
  /** To be inspected, again or for the first time. */
  private readonly stale = new Set<string>();
  private wake: () => void = () => undefined;
  private problem = '';

  /** @param interval milliseconds between full listings */
  constructor(
    private readonly engine: LocalEngine,
    private readonly interval: number,
    private readonly context: Context,
    /** Called when there are others, or one has changed. */
    private readonly changed: () => void,
  ) {}

  list(): ContainerFacts[] {
    return [...this.known.values()];
  }

  /** A container is not as it is known: it has most likely ended, and is left out until it is known again. */
  doubt(id: string): void {
    if (!this.known.delete(id)) return;
    this.stale.add(id);
    this.wake();
  }

  private lost(error: unknown): void {
    this.known.clear();
    if (this.up || messageOf(error) !== this.problem)
      this.context.log.warn(`the Docker Engine cannot be asked: ${messageOf(error)}`);
    this.up = false;
    this.problem = messageOf(error);
    this.changed();
  }

  /** Follows the Engine until the signal of the context. */
  async run(): Promise<void> {
    const { signal, clock } = this.context;
    while (!signal.aborted) {
      const ending = new AbortController();
      const ends = AbortSignal.any([signal, ending.signal]);
      try {
        // First the events, so that nothing happens between the list and them.
        const events = await this.openEvents(ends);
        // What broke the stream may have hidden anything.
        this.known.forEach((_facts, id) => this.stale.add(id));
        await this.relist(ends);
        await Promise.race([this.follow(events), this.keep(ends)]);
        throw new Error('its stream of events has ended');
      } catch (error) {
        if (!signal.aborted) this.lost(error);
      } finally {
        ending.abort(new Error('renewed'));
      }
      await clock.sleep(pause, signal).catch(() => undefined);
    }
  }

  private async openEvents(ends: AbortSignal): Promise<Readable> {
    const filters = { type: ['container'], event: [...changing, ...health] };
    const opened = new AbortController();
    const late = new AbortController();
    const giveUp = () => late.abort(new Error('it does not tell of events'));
    void this.context.clock.sleep(answerLimit, opened.signal).then(giveUp, () => undefined);
    try {
      const signal = AbortSignal.any([ends, late.signal]);
      return await this.engine.open('/events', { filters }, signal);
    } finally {
      opened.abort(new Error('opened'));
    }
  }

  private async follow(stream: Readable): Promise<void> {
    try {
      for await (const line of jsonLines(stream)) this.take(String(line.Action), idOf(line));
    } finally {
      stream.destroy();
    }
  }

  private take(action: string, id: string): void {
    const status = /^health_status: (.*)$/.exec(action)?.[1];
    if (status !== undefined) return this.takeHealth(id, status);
    if (action === 'die' || action === 'destroy') {
      this.known.delete(id);
      this.changed();
    }
    if (action === 'destroy') this.stale.delete(id);
    else this.stale.add(id);
    this.wake();
  }

  private takeHealth(id: string, status: string | undefined): void {
    const facts = this.known.get(id);
    const healthy = status === 'healthy';
    if (facts && status !== undefined && facts.healthy !== healthy) this.known.set(id, { ...facts, healthy });
  }

  /** Inspects what has changed at once, and lists all now and then. */
  private async keep(ends: AbortSignal): Promise<void> {
    const { clock } = this.context;
    let due = clock.monotonic() + this.interval;
    while (!ends.aborted) {
      await this.waitUntil(due, ends);
      if (ends.aborted) return;
      if (clock.monotonic() >= due) {
        await this.relist(ends);
        due = clock.monotonic() + this.interval;
      } else await this.inspectStale(ends);
    }
  }

  private async waitUntil(due: number, ends: AbortSignal): Promise<void> {
    const { clock } = this.context;
    if (this.stale.size > 0) return;
    const woken = new AbortController();
    this.wake = () => woken.abort(new Error('woken'));
    const signal = AbortSignal.any([ends, woken.signal]);
    await clock.sleep(Math.max(0, due - clock.monotonic()), signal).catch(() => undefined);
    this.wake = () => undefined;
  }

  private async relist(ends: AbortSignal): Promise<void> {
    const options = { signal: ends, limit: answerLimit };
    const list = await this.engine.ask<ListedContainer[]>('/containers/json', options);
    const present = new Set(list.map(({ Id }) => Id));
    for (const id of this.known.keys()) if (!present.has(id)) this.known.delete(id);
    for (const id of present) if (!this.known.has(id)) this.stale.add(id);
    for (const { Id, Status = '' } of list)
      this.takeHealth(Id, /\((?:health: )?(healthy|unhealthy|starting)\)/.exec(Status)?.[1]);
    await this.inspectStale(ends);
    if (!this.up) this.context.log.info(`the Docker Engine runs ${this.known.size} containers`);
    this.up = true;
    this.problem = '';
    this.changed();
  }

  private async inspectStale(ends: AbortSignal): Promise<void> {
    const ids = [...this.stale];
    this.stale.clear();
    for (let from = 0; from < ids.length; from += atOnce)
      await Promise.all(ids.slice(from, from + atOnce).map((id) => this.inspect(id, ends)));
    if (ids.length > 0) this.changed();
  }

  private async inspect(id: string, signal: AbortSignal): Promise<void> {
    try {
      const options = { signal, limit: answerLimit };
      const inspected = await this.engine.ask<InspectedContainer>(`/containers/${id}/json`, options);
      if (inspected.State?.Running) this.known.set(id, containerFacts(inspected));
      else this.known.delete(id);
    } catch (error) {
      this.known.delete(id);
      // One container that cannot be inspected is without metrics until the next listing.
      if (!signal.aborted && !(error instanceof EngineRefusal && error.status === 404))
        this.context.log.debug(`the container ${id.slice(0, 12)} cannot be inspected: ${messageOf(error)}`);
    }
  }
}

const idOf = (line: Record<string, unknown>): string => {
  const actor = line.Actor as { ID?: string } | undefined;
  return actor?.ID ?? (typeof line.id === 'string' ? line.id : '');
};
