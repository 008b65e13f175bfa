import { serviceFacts, type ListedService, type ServiceFacts } from './facts';

/**
 * Facts of services by their version: one that has not changed since the last listing is the same object again, so that
 * whoever looks at it can tell at once, and what was thought about it still holds.
 */
export class ServiceCache {
  private known = new Map<string, { version: number; facts: ServiceFacts }>();

  factsOf(list: ListedService[]): ServiceFacts[] {
    const next = new Map<string, { version: number; facts: ServiceFacts }>();
    for (const service of list) {
      const version = service.Version.Index;
      const before = this.known.get(service.ID);
      const facts = before?.version === version ? withCounts(before.facts, service) : serviceFacts(service);
      next.set(service.ID, { version, facts });
    }
    this.known = next;
    return [...next.values()].map(({ facts }) => facts);
  }
}

/** Counts of tasks change without a new version of the service. */
function withCounts(facts: ServiceFacts, { ServiceStatus: counts }: ListedService): ServiceFacts {
  if (!counts || (facts.running === counts.RunningTasks && facts.wanted === counts.DesiredTasks)) return facts;
  return { ...facts, running: counts.RunningTasks, wanted: counts.DesiredTasks };
}
