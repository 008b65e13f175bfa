import t from 'tap';
import { limitsOfLabels } from '../../runner/labels/scale';
import { describe, errors, warnings } from './support';

const alerts = (labels: Record<string, string>) =>
  describe(labels).description!.alerts.map(({ index, name, condition, ...rest }) => [index, name, condition, rest.for]);

t.test('an alert needs a name and a condition; what lacks one is told and makes none', async (t) => {
  t.same(alerts({ alertIf: 'up == 0' }), []);
  t.match(warnings({ alertIf: 'up == 0' }), [
    /com\.df\.alertIf makes no alert: there is no alertName with the same index/,
  ]);
  t.match(warnings({ 'alertName.2': 'x', alertIf: 'up' }).length, 2);
  t.match(warnings({ 'alertFor.3': '5m' }), [/com\.df\.alertFor\.3 makes no alert: there is no alertName/]);
});

t.test('alerts with index have gaps; one without index stands beside them', async (t) => {
  t.same(alerts({ 'alertName.1': 'a', 'alertIf.1': '1', 'alertName.7': 'b', 'alertIf.7': '2', 'alertFor.7': '30' }), [
    [1, 'a', '1', undefined],
    [7, 'b', '2', '30s'],
  ]);
  const both = { alertName: 'own', alertIf: '0', alertFor: '1m', 'alertName.1': 'a', 'alertIf.1': '1' };
  t.same(alerts(both), [
    [0, 'own', '0', '1m'],
    [1, 'a', '1', undefined],
  ]);
  t.same(
    alerts({
      alertFor: '1m',
      'alertName.1': 'a',
      'alertIf.1': '1',
      'alertName.2': 'b',
      'alertIf.2': '2',
      'alertFor.2': '2m',
    }),
    [
      [1, 'a', '1', '1m'],
      [2, 'b', '2', '2m'],
    ],
  );
});

t.test('conditions, labels and annotations are kept as they were written', async (t) => {
  const [alert] = describe({
    'alertName.2': 'errors',
    'alertIf.2': 'sum(rate(x{code=~"^5..$",path="a\\ b"}[5m])) by (job) > 0.1',
    'alertLabels.2': 'severity=high, receiver=system',
    'alertAnnotations.2': 'summary=More than 10%, for minutes,link=http://x/?a=b',
    'alertPersistent.2': 'true',
  }).description!.alerts;
  t.match(alert, {
    condition: 'sum(rate(x{code=~"^5..$",path="a\\ b"}[5m])) by (job) > 0.1',
    labels: { severity: 'high', receiver: 'system' },
    annotations: { summary: 'More than 10%, for minutes', link: 'http://x/?a=b' },
    persistent: true,
  });
});

t.test('scraping needs a port, and no more time than there is between two looks', async (t) => {
  t.match(warnings({ metricsPath: '/m', scrapeInterval: '10s' }), [
    /metricsPath has no effect/,
    /scrapeInterval has no effect/,
  ]);
  t.same(warnings({ scrapeNetwork: 'monitor' }), [], 'others use it for addresses of tasks');
  t.match(errors({ scrapePort: '9090', scrapeInterval: '10s', scrapeTimeout: '11s' }), [/longer than scrapeInterval/]);
  t.match(describe({ scrapePort: '9090' }).description?.scrape, { port: 9090, path: '/metrics', type: 'tasks' });
  t.match(describe({ scrapePort: '1', scrapeType: 'static_configs', scrapeInterval: '1m' }).description?.scrape, {
    type: 'static_configs',
    interval: 60_000,
  });
});

t.test('limits of scaling', async (t) => {
  const scale = (labels: Record<string, string>) => describe(labels).description!.scale;
  t.equal(scale({}), undefined);
  t.equal(scale({ reschedule: 'true' }), undefined, 'to be spread anew is not to be scaled');
  t.match(describe({ reschedule: 'true' }).description, { reschedule: true });
  t.match(scale({ scaleMin: '2' }), { minimum: 2, maximum: 5, upBy: { amount: 1, unit: 'replicas' }, paused: 'none' });
  t.match(scale({ scaleMin: '8' }), { minimum: 8, maximum: 8 });
  t.match(scale({ scaleMax: '9', scaleUpBy: '50%', scaleCooldownUp: '5m', scalePaused: 'true' }), {
    upBy: { amount: 50, unit: 'percent' },
    cooldownUp: 300_000,
    paused: 'all',
  });
  t.match(errors({ scaleMin: '8', scaleMax: '3' }), ['com.df.scaleMin is 8, more than scaleMax, which is 3']);
});

t.test('limits hold for a service that takes no part, and whatever is wrong with its labels', async (t) => {
  t.same(limitsOfLabels({ 'com.df.scaleMin': '2', 'com.df.scaleMax': 'x' }), { minimum: 2, maximum: 5 });
  t.same(limitsOfLabels({ 'com.df.scaleMin': '9', 'com.df.scaleMax': '3' }), { minimum: 9, maximum: 9 });
  t.equal(limitsOfLabels({ 'com.df.notify': 'true' }), undefined);
  const defaults = { scaleMax: '20' };
  t.same(limitsOfLabels({ 'a.scaleMin': '2' }, { prefix: 'a.', defaults }), { minimum: 2, maximum: 20 });
});

t.test('a label that is wrong costs its own alert, or the metrics; nothing else of the service', async (t) => {
  const good = { 'alertName.2': 'b', 'alertIf.2': 'up', scrapePort: '9090', port: '8080', servicePath: '/' };
  const bad: Record<string, string>[] = [
    { 'alertFor.1': '5 minutes' },
    { 'alertLabels.1': 'nothing' },
    { 'alertAnnotations.1': 'nothing' },
    { 'alertPersistent.1': 'perhaps' },
    { 'alertAnnotations.1': 'summary=\u0007' },
    { 'alertIf.1': 'x'.repeat(5000) },
  ];
  for (const labels of bad) {
    const { description, problems } = describe({ 'alertName.1': 'a', 'alertIf.1': 'up', ...good, ...labels });
    t.same(
      description?.alerts.map(({ name }) => name),
      ['b'],
      JSON.stringify(labels).slice(0, 80),
    );
    t.match(problems, [{ severity: 'error', costs: 'alert' }]);
    t.equal(description?.destinations.length, 1);
    t.equal(description?.scrape?.port, 9090);
  }
  const { description } = describe({ ...good, scrapeInterval: 'soon' });
  t.equal(description?.scrape, undefined, 'it would be asked at another pace than is wanted');
  t.equal(description?.alerts.length, 1);
  t.same(alerts({ 'alertName.1': 'a', 'alertIf.1': 'up', alertFor: 'x' }), [], 'what holds for all is wrong for all');
});
