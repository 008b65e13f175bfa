import t from 'tap';
import { parse } from 'yaml';
import { defaultMonitorSettings, monitorSettings } from '../../runner/monitor/settings';
import { alertNames } from '../../runner/monitor/alerts/names';
import { alerts, complaints, render, service } from './support';

const files = (conditions: Record<string, string>, name = 'shop_web', more = {}) =>
  render([service(name, { ...alerts(conditions), ...more })]).files;

t.test('one alert that cannot be had is left out; all others load', async (t) => {
  const output = render([
    service('bad', alerts({ a: 'sum(', b: 'up == 0', c: '@nothing', d: '@service_mem_limit:0.8' })),
    service('good', alerts({ a: 'up == 0' })),
  ]);
  t.match(output.refusals, [
    { service: 'bad', severity: 'error', label: 'alertIf.1', message: /^alertIf\.1 does not parse: it ends too early/ },
    { service: 'bad', severity: 'error', label: 'alertIf.3' },
  ]);
  t.same(
    output.alerts.map(({ alert }) => alert),
    ['bad_b', 'bad_d', 'good_a'],
  );
  t.equal(await complaints(t, output.files), '');
});

t.test('the same input gives the same bytes in any order; one service changes its own file only', async (t) => {
  const services = ['c', 'a', 'b', 'api', 'api-v2'].map((name) => service(name, alerts({ x: '@replicas_less_than' })));
  const { files: once } = render(services);
  t.same(render([...services].reverse()).files, once);
  t.same(Object.keys(once), [
    'prometheus.yml',
    'rules/homeostat.yml',
    ...['rules/a.yml', 'rules/api-v2.yml', 'rules/api.yml', 'rules/b.yml', 'rules/c.yml'],
  ]);
  const { files: changed } = render([...services.slice(1), service('c', alerts({ x: 'up == 0' }))]);
  t.same(
    Object.keys(once).filter((name) => once[name] !== changed[name]),
    ['rules/c.yml'],
  );
  const { files: less } = render(services.filter(({ description }) => description.name !== 'api'));
  t.same(
    Object.keys(once).filter((name) => once[name] !== less[name]),
    ['rules/api.yml'],
    'api-v2 stays when api goes',
  );
});

t.test('names of alerts stay apart, and the older service keeps its own', async (t) => {
  t.same(
    alertNames([
      { service: 'go-demo_main', alert: 'mem' },
      { service: 'go_demo_main', alert: 'mem' },
      { service: 'go', alert: 'demo_main_mem' },
      { service: 'other', alert: 'mem' },
    ]).map((name) => name.replace(/_[0-9a-f]{6}$/, '_HASH')),
    ['go_demo_main_mem', 'go_demo_main_mem_HASH', 'go_demo_main_mem_HASH', 'other_mem'],
  );
  const old = service('api-v2', alerts({ x: 'up == 0' }), { createdAt: '2026-01-01T00:00:00Z' });
  const young = service('api_v2', alerts({ x: 'up == 0' }), { createdAt: '2026-02-01T00:00:00Z' });
  const { files: alone } = render([old]);
  const { files: both } = render([young, old]);
  t.equal(both['rules/api-v2.yml'], alone['rules/api-v2.yml']);
  t.match(both['rules/api_v2.yml'], /alert: "api_v2_x_[0-9a-f]{6}"/);
});

t.test('two alerts of one name, times and labels that cannot be', async (t) => {
  const { refusals, alerts: found } = render([
    service('shop_web', {
      ...alerts({ a: 'up == 0' }),
      'alertName.2': 'a',
      'alertIf.2': 'up == 1',
      'alertName.3': 'long',
      'alertIf.3': 'up',
      'alertFor.3': '999999y',
      'alertName.4': 'labels',
      'alertIf.4': 'up',
      'alertLabels.4': 'service=other,alertname=x,__x__=y,stack=z,condition=node-lost,team=a',
      'alertName.5': 'friend',
      'alertIf.5': 'up',
      'alertLabels.5': 'service=shop_db',
    }),
  ]);
  t.match(
    refusals.filter(({ severity }) => severity === 'error'),
    [
      { label: 'alertName.2', message: /is 'a', as another alert of the service is called/ },
      { label: 'alertFor.3', message: /at most a year/ },
    ],
  );
  t.equal(refusals.filter(({ label }) => label === 'alertLabels.4').length, 5);
  t.match(found.find(({ alert }) => alert === 'shop_web_labels')?.labels, {
    service: 'shop_web',
    stack: 'shop',
    team: 'a',
    condition: undefined,
  });
  t.equal(found.find(({ alert }) => alert === 'shop_web_friend')?.labels.service, 'shop_db', 'its stack is its own');
});

t.test('every alert says what, where and what to do; what the service says comes first', async (t) => {
  const rules = parse(
    files({ mem: '@service_mem_limit:0.8', own: 'up == 0', both: '@service_down_or_@crash_loop' }, 'shop_web', {
      'alertAnnotations.2': 'summary=Shop is away,team=a',
      'alertFor.2': '30',
    })['rules/shop_web.yml']!,
  ) as { groups: { name: string; limit: number; rules: Record<string, Record<string, string>>[] }[] };
  t.match(rules.groups, [{ name: 'shop_web', limit: defaultMonitorSettings.alertLimit }]);
  for (const rule of rules.groups[0]!.rules) {
    t.match(rule.labels, { service: 'shop_web', stack: 'shop', severity: /./ });
    t.match(rule.annotations, { summary: /./, description: /./, link: /./, runbook: /./ });
  }
  const [memory, own] = rules.groups[0]!.rules;
  t.equal(memory!.annotations!.summary, 'shop_web: share of its memory limit that a container uses is above 80 %');
  t.match(own!, { for: '30s', annotations: { summary: 'Shop is away', team: 'a' } });
  const { files: linked } = render([service('shop_web', alerts({ a: 'up' }))], {
    link: 'https://grafana/d/x?var-service={service}&a={alert}',
  });
  t.match(linked['rules/shop_web.yml'], 'https://grafana/d/x?var-service=shop_web&a=shop_web_a');
});

