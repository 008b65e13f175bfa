import { gauge, headText, labelPairs, metricsText, type Family } from '../common/metrics';
import type { ContainerFacts } from './container-facts';
import type { InterfaceReading, Reading, Traffic } from './reading';
import type { Page } from './page';
import type { NodeReading } from './readings';

/** A metric of each container; undefined where it has none. */
interface ContainerMetric {
  name: string;
  type: Family['type'];
  help: string;
  value(container: ContainerFacts, reading: Reading, at: number): number | undefined;
  /** More labels, as they stand between the braces. */
  labels?: string;
}

/** Names and labels as cAdvisor has them (https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md), where it has one. */
const metrics: ContainerMetric[] = [
  {
    name: 'container_memory_usage_bytes',
    type: 'gauge',
    help: 'Memory that is used, the cache among it.',
    value: (_container, { memory }) => memory?.usage,
  },
  {
    name: 'container_memory_working_set_bytes',
    type: 'gauge',
    help: 'Memory that cannot be taken back at once.',
    value: (_container, { memory }) => memory?.workingSet,
  },
  {
    name: 'container_memory_cache',
    type: 'gauge',
    help: 'Bytes of the page cache.',
    value: (_container, { memory }) => memory?.cache,
  },
  {
    name: 'container_memory_rss',
    type: 'gauge',
    help: 'Bytes of memory that belongs to no file.',
    value: (_container, { memory }) => memory?.rss,
  },
  {
    name: 'container_spec_memory_limit_bytes',
    type: 'gauge',
    help: 'Most memory that the container may use; 0 is no limit.',
    value: ({ memoryLimit }) => memoryLimit,
  },
  {
    name: 'container_cpu_usage_seconds_total',
    type: 'counter',
    help: 'Processor time that was used.',
    value: (_container, { cpuSeconds }) => cpuSeconds,
    labels: 'cpu="total"',
  },
  {
    name: 'container_spec_cpu_quota',
    type: 'gauge',
    help: 'Microseconds of processor time in each period; not there without a limit.',
    value: ({ cpuQuota }) => cpuQuota || undefined,
  },
  {
    name: 'container_spec_cpu_period',
    type: 'gauge',
    help: 'Microseconds of a period.',
    value: ({ cpuPeriod }) => cpuPeriod,
  },
  {
    name: 'container_start_time_seconds',
    type: 'gauge',
    help: 'Time at which the container was started.',
    value: ({ startedAt }) => startedAt,
  },
  {
    name: 'container_last_seen',
    type: 'gauge',
    help: 'Time at which the container was last seen.',
    value: (_container, _reading, at) => at,
  },
  {
    name: 'homeostat_container_health',
    type: 'gauge',
    help: '1 where the health check of the container says that it is healthy, 0 where not; not there without a check.',
    value: ({ healthy }) => (healthy === undefined ? undefined : Number(healthy)),
  },
  {
    name: 'homeostat_container_restarts_total',
    type: 'counter',
    help: 'Times that the Engine has restarted the container by its restart policy.',
    value: ({ restarts }) => restarts,
  },
];

const directions: ['receive' | 'transmit', string][] = [
  ['receive', 'received'],
  ['transmit', 'transmitted'],
];
const kinds: [keyof Traffic, string, string][] = [
  ['bytes', 'bytes', 'Bytes'],
  ['packets', 'packets', 'Packets'],
  ['errors', 'errors', 'Errors while packets were'],
  ['dropped', 'packets_dropped', 'Packets dropped while they were'],
];

const traffic = directions.flatMap(([direction, done]) =>
  kinds.map(([kind, name, what]) => ({
    name: `container_network_${direction}_${name}_total`,
    type: 'counter' as const,
    help: `${what} ${done}.`,
    value: (device: InterfaceReading) => device[direction][kind],
  })),
);

/** Writes all of the exporter's metrics in the text form of Prometheus. */
export function writeMetrics(page: Page, node: NodeReading): void {
  page.add(metricsText(ownFamilies(node)));
  const { read, at } = node;
  if (read.length === 0) return;
  for (const { value, labels: more, ...head } of metrics) {
    page.add(headText(head));
    const begin = `${head.name}{`;
    const end = more === undefined ? '} ' : `,${more}} `;
    for (const { container, reading } of read) {
      const number = value(container, reading, at);
      if (number === undefined) continue;
      page.add(begin);
      page.addBytes(container.labels);
      page.add(`${end}${number}\n`);
    }
  }
  for (const { value, ...head } of traffic) {
    page.add(headText(head));
    const begin = `${head.name}{`;
    for (const { container, reading } of read)
      for (const device of reading.interfaces) {
        page.add(begin);
        page.addBytes(container.labels);
        page.add(`,${labelPairs({ interface: device.name })}} ${value(device)}\n`);
      }
  }
}

const ownFamilies = ({ up, seconds, sources, unread }: NodeReading): Family[] => [
  gauge('homeostat_exporter_up', '1 while the Docker Engine answers; no container is told of otherwise.', [
    { labels: {}, value: up ? 1 : 0 },
  ]),
  gauge('homeostat_exporter_read_seconds', 'Time that the reading took.', [{ labels: {}, value: seconds }]),
  gauge(
    'homeostat_exporter_containers',
    "Containers by what they are read from: the node's files, or the Engine, which costs much more.",
    Object.entries(sources).map(([source, value]) => ({ labels: { source }, value })),
  ),
  gauge('homeostat_exporter_unread_containers', 'Containers that gave no answer in time.', [
    { labels: {}, value: unread },
  ]),
];
