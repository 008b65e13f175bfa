import { quoted } from './quote';
import type { Shortcut, ShortcutContext } from './shortcut';

/** Series of the containers of the service, one for each container, whoever was asked for them. */
const of = (metric: string, { service, containerJob }: ShortcutContext): string =>
  `${metric}{job=${quoted(containerJob)},container_label_com_docker_swarm_service_name=${quoted(service)}}`;

const each = (metric: string, context: ShortcutContext): string => `max by (id) (${of(metric, context)})`;

/** A limit of 0 means none: a container without one has no ratio. */
const limit = (context: ShortcutContext): string =>
  `max by (id) (${of('container_spec_memory_limit_bytes', context)} > 0)`;

/** cAdvisor may give one series for each processor. */
const cores = (context: ShortcutContext, window: string): string =>
  `sum by (id) (rate(${of('container_cpu_usage_seconds_total', context)}[${window}]))`;

const share = { name: 'ratio', kind: 'ratio' } as const;
const window = { name: 'window', kind: 'duration' } as const;
const moreMemory =
  'See whether its memory grows without end (a leak) or with its load; give it more (resources.limits.memory), or replicas.';

export const containerShortcuts = {
  service_mem_limit: {
    arguments: [share],
    fires: 'a container of the service uses more than that share of its memory limit, caches included',
    expression: (context, ratio) =>
      `max(${each('container_memory_usage_bytes', context)} / on (id) ${limit(context)}) > ${ratio}`,
    scope: 'service',
    labels: {},
    severity: 'warning',
    value: 'ratio',
    measures: 'share of its memory limit that a container uses',
    bound: 'above {0}',
    runbook: moreMemory,
    dockerFlow: true,
    example: '@service_mem_limit:0.8',
  },
  service_mem_limit_nobuff: {
    arguments: [share],
    fires: 'a container of the service uses more than that share of its memory limit, without caches',
    expression: (context, ratio) =>
      `max((${each('container_memory_usage_bytes', context)} - on (id) ${each('container_memory_cache', context)}) / on (id) ${limit(context)}) > ${ratio}`,
    scope: 'service',
    labels: {},
    severity: 'warning',
    value: 'ratio',
    measures: 'share of its memory limit that a container uses without caches',
    bound: 'above {0}',
    runbook: moreMemory,
    dockerFlow: true,
    example: '@service_mem_limit_nobuff:0.8',
  },
  service_cpu_limit: {
    arguments: [share, window],
    fires: 'a container of the service uses more than that share of its CPU limit',
    expression: (context, ratio, time) =>
      `max(${cores(context, time!)} / on (id) (${each('container_spec_cpu_quota', context)} > 0) * on (id) ${each('container_spec_cpu_period', context)}) > ${ratio}`,
    scope: 'service',
    labels: {},
    severity: 'warning',
    value: 'ratio',
    measures: 'share of its CPU limit that a container uses',
    bound: 'above {0} over {1}',
    runbook: 'It is slowed down by its limit: raise resources.limits.cpus, or let it have more replicas.',
    example: '@service_cpu_limit:0.9,1m',
  },
  service_cpu_above: {
    arguments: [{ name: 'cores', kind: 'number' }, window],
    fires: 'the containers of the service use more than so many cores each, on average',
    expression: (context, most, time) => `avg(${cores(context, time!)}) > ${most}`,
    scope: 'service',
    labels: { scale: 'up', type: 'service' },
    severity: 'warning',
    value: 'cores',
    measures: 'mean CPU use of its containers',
    bound: 'above {0} cores over {1}',
    runbook: 'Nothing, while it is scaled up. At its limit: raise com.df.scaleMax, or make it need less.',
    example: '@service_cpu_above:0.8,1m',
  },
  service_cpu_below: {
    arguments: [{ name: 'cores', kind: 'number' }, window],
    fires: 'the containers of the service use less than so many cores each, on average',
    expression: (context, least, time) => `avg(${cores(context, time!)}) < ${least}`,
    scope: 'service',
    labels: { scale: 'down', type: 'service' },
    severity: 'info',
    value: 'cores',
    measures: 'mean CPU use of its containers',
    bound: 'below {0} cores over {1}',
    runbook: 'Nothing: it is scaled down.',
    example: '@service_cpu_below:0.1,5m',
  },
} satisfies Record<string, Shortcut>;
