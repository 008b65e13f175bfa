import { quoted } from './quote';
import type { Shortcut, ShortcutContext } from './shortcut';

/** The histogram that Docker Flow's services have. */
const rate = (metric: string, { service }: ShortcutContext, window: string, more = ''): string =>
  `rate(http_server_resp_time_${metric}{job=${quoted(service)}${more}}[${window}])`;

/**
 * That a share of the requests is quicker than a time is the same as that the quantile is below it; but the quantile needs
 * no bucket of exactly that time.
 */
const quantile = (context: ShortcutContext, share: string, window: string): string =>
  `histogram_quantile(${share}, sum by (le) (${rate('bucket', context, window)}))`;

const seconds = { name: 'seconds', kind: 'number' } as const;
const window = { name: 'window', kind: 'duration' } as const;
const share = { name: 'share', kind: 'ratio' } as const;

export const responseShortcuts = {
  resp_time_above: {
    arguments: [seconds, window, share],
    fires: 'less than that share of the requests within the window was answered within so many seconds',
    expression: (context, time, within, ratio) => `${quantile(context, ratio!, within!)} > ${time}`,
    scope: 'service',
    labels: { scale: 'up', type: 'service' },
    severity: 'warning',
    value: 'seconds',
    measures: 'response time that a share of {2} of the requests keeps to',
    bound: 'above {0} s over {1}',
    runbook: 'Nothing, while it is scaled up. At its limit: raise com.df.scaleMax, or see what it waits for.',
    dockerFlow: true,
    example: '@resp_time_above:0.1,5m,0.99',
  },
  resp_time_below: {
    arguments: [seconds, window, share],
    fires:
      'more than that share of the requests within the window was answered within so many seconds, or there were none',
    expression: (context, time, within, ratio) =>
      `${quantile(context, ratio!, within!)} < ${time} or on () sum(${rate('count', context, within!)}) == 0`,
    scope: 'service',
    labels: { scale: 'down', type: 'service' },
    severity: 'info',
    value: 'seconds',
    measures: 'response time that a share of {2} of the requests keeps to',
    bound: 'below {0} s over {1}',
    runbook: 'Nothing: it is scaled down.',
    dockerFlow: true,
    example: '@resp_time_below:0.025,5m,0.75',
  },
  resp_time_server_error: {
    arguments: [window, share],
    fires: 'more than that share of the requests within the window was answered by 5xx',
    expression: (context, within, ratio) =>
      `sum(${rate('count', context, within!, ',code=~"5.."')}) / (sum(${rate('count', context, within!)}) > 0) > ${ratio}`,
    scope: 'service',
    labels: { type: 'errors' },
    severity: 'critical',
    value: 'ratio',
    measures: 'share of requests that were answered by 5xx',
    bound: 'above {1} over {0}',
    runbook: 'Read its log; if it came with a release, run homeostat rollback.',
    dockerFlow: true,
    example: '@resp_time_server_error:5m,0.001',
  },
} satisfies Record<string, Shortcut>;
