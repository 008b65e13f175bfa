import fc from 'fast-check';
import t from 'tap';
import { defaultMonitorSettings, monitorSettings } from '../../runner/monitor/settings';
import { treeOfEnvironment, withoutSecrets, type YamlMap } from '../../runner/monitor/settings-tree';
import { holds } from '../common/support';
import { complaints, render } from './support';

t.test('a wrong value is a problem that names it, and the default stays', async (t) => {
  const wrong = {
    HOMEOSTAT_MONITOR_SAMPLE_LIMIT: 'many',
    HOMEOSTAT_MONITOR_CONTAINERS: 'heapster',
    HOMEOSTAT_MONITOR_CONTROLLER: 'nowhere',
    HOMEOSTAT_MONITOR_LINK: 'grafana',
    GLOBAL__SCRAPE_INTERVAL: 'often',
    GLOBAL__NOTHING: '1',
    GLOBAL__EXTERNAL_LABELS: 'cluster',
    REMOTE_WRITE_1__REMOTE_TIMEOUT: '5s',
    SCRAPE_PORT_1: '99999',
    SCRAPE_PORT_2: '80',
    ARG_ALERTMANAGER_URL: 'http://user:hunter2@x y',
  };
  for (const [variable, value] of Object.entries(wrong)) {
    const { settings, problems } = monitorSettings({ [variable]: value });
    t.equal(problems.length, 1, variable);
    t.match(problems[0]!.message, /\S+ (is|has|does|cannot)/);
    t.same({ ...settings, extra: {} }, defaultMonitorSettings, variable);
    t.notMatch(problems[0]!.message, 'hunter2');
  }
  const { settings, problems } = monitorSettings({}, { configuration: 'scrape_config: []\nglobal: [1]\n' });
  t.equal(problems.length, 2);
  t.same(settings, defaultMonitorSettings);
  t.match(monitorSettings({}, { configuration: 'a: [' }).problems, [{ message: /is not valid YAML/ }]);
});

t.test('Docker Flow’s variables are known', async (t) => {
  const { settings, problems } = monitorSettings({
    GLOBAL_SCRAPE_INTERVAL: '10s',
    DF_SCRAPE_TARGET_LABELS: 'env,domain',
    DF_NODE_TARGET_LABELS: 'aws-region',
    SCRAPE_PORT_1: '80',
    SERVICE_NAME_1: 'acme.com',
    ARG_ALERTMANAGER_URL: 'http://a:9093,http://b:9093',
  });
  t.same(problems, []);
  t.match(settings, {
    scrapeInterval: 10_000,
    serviceTargetLabels: ['env', 'domain'],
    nodeTargetLabels: ['aws-region'],
    outside: [{ name: 'acme.com', port: 80 }],
    alertmanagers: ['http://a:9093', 'http://b:9093'],
  });
  t.same(treeOfEnvironment({ 'GLOBAL_EXTERNAL_LABELS-CLUSTER': 'swarm', REMOTE_WRITE_URL: 'http://x' }).tree, {
    global: { external_labels: { cluster: 'swarm' } },
    remote_write: [{ url: 'http://x' }],
  });
  t.match(treeOfEnvironment({ GLOBAL__A__B: '1', GLOBAL__A: '2' }).problems, [{ variable: 'GLOBAL__A__B' }]);
});

t.test('passwords are not shown', async (t) => {
  const { tree } = treeOfEnvironment({
    REMOTE_WRITE_1__URL: 'http://user:hunter2@x/write',
    REMOTE_WRITE_1__BASIC_AUTH__PASSWORD: 'hunter2',
    REMOTE_WRITE_1__AUTHORIZATION__CREDENTIALS: 'hunter2',
    REMOTE_WRITE_1__BASIC_AUTH__PASSWORD_FILE: '/run/secrets/x',
  });
  const shown = JSON.stringify(withoutSecrets(tree));
  t.notMatch(shown, 'hunter2');
  t.match(shown, '/run/secrets/x');
});

t.test('no variable breaks the reading, and none gets out of its place', async (t) => {
  const part = fc.constantFrom(
    'GLOBAL',
    'SCRAPE_CONFIGS',
    'REMOTE_WRITE',
    'A',
    'B_1',
    'JOB_NAME',
    'URL',
    'LABELS',
    'PROTO',
  );
  const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('__'));
  await holds(
    t,
    fc.property(fc.dictionary(name, fc.string()), (env) => {
      const { settings } = monitorSettings(env);
      return JSON.stringify(settings).length > 0 && ({} as YamlMap).polluted === undefined;
    }),
  );
  const { settings } = monitorSettings({ GLOBAL__EXTERNAL_LABELS: 'a=b"\\n: [{{' });
  t.equal(await complaints(t, render([], settings).files), '');
});
