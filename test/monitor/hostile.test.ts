import fc from 'fast-check';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import type { AlertDescription } from '../../runner/labels/description';
import { problemOfPromql } from '../../runner/monitor/alerts/promql';
import { safeTemplate } from '../../runner/monitor/alerts/template';
import { guiltyServices } from '../../runner/monitor/guilty';
import type { MonitoredService } from '../../runner/monitor/model';
import { rulesText } from '../../runner/monitor/write';
import { holds } from '../common/support';
import { alerts, complaints, promtool, render, service, writeFiles } from './support';

/** What could end a word, a line, a text, an expression or a template. */
const bits = [
  ...[
    '"',
    "'",
    '\\',
    '`',
    '#',
    '$',
    '%',
    '{',
    '}',
    '{{',
    '}}',
    '(',
    ')',
    '[',
    ']',
    ',',
    ':',
    ' ',
    '-',
    '|',
    '\n',
    '\t',
    '&',
    '*',
    '!',
  ],
  ...[
    '{{ $value }}',
    '{{ $labels.x }}',
    '{{ end }}',
    '{{ if $value }}',
    '{{ range query "up" }}',
    '{{/*',
    '{{- ',
    ' -}}',
    '{{ . | title }}',
  ],
  ...[
    '{{ $x }}',
    '{{ template "x" }}',
    '{{ printf "%s" $value | humanize }}',
    '{{ "\\q" }}',
    '{{ .Value }}',
    '{{ nil }}',
    '{{ 1 | 2 }}',
  ],
  ...['ü', '\u2028', '\u0085', '\ufeff', '\ud800', '😀', '\u007f', 'null', '~', 'yes', '---\n', '\n- a: b', 'a', '0'],
];
const hostile = fc.array(fc.constantFrom(...bits), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));

/** Pieces of PromQL, right and wrong. */
const pieces = [
  ...[
    'up',
    'x',
    'sum',
    'rate',
    '(',
    ')',
    '[5m]',
    '{',
    '}',
    'a="b"',
    'a=~"("',
    'a=~".*"',
    'a!=""',
    '=',
    '==',
    '>',
    '> bool',
    '1',
    '0x1f',
    '1e3',
    '5m',
    '"s"',
  ],
  ...[
    'and',
    'or',
    'unless',
    'on (a)',
    'group_left',
    'by (a)',
    'without (a)',
    'offset 5m',
    'offset -5m',
    '@ 5',
    '@ start()',
    '[5m:1m]',
    '[0s]',
    'topk',
    '3,',
  ],
  ...[
    'absent',
    'histogram_quantile(0.9, x)',
    'rate(x[5m])',
    'sum(x)',
    'time()',
    'vector(1)',
    'scalar(x)',
    'label_replace(x, "a", "$1", "b", "c")',
    '-',
    '+',
    '*',
    '%',
    '^',
  ],
  ...[
    '"\\d"',
    "'\\''",
    '`\\d`',
    '# end',
    'inf',
    'NaN',
    'x:y',
    'bool',
    '{__name__=~"u."}',
    'count_values("v", x)',
    'day_of_month()',
    'round(x, 5)',
    'quantile(0.5, x)',
    'x[1y]',
  ],
];
const jumble = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(' '));
/** What is nearly right: whole expressions of any type in places for another. */
const { shaped } = fc.letrec<{ shaped: string }>((tie) => ({
  shaped: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...pieces),
    fc.constantFrom('up', 'x{a="b"}', 'x[5m]', '1', '"s"', 'rate(x[5m])', 'time()'),
    fc
      .tuple(
        tie('shaped'),
        fc.constantFrom(
          '+',
          '>',
          'and',
          'or',
          '== bool',
          '> on (a)',
          '/ on (a) group_left (b)',
          '%',
          '^',
          'unless ignoring (a)',
        ),
        tie('shaped'),
      )
      .map((parts) => parts.join(' ')),
    fc
      .tuple(
        fc.constantFrom(
          'sum',
          'rate',
          'abs',
          'scalar',
          'vector',
          'round',
          'sum by (a)',
          'max_over_time',
          'absent',
          'hour',
          '',
          '-',
        ),
        tie('shaped'),
      )
      .map(([name, inner]) => `${name}(${inner})`),
    fc
      .tuple(
        fc.constantFrom('topk', 'clamp_max', 'histogram_quantile', 'label_join', 'count_values', 'predict_linear'),
        tie('shaped'),
        tie('shaped'),
      )
      .map(([name, one, two]) => `${name}(${one}, ${two})`),
    fc.tuple(tie('shaped'), fc.constantFrom('[5m]', '[5m:1m]', ' offset 5m', ' @ 5')).map((parts) => parts.join('')),
  ),
}));
const promql = fc.oneof(jumble, shaped, shaped);

const alert = (name: string, more: Partial<AlertDescription>): AlertDescription => ({
  ...{ index: 0, name, condition: 'up == 0', labels: {}, annotations: {}, persistent: false },
  ...more,
});

const named = (list: AlertDescription[], name = 'shop_web'): MonitoredService => {
  const made = service(name, {});
  return { ...made, description: { ...made.description, alerts: list } };
};

