import type { Context } from '../common/context';
import { engineError, request, type Engine } from '../common/engine';
import type { SwarmListing, TaskList } from './facts';

/** A task as the Swarm remembers it. */
export interface RememberedTask {
  ID: string;
  ServiceID: string;
  CreatedAt: string;
  Status: { State: string };
}

/**
 * Counts the tasks that fail or are rejected. The Swarm tells of none, and remembers few of each slot, so whoever has other
 * tasks than at the last listing is looked at: that is cheap where nothing happens.
 */
export class TaskFailures {
  private readonly totals = new Map<string, number>();
  /** Failed tasks that are counted, by service, as long as the Swarm remembers them. */
  private readonly counted = new Map<string, Set<string>>();
  /** Tasks that were there at first: any older one may have failed long ago. */
  private readonly first = new Set<string>();
  private readonly suspects = new Set<string>();
  private last: Map<string, string> | undefined;

  /** @param since milliseconds since 1970; tasks that are older, and are not in the first listing, are not counted */
  constructor(private readonly since: number) {}

  /** How many were seen, by the service's id. */
  get counts(): ReadonlyMap<string, number> {
    return this.totals;
  }

  /** Takes in a listing. @returns ids of the services whose tasks `count` has to be given */
  changed({ services, taskList }: SwarmListing): string[] {
    if (!taskList) return [];
    const now = new Map(idsOf(taskList).map(({ id, service }) => [id, service]));
    if (!this.last) now.forEach((_service, id) => this.first.add(id));
    for (const [one, other] of [
      [now, this.last ?? now],
      [this.last ?? now, now],
    ] as const)
      for (const [id, service] of one) if (!other.has(id)) this.suspects.add(service);
    this.last = now;
    this.forget(new Set(services.map(({ id }) => id)));
    return [...this.suspects];
  }

  /** Takes in all tasks that the Swarm remembers of these services. */
  count(services: string[], tasks: RememberedTask[]): void {
    for (const service of services) this.suspects.delete(service);
    const failed = new Map(services.map((service) => [service, new Set<string>()]));
    for (const { ID, ServiceID, CreatedAt, Status } of tasks) {
      const own = failed.get(ServiceID);
      if (!own || (Status.State !== 'failed' && Status.State !== 'rejected')) continue;
      const known = this.counted.get(ServiceID)?.has(ID) === true;
      if (!known && !this.first.has(ID) && !(Date.parse(CreatedAt) >= this.since)) continue;
      own.add(ID);
      if (!known) this.totals.set(ServiceID, (this.totals.get(ServiceID) ?? 0) + 1);
    }
    failed.forEach((own, service) => this.counted.set(service, own));
  }

  private forget(services: ReadonlySet<string>): void {
    for (const list of [this.totals, this.counted, this.suspects])
      for (const service of list.keys()) if (!services.has(service)) list.delete(service);
  }
}

const idsOf = ({ running, starting, others }: TaskList): { id: string; service: string }[] => [
  ...running,
  ...starting,
  ...others,
];

/** Milliseconds after which an Engine that has not answered counts as hung. */
const answerLimit = 15_000;
/** As many services' ids as surely go into an address. */
const atOnce = 200;

/**
 * Counts what has failed since the last listing; costs one question at most where few services have changed.
 * @throws ENGINE_UNREACHABLE, ENGINE_FAILED; what was not counted is counted the next time
 */
export async function countFailures(
  failures: TaskFailures,
  listing: SwarmListing,
  engine: Engine,
  { signal }: Context,
): Promise<void> {
  const changed = failures.changed(listing);
  for (let from = 0; from < changed.length; from += atOnce) {
    const services = changed.slice(from, from + atOnce);
    const query = { filters: { service: services } };
    try {
      const options = { query, signal, limit: answerLimit };
      failures.count(services, await request<RememberedTask[]>(engine, 'GET', '/tasks', options));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw engineError('listing the tasks that have ended', error);
    }
  }
}