t.test('of a service that is gone its persistent alerts are left', async (t) => {
  const labels = { ...alerts({ a: 'up == 0', b: 'up == 1' }), 'alertPersistent.2': 'true' };
  const { alerts: found } = render([service('shop_web', labels, { gone: true })]);
  t.same(
    found.map(({ alert }) => alert),
    ['shop_web_b'],
  );
});

t.test('own shortcuts take the place of the usual ones, with arguments and labels', async (t) => {
  const { settings, problems } = monitorSettings(
    {},
    {
      shortcuts: {
        'alertif-site': `
"@service_mem_limit":
  expanded: my_memory{service="{{ .Alert.ServiceName }}"} > {{ index .Values 0 }}
  labels: { receiver: system, service: "{{ .Alert.ServiceName }}", team: site }
  annotations: { summary: "above {{ index .Values 0 }} of {{ .Alert.ServiceName }}" }
"@orders":
  expanded: rate(orders_total{job="{{ .Alert.ServiceName }}"}[{{ index .Values 1 }}]) < {{ index .Values 0 }}
`,
        alertif_bad: 'a: [',
        alertif_more: '"@x": { expanded: "{{ .Nothing }}" }',
      },
    },
  );
  t.equal(problems.length, 2);
  const { alerts: found, refusals } = render(
    [service('shop_web', alerts({ a: '@service_mem_limit:5', b: '@orders:3,5m', c: '@orders:3', d: '@orders:3,)' }))],
    settings,
  );
  t.match(found, [
    { expression: 'my_memory{service="shop_web"} > 5', labels: { receiver: 'system', team: 'site' } },
    { expression: 'rate(orders_total{job="shop_web"}[5m]) < 3' },
  ]);
  t.match(refusals, [{ message: /takes 2/ }, { message: /@orders, of which the PromQL does not parse/ }]);
});

t.test('prometheus.yml has what is needed, and promtool takes it with all that can be set', async (t) => {
  const { settings, problems } = monitorSettings(
    {
      GLOBAL__EXTERNAL_LABELS: 'cluster=swarm,type=production',
      GLOBAL_SCRAPE_INTERVAL: '10s',
      REMOTE_WRITE_1__URL: 'http://first.acme.com/write',
      REMOTE_WRITE_1__WRITE_RELABEL_CONFIGS_1__SOURCE_LABELS_1: 'label1',
      REMOTE_WRITE_1__WRITE_RELABEL_CONFIGS_1__ACTION: 'drop',
      REMOTE_READ_1__URL: 'http://first.acme.com/read',
      REMOTE_READ_1__READ_RECENT: 'true',
      SCRAPE_CONFIGS_1__JOB_NAME: 'acme',
      SCRAPE_CONFIGS_1__STATIC_CONFIGS_1__TARGETS_1: 'acme:80',
      SCRAPE_PORT_1: '1234',
      SERVICE_NAME_1: 'outside.acme.com',
      ARG_ALERTMANAGER_URL: 'http://one:9093,https://user:secret@two/path',
      HOMEOSTAT_MONITOR_REGISTRY: 'tasks.homeostat-registry_registry:5001',
      HOMEOSTAT_MONITOR_JOBS: '10.0.0.1:9000',
    },
    {
      configuration: 'storage: { tsdb: { out_of_order_time_window: 5m } }\nscrape_configs: [{ job_name: file }]\n',
      scrapes: { scrape_a: '- job_name: one\n- job_name: two\n', scrape_b: '- job_name: acme\n- job_name: services\n' },
    },
  );
  t.match(
    problems.map(({ message }) => message),
    [/second job named 'acme'/, /second job named 'services'/],
  );
  const output = render([], settings);
  t.equal(await complaints(t, output.files), '');
  const written = parse(output.files['prometheus.yml']!) as Record<string, unknown>;
  t.match(written, {
    global: { scrape_interval: '10s', evaluation_interval: '5s', external_labels: { cluster: 'swarm' } },
    remote_write: [{ url: /first/, write_relabel_configs: [{ source_labels: ['label1'] }] }],
    remote_read: [{ read_recent: true }],
    alerting: { alertmanagers: [{}, { scheme: 'http' }, { scheme: 'https', path_prefix: '/path', basic_auth: {} }] },
  });
  t.same(
    (written.scrape_configs as { job_name: string }[]).map((each) => each.job_name),
    [
      ...['services', 'homeostat-controller', 'homeostat-prometheus', 'homeostat-alertmanager', 'homeostat-registry'],
      ...['homeostat-jobs', 'outside', 'acme', 'file', 'one', 'two'],
    ],
  );
});

t.test('a thousand services are rendered in a moment', async (t) => {
  const services = Array.from({ length: 1000 }, (_, number) =>
    service(
      `s${number}_web`,
      alerts({ mem: '@service_mem_limit:0.8', own: `up{job="s${number}"} == 0`, q: '@proxy_queue:5' }),
    ),
  );
  const { files: all, alerts: found } = render(services);
  t.equal(found.length, 3000);
  t.equal(Object.keys(all).length, 1002);
  t.equal(await complaints(t, all), '');
});
