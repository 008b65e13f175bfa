import fc from 'fast-check';
import t from 'tap';
import { parse } from 'yaml';
import { guiltyServices } from '../../runner/alerting/guilty';
import { jobUrl } from '../../runner/alerting/job';
import type { AlertedService } from '../../runner/alerting/model';
import { alertingSettings } from '../../runner/alerting/settings';
import { withoutSecrets } from '../../runner/alerting/redact';
import { holds } from '../common/support';
import { amtool, check, folderFor, jobEnvironment, render, scaled, settingsOf, writeFiles } from './support';

interface Written {
  route: { routes: { routes?: { repeat_interval: string; receiver: string }[] }[] };
  receivers: { name: string; webhook_configs?: { url: string; send_resolved: boolean }[]; slack_configs?: object[] }[];
}

const written = (files: Record<string, string>) => parse(files['alertmanager.yml']!) as Written;

t.test('without anything there is a configuration that reaches nobody, and says so', async (t) => {
  const { files, refusals } = render({ settings: settingsOf({}), services: [scaled('shop')] });
  t.same(
    refusals.map(({ service, severity }) => [service, severity]),
    [
      ['', 'warning'],
      ['', 'warning'],
    ],
  );
  t.match(refusals[0]!.message, /no job is set/);
  t.match(refusals[1]!.message, /nobody is told/);
  t.equal((await check(t, files)).code, 0);
  t.notMatch(files['alertmanager.yml'], /buildWithParameters/);
});

t.test('a name that no service can have is refused, and is nowhere in the files', async (t) => {
  for (const name of ['a b', 'x"} or {', 'ünïcode', '', 'a'.repeat(201), 'a\nb', '../up']) {
    const { files, refusals } = render({ services: [scaled(name), scaled('shop')] });
    t.match(refusals, [{ service: name, severity: 'error' }], JSON.stringify(name));
    t.equal(written(files).receivers.filter(({ webhook_configs }) => webhook_configs).length, 2);
  }
});

t.test('templates that would take the place of ours are left out', async (t) => {
  const templates = {
    'homeostat.tmpl': 'x',
    '../x.tmpl': 'x',
    'x.txt': 'x',
    'team.tmpl': '{{ define "team" }}x{{ end }}',
  };
  const { files, refusals } = render({ templates });
  t.same(Object.keys(files), ['alertmanager.yml', 'templates/homeostat.tmpl', 'templates/team.tmpl']);
  t.equal(refusals.length, 3);
  t.equal((await check(t, files)).code, 0);
});

t.test('one receiver for each service and direction, with its cooldown and no secret', async (t) => {
  const services: AlertedService[] = [
    scaled('shop_main', { cooldownUp: 90_000, cooldownDown: 0 }),
    scaled('api-v2'),
    { name: 'plain' },
  ];
  const { files, refusals } = render({ services });
  t.same(refusals, []);
  const { route, receivers } = written(files);
  t.same(
    route.routes[0]!.routes!.map(({ receiver, repeat_interval }) => [receiver, repeat_interval]),
    [
      ['homeostat/scale/api-v2/up', '1m'],
      ['homeostat/scale/api-v2/down', '5m'],
      ['homeostat/scale/shop_main/up', '90s'],
      ['homeostat/scale/shop_main/down', '5s'],
    ],
  );
  t.match(receivers.find(({ name }) => name === 'homeostat/scale/shop_main/up')!.webhook_configs, [
    {
      url: 'http://jenkins.example:8080/job/service-scale/buildWithParameters?service=shop_main&scale=up&delay=0sec',
      send_resolved: false,
      http_config: { basic_auth: { username: 'alertmanager', password_file: '/run/secrets/job-token' } },
    },
  ]);
});

t.test('addresses are encoded, and jobs may be in folders', async (t) => {
  const job = { url: 'https://ci.example/jenkins', name: 'my team/service-scale' };
  t.equal(
    jobUrl(job, job.name, { service: 'a&b=c +#', scale: 'up' }),
    'https://ci.example/jenkins/job/my%20team/job/service-scale/buildWithParameters?service=a%26b%3Dc%20%2B%23&scale=up&delay=0sec',
  );
});

t.test('a token without a user is sent as a bearer, and a CA of one’s own is named', async (t) => {
  const env = { ...jobEnvironment, HOMEOSTAT_ALERTING_JOB_USER: '', HOMEOSTAT_ALERTING_JOB_CA_FILE: '/run/secrets/ca' };
  const { files } = render({ services: [scaled('shop')], settings: settingsOf(env) });
  t.match(written(files).receivers.at(-1)!.webhook_configs, [
    {
      http_config: {
        authorization: { type: 'Bearer', credentials_file: '/run/secrets/job-token' },
        tls_config: { ca_file: '/run/secrets/ca' },
      },
    },
  ]);
});

