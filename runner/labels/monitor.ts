import type { AlertDescription, ScrapeDescription } from './description';
import type { Labels } from './reader';

const scrapeExtras = ['metricsPath', 'scrapeInterval', 'scrapeTimeout', 'scrapeType'] as const;

const scrapeLabels = ['scrapePort', ...scrapeExtras, 'scrapeNetwork'] as const;

/** Where the service's metrics are; undefined where that is not said, or a label of it is wrong. */
export function scrapeOf(labels: Labels): ScrapeDescription | undefined {
  const port = labels.get('scrapePort');
  if (port === undefined) {
    if (!labels.has(['scrapePort']))
      for (const name of scrapeExtras) if (labels.has([name])) labels.warn(name, 0, 'has no effect without scrapePort');
    return undefined;
  }
  const interval = labels.get('scrapeInterval');
  const timeout = labels.get('scrapeTimeout');
  if (interval !== undefined && timeout !== undefined && timeout > interval) {
    labels.error('scrapeTimeout', 0, 'is longer than scrapeInterval, which Prometheus refuses');
    return undefined;
  }
  if (scrapeLabels.some((name) => labels.wrong(name))) return undefined;
  return {
    port,
    path: labels.get('metricsPath') ?? '/metrics',
    interval,
    timeout,
    type: labels.get('scrapeType') === 'static_configs' ? 'static_configs' : 'tasks',
    network: labels.get('scrapeNetwork'),
  };
}

export const alertLabels = [
  'alertName',
  'alertIf',
  'alertFor',
  'alertLabels',
  'alertAnnotations',
  'alertPersistent',
] as const;

/**
 * The alerts of a service. One without index stands beside those with index, as in Docker Flow; where there is none,
 * what the labels without index say holds for all.
 */
export function alertsOf(labels: Labels): AlertDescription[] {
  const alone = labels.has(['alertIf', 'alertName']) && labels.indexes(['alertIf', 'alertName']).includes(0);
  const value = (alone ? labels.own : labels.get) as Labels['get'];
  const indexes = labels.indexes(alertLabels).filter((index) => index > 0 || alone);
  if (indexes.length === 0 && labels.has(alertLabels)) indexes.push(0);
  return indexes.flatMap((index) => {
    // One that says what cannot be read is left out alone; that is told already.
    const written = alertLabels.filter((each) => !alone || labels.indexes([each]).includes(index));
    if (written.some((each) => labels.wrong(each, index))) return [];
    const name = value('alertName', index);
    const condition = value('alertIf', index);
    if (name === undefined || condition === undefined) {
      const [missing, there] =
        name === undefined ? (['alertName', 'alertIf'] as const) : (['alertIf', 'alertName'] as const);
      const found = [there, ...alertLabels].find((each) => labels.indexes([each]).includes(index))!;
      if (!labels.indexes([missing]).includes(index))
        labels.warn(found, index, `makes no alert: there is no ${missing} with the same index`);
      return [];
    }
    return [
      {
        index,
        name,
        condition,
        for: value('alertFor', index),
        labels: value('alertLabels', index) ?? {},
        annotations: value('alertAnnotations', index) ?? {},
        persistent: value('alertPersistent', index) ?? false,
      },
    ];
  });
}
