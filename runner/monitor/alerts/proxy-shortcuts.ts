import { exactly, quoted } from './quote';
import type { Shortcut, ShortcutContext } from './shortcut';

/** Backends that lead to tasks of the service: `<service>:<index>`, and `:tls` behind it; a redirect asks no task. */
const of = (metric: string, { service }: ShortcutContext, more = ''): string =>
  `haproxy_backend_${metric}{proxy=~${quoted(`${exactly(service)}:[0-9]+(:tls)?`)}${more}}`;

const requests = (context: ShortcutContext, window: string): string =>
  `rate(${of('http_requests_total', context)}[${window}])`;

const responses = (context: ShortcutContext, window: string, more = ''): string =>
  `sum(rate(${of('http_responses_total', context, more)}[${window}]))`;

/** HAProxy tells the mean of the last 1024 requests of a backend: it counts as much as there were requests lately. */
const responseTime = (context: ShortcutContext, window: string): string =>
  `sum(${of('response_time_average_seconds', context)} * ${requests(context, window)}) / (sum(${requests(context, window)}) > 0)`;

const perTask = (context: ShortcutContext, window: string): string =>
  `sum(${requests(context, window)}) / on () (max(homeostat_service_replicas_running{service=${quoted(context.service)}}) > 0)`;

const window = { name: 'window', kind: 'duration' } as const;
const seconds = { name: 'seconds', kind: 'number' } as const;
const up = { scale: 'up', type: 'service' };
const down = { scale: 'down', type: 'service' };
const grows = 'Nothing, while it is scaled up. At its limit: raise com.df.scaleMax, or see what it waits for.';
const shrinks = 'Nothing: it is scaled down.';

export const proxyShortcuts = {
  proxy_rate_above: {
    arguments: [{ name: 'requests', kind: 'number' }, window],
    fires: 'the proxies send more than so many requests a second to each task',
    expression: (context, most, within) => `${perTask(context, within!)} > ${most}`,
    scope: 'service',
    labels: up,
    severity: 'warning',
    value: 'number',
    measures: 'requests a second for each task',
    bound: 'above {0} over {1}',
    runbook: grows,
    example: '@proxy_rate_above:100,1m',
  },
  proxy_rate_below: {
    arguments: [{ name: 'requests', kind: 'number' }, window],
    fires: 'the proxies send less than so many requests a second to each task, or none',
    expression: (context, least, within) => `${perTask(context, within!)} < ${least}`,
    scope: 'service',
    labels: down,
    severity: 'info',
    value: 'number',
    measures: 'requests a second for each task',
    bound: 'below {0} over {1}',
    runbook: shrinks,
    example: '@proxy_rate_below:10,5m',
  },
  proxy_resp_time_above: {
    arguments: [seconds, window],
    fires: 'tasks take longer than so many seconds to answer, on average, as the proxies see it',
    expression: (context, time, within) => `${responseTime(context, within!)} > ${time}`,
    scope: 'service',
    labels: up,
    severity: 'warning',
    value: 'seconds',
    measures: 'mean response time',
    bound: 'above {0} s over {1}',
    runbook: grows,
    example: '@proxy_resp_time_above:0.2,1m',
  },
  proxy_resp_time_below: {
    arguments: [seconds, window],
    fires: 'tasks answer within so many seconds, on average, as the proxies see it, or nobody asks',
    expression: (context, time, within) =>
      `${responseTime(context, within!)} < ${time} or on () sum(${requests(context, within!)}) == 0`,
    scope: 'service',
    labels: down,
    severity: 'info',
    value: 'seconds',
    measures: 'mean response time',
    bound: 'below {0} s over {1}',
    runbook: shrinks,
    example: '@proxy_resp_time_below:0.05,5m',
  },
  proxy_error_ratio: {
    arguments: [{ name: 'share', kind: 'ratio' }, window],
    fires: 'more than that share of the requests through the proxies was answered by 5xx',
    expression: (context, ratio, within) =>
      `${responses(context, within!, ',code="5xx"')} / (${responses(context, within!)} > 0) > ${ratio}`,
    scope: 'service',
    labels: { type: 'errors' },
    severity: 'critical',
    value: 'ratio',
    measures: 'share of requests that were answered by 5xx',
    bound: 'above {0} over {1}',
    runbook: 'Read its log; if it came with a release, run homeostat rollback.',
    example: '@proxy_error_ratio:0.01,1m',
  },
  proxy_queue: {
    arguments: [{ name: 'requests', kind: 'number' }],
    fires: 'more than so many requests wait in the proxies for a task that is free',
    expression: (context, most) => `sum(${of('current_queue', context)}) > ${most}`,
    scope: 'service',
    labels: up,
    severity: 'warning',
    value: 'number',
    measures: 'requests that wait for a task',
    bound: 'above {0}',
    runbook: grows,
    example: '@proxy_queue:10',
  },
} satisfies Record<string, Shortcut>;
