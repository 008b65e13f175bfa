import type { TargetGroup } from '../common/targets';
import type { ScrapeDescription } from '../labels/description';
import { promTime } from './alerts/promql-text';
import { containerJob, nodeJob, proxyJob } from './job-names';
import type {
  MonitoredNode,
  MonitoredService,
  MonitoredTask,
  MonitorRefusal,
  MonitorSettings,
  SystemPart,
} from './model';

export interface TargetInput {
  services: MonitoredService[];
  tasks: MonitoredTask[];
  nodes: MonitoredNode[];
  settings: MonitorSettings;
}

/** Labels of every target, which no other label may take the place of. */
const own = new Set(['job', 'instance', 'service', 'stack', 'node', 'slot', 'task', 'scheme']);

/**
 * What Prometheus is to scrape: one target for each task that runs, with its address on a network that Prometheus is on,
 * and the system's own parts on each node. In a fixed order: the same Swarm gives the same bytes.
 */
export function targetsOf({ services, tasks, nodes, settings }: TargetInput): {
  groups: TargetGroup[];
  refusals: MonitorRefusal[];
} {
  const refusals: MonitorRefusal[] = [];
  const nodeOf = new Map(nodes.map((node) => [node.id, node]));
  const tasksOf = new Map<string, MonitoredTask[]>();
  for (const task of [...tasks].sort(byPlace)) {
    const list = tasksOf.get(task.service) ?? [];
    list.push(task);
    tasksOf.set(task.service, list);
  }
  const groups = [...services]
    .sort((a, b) => compare(a.description.name, b.description.name))
    .flatMap((service) => serviceGroups(service, tasksOf, nodeOf, settings, refusals));
  const containers = settings.containers === 'cadvisor' ? settings.cadvisor : settings.exporter;
  return {
    groups: [
      ...systemGroups(containerJob, containers, tasksOf, nodeOf, settings),
      ...systemGroups(nodeJob, settings.nodeExporter, tasksOf, nodeOf, settings),
      ...systemGroups(proxyJob, settings.proxy, tasksOf, nodeOf, settings),
      ...groups,
    ],
    refusals,
  };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const byPlace = (a: MonitoredTask, b: MonitoredTask) => (a.slot ?? 0) - (b.slot ?? 0) || compare(a.id, b.id);

function serviceGroups(
  service: MonitoredService,
  tasksOf: Map<string, MonitoredTask[]>,
  nodeOf: Map<string, MonitoredNode>,
  settings: MonitorSettings,
  refusals: MonitorRefusal[],
): TargetGroup[] {
  const { description, stack, mode, gone } = service;
  const { scrape, name } = description;
  if (!scrape || gone || mode === 'job') return [];
  const labels = {
    job: name,
    service: name,
    ...(stack === undefined ? {} : { stack }),
    ...chosen(service.labels, settings.serviceTargetLabels),
    ...(scrape.path === '/metrics' ? {} : { __metrics_path__: scrape.path }),
    ...times(scrape.interval, scrape.timeout, settings),
  };
  const running = tasksOf.get(name) ?? [];
  if (scrape.type === 'static_configs')
    return running.length === 0 ? [] : [{ targets: [`${name}:${scrape.port}`], labels }];
  let lost = 0;
  const groups = running.flatMap((task): TargetGroup[] => {
    const address = addressOf(task, scrape.network, settings.networks);
    if (address === undefined) lost++;
    if (address === undefined) return [];
    const soon = task.isNew ? firstTimes(scrape, settings) : {};
    const place = placeOf(task, nodeOf, settings);
    return [{ targets: [withPort(address, scrape.port)], labels: { ...labels, ...soon, ...place } }];
  });
  if (lost > 0)
    refusals.push({
      service: name,
      severity: 'warning',
      label: 'scrapePort',
      message: scrape.network
        ? `is not scraped: ${lost} of its tasks have no address on the network ${scrape.network}`
        : `is not scraped: ${lost} of its tasks are on none of the networks of Prometheus (${settings.networks.join(', ')})`,
    });
  return groups;
}

/** Prometheus drops a target whose time-out is longer than its interval, so both are always named. */
function times(
  interval: number | undefined,
  timeout: number | undefined,
  { scrapeInterval }: MonitorSettings,
): Record<string, string> {
  if (interval === undefined && timeout === undefined) return {};
  const every = interval ?? scrapeInterval;
  const within = Math.min(timeout ?? Math.min(every, 10_000), every);
  return { __scrape_interval__: promTime(every), __scrape_timeout__: promTime(within) };
}

/**
 * A new task is asked each second at first, where nobody has said how often: its first figures come up to 4 s sooner. When
 * that ends, Prometheus takes it for another target, and its series pause until that one's turn: so no interval that is longer.
 */
function firstTimes({ interval, timeout }: ScrapeDescription, settings: MonitorSettings): Record<string, string> {
  const usual = settings.scrapeInterval;
  if (interval !== undefined || timeout !== undefined || usual > longestPause) return {};
  return times(Math.min(usual, 1000), undefined, settings);
}

/** Milliseconds. */
const longestPause = 5000;

function placeOf(
  task: MonitoredTask,
  nodeOf: Map<string, MonitoredNode>,
  settings: MonitorSettings,
): Record<string, string> {
  const node = nodeOf.get(task.node);
  return {
    node: node?.hostname || task.node,
    ...(task.slot === undefined ? {} : { slot: String(task.slot) }),
    task: task.id,
    ...(node ? chosen(node.labels, settings.nodeTargetLabels) : {}),
  };
}

/** The wanted labels under names that Prometheus takes: `aws-region` becomes `aws_region`. */
function chosen(labels: Record<string, string>, wanted: string[]): Record<string, string> {
  const found = wanted.flatMap((name): [string, string][] => {
    const label = name.replace(/\W/g, '_').replace(/^(?=\d)/, '_');
    const value = Object.hasOwn(labels, name) ? labels[name]! : undefined;
    return value === undefined || own.has(label) || label.startsWith('__') ? [] : [[label, value.slice(0, 1000)]];
  });
  return Object.fromEntries(found);
}

function systemGroups(
  job: string,
  { service, port }: SystemPart,
  tasksOf: Map<string, MonitoredTask[]>,
  nodeOf: Map<string, MonitoredNode>,
  settings: MonitorSettings,
): TargetGroup[] {
  const running = tasksOf.get(service) ?? [];
  const names = running.map((task) => nodeOf.get(task.node)?.hostname ?? '');
  return running.flatMap((task, index): TargetGroup[] => {
    const address = addressOf(task, undefined, settings.networks);
    if (address === undefined) return [];
    // One task a node, so its name stays when the task is replaced; where it is not unique, the address tells them apart.
    const hostname = names[index]!;
    const instance = hostname !== '' && names.indexOf(hostname) === names.lastIndexOf(hostname) ? hostname : undefined;
    const { node, ...others } = placeOf(task, nodeOf, settings);
    const { slot: _slot, task: _task, ...more } = others as Record<string, string>;
    return [
      {
        targets: [withPort(address, port)],
        labels: { job, ...(instance === undefined ? {} : { instance }), node: node!, ...more },
      },
    ];
  });
}

function addressOf({ addresses }: MonitoredTask, wanted: string | undefined, networks: string[]): string | undefined {
  const names = Object.keys(addresses).sort();
  const network =
    wanted === undefined
      ? networks.find((name) => Object.hasOwn(addresses, name))
      : // A stack's own networks are written without the stack's name.
        (names.find((name) => name === wanted) ?? names.find((name) => name.endsWith(`_${wanted}`)));
  return network === undefined ? undefined : addresses[network]!.replace(/\/\d+$/, '');
}

const withPort = (address: string, port: number) =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
