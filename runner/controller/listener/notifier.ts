import axios from 'axios';
import type { Context } from '../../common/context';
import { messageOf } from '../../common/errors';
import { announce, textOf, type Subject } from './announce';
import type { AnnouncedRecord } from './announced-record';
import type { Parameters } from './parameters';
import { NoticeQueue, type Notice } from './queue';
import type { ListenerSettings, Targets } from './settings';

/** Who listens: create and remove notices go to the same program, so they have one order. */
interface Receiver {
  create?: string;
  remove?: string;
}

/** Milliseconds for one notice: docker-flow-proxy answers after it has reloaded. */
const answerLimit = 60_000;
const longestAnswer = 1 << 20;

/** Tells of services or nodes to all addresses of the settings. */
export class Notifier {
  private readonly queues: NoticeQueue[];
  /** Text of the last notice of each subject. */
  private readonly told = new Map<string, string>();
  private announced: Map<string, Parameters> | undefined;
  /** Receivers that have not taken a removal yet, by subject. */
  private readonly removals = new Map<string, Set<number>>();
  readonly counts = { delivered: 0, dropped: 0 };

  constructor(
    private readonly what: string,
    private readonly targets: Targets,
    private readonly settings: Pick<ListenerSettings, 'retries' | 'interval'>,
    private readonly record: AnnouncedRecord,
    private readonly context: Context,
  ) {
    this.queues = receiversOf(targets).map((receiver, index) => this.queueFor(receiver, index));
  }

  get active(): boolean {
    return this.queues.length > 0;
  }

  /** Tells what has changed. What was announced is stored before it is told. */
  async update(present: Subject[], later: ReadonlySet<string>): Promise<void> {
    if (!this.active) return;
    this.announced ??= await this.record.read();
    for (const { name, remove } of present) this.announced.set(name, remove);
    await this.store();
    for (const [name, notice] of announce(present, this.told, this.announced, later)) {
      this.told.set(name, textOf(notice));
      if (notice.kind === 'remove') this.removals.set(name, new Set(this.queues.keys()));
      else this.removals.delete(name);
      for (const queue of this.queues) queue.put(name, notice);
    }
  }

  /** Everything is told again at the next update. */
  forget(): void {
    this.told.clear();
  }

  private queueFor(receiver: Receiver, index: number): NoticeQueue {
    const { log, clock, signal } = this.context;
    const place = placeOf(receiver);
    let failing = false;
    return new NoticeQueue({
      ...this.settings,
      clock,
      signal,
      send: (notice, stop) => this.send(receiver, notice, stop),
      delivered: (subject, { kind }) => {
        this.counts.delivered++;
        if (failing) log.info(`${place} takes notices again`);
        failing = false;
        if (kind === 'remove') this.removed(subject, index);
      },
      dropped: (subject, { kind }, reason) => {
        this.counts.dropped++;
        if (!failing) log.warn(`${place} was not told of the ${this.what} ${subject} (${kind}): ${reason}`);
        failing = true;
        // What is there is told again with the next pass; who never hears of a removal hears of it at the next start.
        if (kind === 'create') this.told.delete(subject);
      },
    });
  }

  private async send(receiver: Receiver, { kind, parameters }: Notice, signal: AbortSignal): Promise<number> {
    const address = receiver[kind];
    if (address === undefined) return 200;
    const url = new URL(address);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    try {
      const { status } = await axios.request<unknown>({
        url: url.href,
        method: kind === 'create' ? this.targets.createMethod : this.targets.removeMethod,
        timeout: answerLimit,
        signal,
        proxy: false,
        maxRedirects: 3,
        maxContentLength: longestAnswer,
        responseType: 'text',
        validateStatus: () => true,
      });
      return status;
    } catch (error) {
      // The message of axios may hold the address, and that the labels; its code does not.
      const code = (error as { code?: string }).code;
      throw new Error(code === 'ECONNABORTED' ? 'no answer in time' : (code ?? 'the request failed'));
    }
  }

  private removed(subject: string, index: number): void {
    const left = this.removals.get(subject);
    left?.delete(index);
    if (!left || left.size > 0) return;
    this.removals.delete(subject);
    this.told.delete(subject);
    this.announced?.delete(subject);
    this.store().catch((error: unknown) => {
      if (!this.context.signal.aborted)
        this.context.log.warn(`it could not be stored what was announced: ${messageOf(error)}`);
    });
  }

  /** One write at a time. */
  private store(): Promise<void> {
    const next = this.storing.catch(() => undefined).then(() => this.record.write(this.announced!));
    this.storing = next;
    return next;
  }
  private storing: Promise<void> = Promise.resolve();
}

/**
 * The n-th address for creation and the n-th for removal on one host are one receiver, as docker-flow-swarm-listener has
 * it; but two on one host stay two.
 */
export function receiversOf({ create, remove }: Pick<Targets, 'create' | 'remove'>): Receiver[] {
  const hosts = new Map<string, { create: string[]; remove: string[] }>();
  const of = (url: string) => {
    const { host } = new URL(url);
    const lists = hosts.get(host) ?? { create: [], remove: [] };
    hosts.set(host, lists);
    return lists;
  };
  for (const url of create) of(url).create.push(url);
  for (const url of remove) of(url).remove.push(url);
  return [...hosts.values()].flatMap((lists) =>
    Array.from({ length: Math.max(lists.create.length, lists.remove.length) }, (_, index) => ({
      ...(lists.create[index] === undefined ? {} : { create: lists.create[index] }),
      ...(lists.remove[index] === undefined ? {} : { remove: lists.remove[index] }),
    })),
  );
}

/** Where a receiver is, without user, password and parameters. */
export function placeOf({ create, remove }: Receiver): string {
  const { origin, pathname } = new URL((create ?? remove)!);
  return `${origin}${pathname}`;
}
