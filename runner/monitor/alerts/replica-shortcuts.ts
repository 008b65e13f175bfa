import { conditionLabel, fewTasks } from '../../common/alert-labels';
import { promDuration } from './promql-text';
import { quoted } from './quote';
import type { Shortcut, ShortcutContext } from './shortcut';

const of = (metric: string, { service }: ShortcutContext): string =>
  `max(homeostat_service_${metric}{service=${quoted(service)}})`;

/** 0 where nothing is known of a service that is wanted: one that is fully down counts as such. */
const running = (context: ShortcutContext): string => `(${of('replicas_running', context)} or vector(0))`;

const failed = (context: ShortcutContext, window: string): string =>
  `round(sum(increase(homeostat_service_tasks_failed_total{service=${quoted(context.service)}}[${window}])))`;

const look = 'See why its tasks do not run: homeostat status, docker service ps --no-trunc.';
const replicas = {
  arguments: [],
  scope: 'service',
  value: 'number',
  measures: 'number of tasks that run',
  runbook: look,
  dockerFlow: true,
} as const;
const count = { name: 'count', kind: 'number' } as const;
const window = { name: 'window', kind: 'duration' } as const;

export const replicaShortcuts = {
  replicas_running: {
    ...replicas,
    fires: 'not as many tasks run as the service is to have',
    expression: (context) => `${running(context)} != ${of('replicas_wanted', context)}`,
    labels: { scale: 'up', type: 'node', [conditionLabel]: fewTasks },
    severity: 'warning',
    bound: 'not what is wanted',
    example: '@replicas_running',
  },
  replicas_less_than: {
    ...replicas,
    fires: 'fewer tasks run than the service is to have',
    expression: (context) => `${running(context)} < ${of('replicas_wanted', context)}`,
    labels: { scale: 'up', type: 'node', [conditionLabel]: fewTasks },
    severity: 'warning',
    bound: 'below what is wanted',
    example: '@replicas_less_than',
  },
  replicas_more_than: {
    ...replicas,
    fires: 'more tasks run than the service is to have',
    expression: (context) => `${running(context)} > ${of('replicas_wanted', context)}`,
    labels: { scale: 'down', type: 'node' },
    severity: 'info',
    bound: 'above what is wanted',
    example: '@replicas_more_than',
  },
  service_down: {
    arguments: [],
    fires: 'no task of the service runs though some are wanted',
    expression: (context) => `${running(context)} == 0 and on () ${of('replicas_wanted', context)} > 0`,
    scope: 'service',
    labels: {},
    severity: 'critical',
    value: 'number',
    measures: 'number of tasks that run',
    bound: '0',
    runbook: look,
    example: '@service_down',
  },
  service_restarts: {
    arguments: [count, window],
    fires: 'more tasks of the service than that failed within the window',
    expression: (context, most, within) => `${failed(context, within!)} > ${most}`,
    scope: 'service',
    labels: {},
    severity: 'warning',
    value: 'number',
    measures: 'number of tasks that failed',
    bound: 'above {0} over {1}',
    runbook: look,
    example: '@service_restarts:2,10m',
  },
  crash_loop: {
    arguments: [
      { ...count, default: '3' },
      { ...window, default: '5m' },
    ],
    fires: 'at least so many tasks of the service failed within the window',
    expression: (context, least, within) => `${failed(context, within!)} >= ${least}`,
    scope: 'service',
    labels: {},
    severity: 'critical',
    value: 'number',
    measures: 'number of tasks that failed',
    bound: 'at least {0} over {1}',
    runbook:
      'Its tasks die soon after their start: read the log of the last one; if it came with a release, run homeostat rollback.',
    inRollout: true,
    example: '@crash_loop',
  },
  stuck_rollout: {
    arguments: [{ name: 'time', kind: 'duration', default: '10m' }],
    fires: 'a rollout of the service takes longer than that',
    expression: (context, time) => `time() - ${of('update_started_seconds', context)} > ${promDuration(time!)! / 1000}`,
    scope: 'service',
    labels: {},
    severity: 'critical',
    value: 'seconds',
    measures: 'age of its rollout',
    bound: 'above {0}',
    runbook:
      'See why new tasks do not start (docker service ps --no-trunc), then run homeostat rollback or deploy again.',
    inRollout: true,
    example: '@stuck_rollout:5m',
  },
  one_replica: {
    arguments: [],
    fires: 'a service that the proxy has a route to is to have one task only, so that each stop of it is felt',
    expression: (context) => `${of('replicas_wanted', context)} == 1 and on () ${of('routed', context)} == 1`,
    scope: 'service',
    labels: {},
    severity: 'info',
    value: 'number',
    measures: 'number of tasks that are wanted',
    bound: '1',
    runbook: 'Let it have two replicas, and com.df.scaleMin of 2.',
    example: '@one_replica',
  },
} satisfies Record<string, Shortcut>;