t.test('no text of a label gets out of its place, and all that is rendered is accepted', async (t) => {
  const texts = fc.sample(fc.tuple(hostile, hostile, hostile, hostile), { numRuns: 1500, seed: 5 });
  const list = texts.map(([one, two, three, four], index) =>
    alert(`a${index}`, {
      labels: { one, two, severity: three, null: 'x', yes: 'no' },
      annotations: { summary: two, description: three, link: four, on: one },
    }),
  );
  const { files, refusals } = render([named(list)], { link: 'http://x/{{service}}?a={service}' });
  t.same(
    refusals.filter(({ severity }) => severity === 'error'),
    [],
  );
  t.ok(refusals.length > 100, 'templates that are not understood are told');
  const { groups } = parse(files['rules/shop_web.yml']!) as { groups: { rules: Record<string, never>[] }[] };
  t.equal(groups.length, 1);
  t.equal(groups[0]!.rules.length, list.length);
  t.equal(await complaints(t, files), '');
});

t.test('what is written as YAML is read as it was, whatever it holds', async (t) => {
  const wellFormed = hostile.filter((text) => !/\p{Surrogate}/u.test(text));
  await holds(
    t,
    fc.property(fc.dictionary(wellFormed, wellFormed, { maxKeys: 4 }), wellFormed, (texts, name) => {
      const groups = [{ name, rules: [{ alert: name, expr: name, labels: texts, annotations: texts }] }];
      return JSON.stringify((parse(rulesText(groups)) as { groups: unknown }).groups) === JSON.stringify(groups);
    }),
  );
});

t.test('PromQL that is let through is accepted by promtool, and what it accepts is let through', async (t) => {
  const samples = [...new Set(fc.sample(promql, { numRuns: 8000, seed: 11 }))];
  const good = samples.filter((text) => problemOfPromql(text) === undefined);
  const bad = samples.filter((text) => problemOfPromql(text) !== undefined);
  t.comment(`${good.length} let through, ${bad.length} refused`);
  t.ok(good.length > 200);
  const { files, refusals } = render([named(good.map((condition, index) => alert(`a${index}`, { condition })))]);
  t.same(refusals, []);
  t.equal(await complaints(t, files), '');
  // promtool names every rule of a file that it refuses.
  const group = {
    name: 'bad',
    rules: bad.map((expr, index) => ({ alert: `bad${index}_`, expr, labels: {}, annotations: {} })),
  };
  const folder = writeFiles(t, { 'bad.yml': rulesText([group]) });
  const said = await promtool(['check', 'rules', path.join(folder, 'bad.yml')]);
  const wronglyRefused = bad.filter((_, index) => !said.includes(`"bad${index}_"`));
  // A string or a range is parsed, but no rule can be made of it.
  t.same(
    wronglyRefused.filter((text) => !/needs an instant vector/.test(problemOfPromql(text)!)),
    [],
  );
});

t.test('templates that stay are parsed by Prometheus, and are what people write', async (t) => {
  for (const text of [
    '{{ $value }}',
    'Memory is {{ $value | humanizePercentage }} on {{ $labels.instance }}',
    '{{ if gt $value 0.9 }}very{{ else if eq $labels.a "b" }}x{{ else }}a bit{{ end }} full',
    '{{ range query "up" }}{{ .Labels.instance }}{{ end }}',
    '{{ with query "up" }}{{ . | first | value | humanize }}{{ end }}',
    '{{- printf "%.2f" $value -}}',
    '{{ (index (query "up") 0) | value }}',
    'no template',
  ])
    t.equal(safeTemplate(text).problem, undefined, text);
  t.equal(safeTemplate('{{ $x }} 50 %').text, '{{"{{"}} $x }} 50 %');
  t.match(safeTemplate('{{ if }}').problem, /too early/);
});

t.test('promtool’s words lead to the service whose rules it refuses', async (t) => {
  const services = ['api', 'api-v2', 'api_v2', 'homeostat'].map((name) => service(name, alerts({ a: 'up == 0' })));
  const { files } = render(services);
  for (const [name, file] of [
    ['api-v2', 'rules/api-v2.yml'],
    ['api', 'rules/api.yml'],
    ['homeostat', 'rules/homeostat.service.yml'],
  ] as const) {
    for (const broken of ['sum(', '"text', 'rate(up)']) {
      const bad = { ...files, [file]: files[file]!.replace('up == 0', broken.replace('"', '\\"')) };
      const folder = t.testdir({});
      for (const [name, text] of Object.entries({ ...bad, 'credentials/controller': 'x' })) {
        mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
        writeFileSync(path.join(folder, name), text);
      }
      const said = await promtool(['check', 'config', path.join(folder, 'prometheus.yml')]);
      t.same(guiltyServices(bad, said), [name], said.slice(0, 300));
    }
  }
  t.same(guiltyServices(files, 'something else'), []);
  t.same(guiltyServices(files, 'rules/homeostat.yml: 3:1: no'), []);
  t.same(guiltyServices(files, 'rules/nobody.yml: 3:1: no'), []);
  await holds(
    t,
    fc.property(fc.string(), (message) => guiltyServices(files, message).length >= 0),
  );
});
