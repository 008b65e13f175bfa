import path from 'node:path';
import { writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { holds } from '../common/support';
import { amtool, folderFor, jobEnvironment, render, settingsOf, writeFiles } from './support';

interface Alert {
  status?: 'firing' | 'resolved';
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  generatorURL?: string;
}

const common = { alertname: 'shop_main_slow', service: 'shop_main', severity: 'critical' };

/** Shows what a message would be, by the templates that Alertmanager is given. */
async function messenger(t: Test, env: Record<string, string> = {}) {
  const folder = await folderFor(t);
  await writeFiles(folder, render({ settings: settingsOf({ ...jobEnvironment, ...env }) }).files);
  return async (part: string, alerts: Alert[], annotations: Record<string, string> = {}, labels = common) => {
    const data = {
      status: alerts.some(({ status }) => status !== 'resolved') ? 'firing' : 'resolved',
      receiver: 'x',
      externalURL: 'http://alertmanager.example',
      commonLabels: labels,
      groupLabels: labels,
      commonAnnotations: annotations,
      alerts: alerts.map((alert) => ({
        status: 'firing',
        startsAt: '2026-02-03T04:05:06Z',
        endsAt: '2026-02-03T05:05:06Z',
        fingerprint: 'a',
        generatorURL: '',
        ...alert,
        labels: { ...labels, ...alert.labels },
        annotations: alert.annotations ?? {},
      })),
    };
    await writeFile(path.join(folder, 'data.json'), JSON.stringify(data));
    const { code, text } = await amtool(
      ...['template', 'render', `--template.glob=${folder}/templates/*.tmpl`],
      ...[`--template.text={{ template "homeostat.${part}" . }}`, `--template.data=${folder}/data.json`],
    );
    if (code !== 0) throw new Error(text);
    return text;
  };
}

t.test('an alert without any annotation still says what it is', async (t) => {
  const show = await messenger(t);
  t.equal(await show('title', [{}]), 'FIRING: shop_main: shop_main_slow');
  t.equal(await show('color', [{}]), 'danger');
  t.equal(
    await show('text', [{}]),
    'Since: 2026-02-03 04:05:06 UTC\n' +
      '<http://alertmanager.example/#/silences/new?filter=%7Balertname%3D%22shop_main_slow%22%7D|Silence>\n',
  );
});

t.test('what, where, since when, value, link and what to do', async (t) => {
  const show = await messenger(t, { HOMEOSTAT_ALERTING_EXTERNAL_URL: 'https://ops.example/am/' });
  const annotations = {
    summary: 'Answers of shop_main are slow',
    description: 'Less than 95 % of answers come within 0.2 s',
    value: '0.83',
    runbook: 'See its log; docs/metrics-and-alerts.md',
    link: 'https://grafana.example/d/1',
  };
  const alert = {
    labels: { stack: 'shop', node: 'node-1', instance: '10.0.1.7:8080' },
    annotations,
    generatorURL: 'http://prometheus.example/graph?g0.expr=1',
  };
  t.equal(
    await show('title', [alert], { summary: annotations.summary }),
    'FIRING: shop_main: Answers of shop_main are slow',
  );
  t.equal(
    await show('text', [alert]),
    `*Answers of shop_main are slow*
Less than 95 % of answers come within 0.2 s
Where: stack shop node node-1 instance 10.0.1.7:8080
Since: 2026-02-03 04:05:06 UTC
Value: 0.83
What to do: See its log; docs/metrics-and-alerts.md
See: https://grafana.example/d/1
<http://prometheus.example/graph?g0.expr=1|Query>
<https://ops.example/am/#/silences/new?filter=%7Balertname%3D%22shop_main_slow%22%7D|Silence>
`,
  );
  t.equal(await show('link', [alert]), 'https://ops.example/am/#/alerts?filter=%7Balertname%3D%22shop_main_slow%22%7D');
});

t.test('resolved: told as such, from when to when, without advice', async (t) => {
  const show = await messenger(t);
  const alert = { status: 'resolved' as const, annotations: { summary: 'slow', runbook: 'act' } };
  t.equal(await show('title', [alert], { summary: 'slow' }), 'RESOLVED: shop_main: slow');
  t.equal(await show('color', [alert]), 'good');
  t.equal(await show('text', [alert]), '*slow*\nSince: 2026-02-03 04:05:06 UTC until 05:05:06\n');
});

t.test('a hundred alerts at once are a message of five', async (t) => {
  const show = await messenger(t);
  const long = 'word '.repeat(1000);
  const alerts = Array.from({ length: 100 }, (_, number) => ({
    status: number < 98 ? ('firing' as const) : ('resolved' as const),
    labels: { instance: `i-${number}` },
    annotations: { summary: long, description: long, runbook: long, value: long, link: long },
  }));
  t.match(await show('title', alerts), /^FIRING \(98\): /);
  const text = await show('text', alerts);
  t.equal(text.match(/^Since/gm)?.length, 5);
  t.match(text, /and more: 98 in all\nNo more: 2 of them\.\n/);
  t.ok(text.length < 10_000, `${text.length} characters`);
});

t.test('severities have their colours', async (t) => {
  const show = await messenger(t);
  for (const [severity, color] of [
    ['warning', 'warning'],
    ['info', '#439fe0'],
    ['', 'warning'],
  ])
    t.equal(await show('color', [{}], {}, { ...common, severity: severity! }), color);
});

t.test('no text of a label or an annotation is a mention, a link or a template', async (t) => {
  const show = await messenger(t);
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(
      '<!channel>',
      '<@U1>',
      '<http://evil|click>',
      '&lt;',
      '{{ .ExternalURL }}',
      '{{ end }}',
      '$1',
      '\n\n',
    ),
  );
  const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''));
  const keys = ['summary', 'description', 'value', 'runbook', 'link'];
  const annotations = fc.record(Object.fromEntries(keys.map((key) => [key, text])));
  const labels = fc.record({ alertname: text, service: text, severity: text, node: text, instance: text });
  const property = fc.asyncProperty(annotations, labels, async (annotations, labels) => {
    for (const part of ['title', 'text']) {
      const shown = await show(part, [{ annotations, labels }], annotations, labels);
      const own = shown.replace(
        /<http:\/\/alertmanager\.example\/#\/silences\/new\?filter=[\w%.+~-]+\|Silence>\n$/,
        '',
      );
      if (/[<>]/.test(own) || /&(?!amp;|lt;|gt;)/.test(own)) throw new Error(own);
    }
  });
  await holds(t, property, { numRuns: 40 });
});
