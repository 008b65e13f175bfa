import type { LabelSettings, ServiceDescription } from '../labels/description';
import type { MonitoredNode, MonitoredService, MonitoredTask } from '../monitor/model';
import type { SwarmListing, TaskList } from '../swarm/facts';
import type { Plan } from './plan';

/** What the rules and targets are made from, as the plan has decided it. */
export function monitoredServices({ services }: Plan, { prefix }: LabelSettings): MonitoredService[] {
  return services.flatMap(({ facts, decision }): MonitoredService[] => {
    const description = decision.served?.description;
    if (!description || !isMonitored(description)) return [];
    return [
      {
        description,
        ...(facts.stack === undefined ? {} : { stack: facts.stack }),
        mode: facts.mode,
        createdAt: facts.createdAt,
        labels: withoutPrefix(decision.served!.version.labels, prefix),
      },
    ];
  });
}

/** Services with neither metrics nor alerts of their own cost nothing. */
const isMonitored = ({ scrape, alerts }: ServiceDescription) => scrape !== undefined || alerts.length > 0;

/** The labels under the prefix, without it. */
export const withoutPrefix = (labels: Record<string, string>, prefix: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );

/** Milliseconds that a task is new after it has begun to run: Prometheus takes a target in within 5 s. */
const newFor = 10_000;

/**
 * Tasks that run or will soon, with names in place of ids. Prometheus takes seconds until it asks a new target: with a task that
 * is known while it starts, they pass before it is ready.
 */
export function monitoredTasks(
  { running, starting }: TaskList,
  { services, networks }: SwarmListing,
  now: Date,
): MonitoredTask[] {
  const serviceOf = new Map(services.map((service) => [service.id, service]));
  const networkOf = new Map(networks.map(({ id, name }) => [id, name]));
  // A node whose clock is wrong has no new tasks, instead of tasks that stay new for ever.
  const isNew = (since: string) => Math.abs(now.getTime() - Date.parse(since)) < newFor;
  const newOnes = new Set([...starting, ...running.filter(({ since }) => isNew(since))].map(({ id }) => id));
  return [...running, ...starting].flatMap(({ id, service, node, slot, addresses }): MonitoredTask[] => {
    const facts = serviceOf.get(service);
    if (!facts) return [];
    const named = Object.entries(addresses).flatMap(([network, address]): [string, string][] => {
      const name = networkOf.get(network);
      return name === undefined ? [] : [[name, address]];
    });
    return [
      {
        ...{ id, service: facts.name, node },
        ...(facts.stack === undefined ? {} : { stack: facts.stack }),
        ...(slot === undefined ? {} : { slot }),
        ...(newOnes.has(id) ? { isNew: true } : {}),
        addresses: Object.fromEntries(named),
      },
    ];
  });
}

export const monitoredNodes = ({ nodes }: SwarmListing, { prefix }: LabelSettings): MonitoredNode[] =>
  nodes.map(({ id, hostname, labels, engineLabels }) => ({
    ...{ id, hostname },
    labels: withoutPrefix({ ...engineLabels, ...labels }, prefix),
  }));