t.test('the same bytes in whatever order, and exactly what the routes say', async (t) => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z][\w.-]{0,20}$/), { minLength: 1, maxLength: 20 });
  const property = fc.property(names, fc.infiniteStream(fc.nat()), (all, order) => {
    const services = all.map((name) => scaled(name));
    const shuffled = [...services].sort(() => (order.next().value! % 2) - 0.5);
    const one = render({ services });
    const other = render({ services: shuffled });
    if (JSON.stringify(one) !== JSON.stringify(other)) throw new Error('order matters');
    const { route, receivers } = written(one.files);
    if (JSON.stringify(route) !== JSON.stringify(one.route)) throw new Error('text and routes differ');
    const mentioned = receivers.map(({ name }) => name).sort();
    if (mentioned.join() !== Object.keys(one.destinations).sort().join()) throw new Error('receivers and words differ');
  });
  await holds(t, property);
});

t.test('no text of own parts breaks out of its place', async (t) => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom(
      '\n- x',
      '\nroute:\n',
      'a: b',
      '"',
      "'",
      '{{ . }}',
      '# x',
      '|2\n a\n\n  b',
      '&a',
      '*a',
      'yes',
      '\u2028',
      '',
    ),
  );
  const property = fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (texts) => {
    const receivers = [{ name: 'own', webhook_configs: [{ url: 'http://own', x: texts }] }];
    const routes = [{ receiver: 'own', group_by: texts }];
    const settings = {
      ...settingsOf(),
      own: { receivers, routes, inhibitRules: [{ equal: texts }], timeIntervals: [] },
    };
    const { files, route } = render({ settings, services: [scaled('shop')] });
    const parsed = written(files);
    if (JSON.stringify(parsed.route) !== JSON.stringify(route)) throw new Error('routes differ');
    const own = parsed.receivers.find(({ name }) => name === 'own');
    if (JSON.stringify(own) !== JSON.stringify(receivers[0])) throw new Error('receivers differ');
    if (parsed.receivers.length !== 8) throw new Error(`${parsed.receivers.length} receivers`);
  });
  await holds(t, property);
});

t.test('amtool accepts whatever the settings are, or they are a problem', async (t) => {
  const folder = await folderFor(t);
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('http://{{x}}', '#c', '"', "a'b", '{{', '5m', '/f', '%zz'),
  );
  const keys = [
    'JOB_URL',
    'JOB_NAME',
    'JOB_NODES',
    'JOB_USER',
    'JOB_TOKEN_FILE',
    'SLACK_CHANNEL',
    'EXTERNAL_URL',
    'SLACK_URL_FILE',
  ];
  const env = fc.record(Object.fromEntries(keys.map((key) => [`HOMEOSTAT_ALERTING_${key}`, value])), {
    requiredKeys: [],
  });
  const property = fc.asyncProperty(env, fc.boolean(), async (wild, based) => {
    const { settings } = alertingSettings({ ...(based ? jobEnvironment : {}), ...wild });
    const { files } = render({ settings, services: [scaled('shop_main'), scaled('api-v2')] });
    await writeFiles(folder, files);
    const { code, text } = await amtool('check-config', `${folder}/alertmanager.yml`);
    if (code !== 0) throw new Error(text);
  });
  await holds(t, property, { numRuns: 60 });
});

t.test('what is shown of own receivers is accepted as well', async (t) => {
  const file = `
receivers: [{ name: own, webhook_configs: [{ url: 'https://hooks.example/secret' }] }]
routes: [{ receiver: own, matchers: ['team="a"'], active_time_intervals: [day], continue: true }]
timeIntervals: [{ name: day, time_intervals: [{ times: [{ start_time: '08:00', end_time: '18:00' }] }] }]
`;
  const { files } = render({ settings: withoutSecrets(settingsOf(jobEnvironment, file)), services: [scaled('shop')] });
  t.notMatch(files['alertmanager.yml'], /secret'?$/m);
  const { code, text } = await check(t, files);
  t.equal(code, 0, text);
});

t.test('a message names the services it is about', async (t) => {
  const { files } = render({ services: [scaled('shop_main'), scaled('shop'), scaled('api.v2')] });
  const config = files['alertmanager.yml']!;
  const broken = config.replace('name: homeostat/scale/shop/up', 'name: homeostat/scale/other/up');
  const undefinedReceiver = await check(t, { ...files, 'alertmanager.yml': broken });
  t.equal(undefinedReceiver.code, 1);
  t.same(guiltyServices(broken, undefinedReceiver.text), ['shop']);
  const address = config.replace(/(service=api\.v2&scale=down.*\n *send_resolved): false/, '$1: [1]');
  const wrongType = await check(t, { ...files, 'alertmanager.yml': address });
  t.same(guiltyServices(address, wrongType.text), ['api.v2'], wrongType.text);
  const own = config.replace(/^( +)- matchers:\n +- severity="critical"/m, '$1- receiver: 7\n$1  matchers: [a=b]');
  const line = own.split('\n').findIndex((text) => text.endsWith('- receiver: 7')) + 1;
  t.same(guiltyServices(own, `yaml: line ${line}: something`), [], 'a line after the last service’s is not its own');
  t.same(guiltyServices(config, 'yaml: line 4: did not find expected key'), []);
  t.same(guiltyServices(config, 'something else, line 99999999'), []);
});
