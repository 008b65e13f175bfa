import t from 'tap';
import { targetsRevision, targetsText } from '../../runner/common/targets';
import type { MonitoredNode, MonitoredTask, MonitorSettings } from '../../runner/monitor/model';
import { defaultMonitorSettings } from '../../runner/monitor/settings';
import { targetsOf } from '../../runner/monitor/targets';
import { service } from './support';

const nodes: MonitoredNode[] = [
  { id: 'id1', hostname: 'n1', labels: { 'aws-region': 'eu', job: 'x' } },
  { id: 'id2', hostname: 'n2', labels: {} },
];

const task = (id: string, more: Partial<MonitoredTask> = {}): MonitoredTask => ({
  ...{ id, service: 'shop_web', slot: 1, node: 'id1', addresses: { proxy: '10.0.1.5/24', homeostat: '10.0.0.5' } },
  ...more,
});

const targets = (
  labels: Record<string, string>,
  tasks: MonitoredTask[],
  settings: Partial<MonitorSettings> = {},
  more = {},
) =>
  targetsOf({
    services: [service('shop_web', labels, more)],
    tasks,
    nodes,
    settings: { ...defaultMonitorSettings, ...settings },
  });

t.test('one target for each task that runs, where Prometheus can reach it', async (t) => {
  const { groups, refusals } = targets({ scrapePort: '8080' }, [task('b', { slot: 2, node: 'id2' }), task('a')]);
  t.same(refusals, []);
  t.same(groups, [
    {
      targets: ['10.0.0.5:8080'],
      labels: { job: 'shop_web', service: 'shop_web', stack: 'shop', node: 'n1', slot: '1', task: 'a' },
    },
    {
      targets: ['10.0.0.5:8080'],
      labels: { job: 'shop_web', service: 'shop_web', stack: 'shop', node: 'n2', slot: '2', task: 'b' },
    },
  ]);
  t.same(targets({}, [task('a')]).groups, [], 'no scrapePort, no target');
  t.same(targets({ scrapePort: '80' }, []).groups, []);
  t.same(targets({ scrapePort: '80' }, [task('a')], {}, { gone: true }).groups, []);
  t.same(targets({ scrapePort: '80' }, [task('a')], {}, { mode: 'job' }).groups, []);
});

t.test('every scrape label is honoured', async (t) => {
  const labels = {
    scrapePort: '80',
    metricsPath: '/m',
    scrapeInterval: '30s',
    scrapeTimeout: '2',
    scrapeNetwork: 'mon',
  };
  const addresses = { homeostat: '10.0.0.5', shop_mon: '10.9.0.5', other: '10.8.0.5' };
  const [group] = targets(labels, [task('a', { addresses })]).groups;
  t.match(group, {
    targets: ['10.9.0.5:80'],
    labels: { __metrics_path__: '/m', __scrape_interval__: '30s', __scrape_timeout__: '2s' },
  });
  const short = targets({ scrapePort: '80', scrapeInterval: '1s' }, [task('a')]).groups[0]!.labels;
  t.match(short, { __scrape_interval__: '1s', __scrape_timeout__: '1s' }, 'no longer than its interval');
  const patient = targets({ scrapePort: '80', scrapeTimeout: '20s' }, [task('a')]).groups[0]!.labels;
  t.match(patient, { __scrape_interval__: '5s', __scrape_timeout__: '5s' });
  const [fixed] = targets({ scrapePort: '80', scrapeType: 'static_configs' }, [task('a'), task('b')]).groups;
  t.match(fixed, { targets: ['shop_web:80'], labels: { job: 'shop_web' } });
  const [six] = targets({ scrapePort: '80' }, [task('a', { addresses: { homeostat: 'fd00::5' } })]).groups;
  t.same(six!.targets, ['[fd00::5]:80']);
});

t.test('a new task is asked each second, where nobody has said how often', async (t) => {
  const asked = (labels: Record<string, string>, settings: Partial<MonitorSettings> = {}) =>
    targets({ scrapePort: '80', ...labels }, [task('a', { isNew: true }), task('b', { slot: 2 })], settings).groups.map(
      (group) => [group.labels.__scrape_interval__, group.labels.__scrape_timeout__],
    );
  const usual = [undefined, undefined];
  t.same(asked({}), [['1s', '1s'], usual]);
  t.same(asked({}, { scrapeInterval: 500 }), [['500ms', '500ms'], usual]);
  t.same(asked({}, { scrapeInterval: 10_000 }), [usual, usual], 'its series would pause too long afterwards');
  t.same(asked({ scrapeInterval: '3s' }), [
    ['3s', '3s'],
    ['3s', '3s'],
  ]);
  t.same(asked({ scrapeTimeout: '3s' }), [
    ['5s', '3s'],
    ['5s', '3s'],
  ]);
});

t.test('a task that cannot be reached is told', async (t) => {
  const { groups, refusals } = targets({ scrapePort: '80' }, [task('a', { addresses: { x: '1.2.3.4' } }), task('b')]);
  t.equal(groups.length, 1);
  t.match(refusals, [
    { service: 'shop_web', severity: 'warning', message: /1 of its tasks are on none of the networks/ },
  ]);
  t.match(targets({ scrapePort: '80', scrapeNetwork: 'no' }, [task('a')]).refusals, [{ message: /on the network no/ }]);
});

t.test('labels of services and nodes that are listed come along, and take no other label’s place', async (t) => {
  const [group] = targets({ scrapePort: '80', env: 'prod', job: 'me' }, [task('a')], {
    serviceTargetLabels: ['env', 'job', 'none'],
    nodeTargetLabels: ['aws-region', 'job'],
  }).groups;
  t.match(group!.labels, { env: 'prod', aws_region: 'eu', job: 'shop_web' });
});

t.test('the system’s own parts are found on each node', async (t) => {
  const parts = ['homeostat-proxy_proxy', 'homeostat-monitor_exporter', 'homeostat-monitor_node-exporter'];
  const tasks = parts.flatMap((each) => [
    task(`${each}1`, { service: each, slot: undefined }),
    task(`${each}2`, { service: each, slot: undefined, node: 'id2', addresses: { homeostat: '10.0.0.6' } }),
  ]);
  const { groups } = targets({}, tasks);
  t.same(
    groups.map(({ targets: [address], labels }) => [labels.job, labels.node, labels.instance, address]),
    [
      ['homeostat-containers', 'n1', 'n1', '10.0.0.5:9101'],
      ['homeostat-containers', 'n2', 'n2', '10.0.0.6:9101'],
      ['homeostat-nodes', 'n1', 'n1', '10.0.0.5:9100'],
      ['homeostat-nodes', 'n2', 'n2', '10.0.0.6:9100'],
      ['homeostat-proxy', 'n1', 'n1', '10.0.0.5:8404'],
      ['homeostat-proxy', 'n2', 'n2', '10.0.0.6:8404'],
    ],
  );
  const advisor = task('c', { service: 'homeostat-monitor_cadvisor' });
  t.match(targets({}, [...tasks, advisor], { containers: 'cadvisor' }).groups[0], { targets: ['10.0.0.5:8080'] });
});

t.test('the text is the same for the same targets', async (t) => {
  const { groups } = targets({ scrapePort: '80' }, [task('b'), task('a')]);
  const again = targets({ scrapePort: '80' }, [task('a'), task('b')]).groups;
  t.equal(targetsText(groups), targetsText(again));
  t.same(JSON.parse(targetsText(groups)), groups);
  t.equal(targetsText([]), '[]\n');
  t.match(targetsRevision(targetsText(groups)), /^[0-9a-f]{16}$/);
});
