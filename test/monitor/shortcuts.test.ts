import t from 'tap';
import { readCustomShortcuts } from '../../runner/monitor/alerts/custom';
import { shortcuts } from '../../runner/monitor/alerts/shortcuts';
import { alerts, render, service } from './support';
import { growing, metric, steady, unitTests, type Series, type UnitCase } from './unit';

const name = 'shop_web';

/** Of a container of a service. */
const container = (id: string, values: Record<string, string>, of = name): Series =>
  Object.fromEntries(
    Object.entries(values).map(([metricName, text]) => [
      metric(metricName, {
        job: 'homeostat-containers',
        id,
        container_label_com_docker_swarm_service_name: of,
      }),
      text,
    ]),
  );

const memory = (used: number, limit: number, cache = 0, id = '/a', of = name) =>
  container(
    id,
    {
      container_memory_usage_bytes: steady(used),
      container_memory_cache: steady(cache),
      container_spec_memory_limit_bytes: steady(limit),
    },
    of,
  );

const cpu = (cores: number, quota = 0, id = '/a', of = name) =>
  container(
    id,
    {
      container_cpu_usage_seconds_total: growing(cores),
      container_spec_cpu_quota: steady(quota),
      container_spec_cpu_period: steady(100_000),
    },
    of,
  );

/** Requests a second by what they took: at most 0.1 s, 0.2 s, more. */
const histogram = (quick: number, middle: number, slow: number, of = name): Series =>
  Object.fromEntries(
    (
      [
        ['bucket', { le: '0.1' }, quick],
        ['bucket', { le: '0.2' }, quick + middle],
        ['bucket', { le: '+Inf' }, quick + middle + slow],
        ['count', {}, quick + middle + slow],
      ] as const
    ).map(([kind, labels, rate]) => [
      metric(`http_server_resp_time_${kind}`, { job: of, instance: 'a', ...labels }),
      growing(rate),
    ]),
  );

const codes = (good: number, bad: number, of = name): Series => ({
  [metric('http_server_resp_time_count', { job: of, code: '200' })]: growing(good),
  [metric('http_server_resp_time_count', { job: of, code: '503' })]: growing(bad),
});

interface Proxy {
  rate?: number;
  errors?: number;
  time?: number;
  queue?: number;
}

/** What two proxies tell of a backend. */
const proxy = ({ rate = 0, errors = 0, time = 0, queue = 0 }: Proxy, backend = `${name}:0`): Series =>
  Object.fromEntries(
    ['n1', 'n2'].flatMap((instance) => {
      const labels = { job: 'homeostat-proxy', instance, proxy: backend };
      return [
        [metric('haproxy_backend_http_requests_total', labels), growing(rate / 2)],
        [metric('haproxy_backend_http_responses_total', { ...labels, code: '2xx' }), growing((rate - errors) / 2)],
        [metric('haproxy_backend_http_responses_total', { ...labels, code: '5xx' }), growing(errors / 2)],
        [metric('haproxy_backend_response_time_average_seconds', labels), steady(time)],
        [metric('haproxy_backend_current_queue', labels), steady(queue / 2)],
      ];
    }),
  );

const swarm = (values: Record<string, number | string>, of = name): Series =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      metric(`homeostat_service_${key}`, { service: of, stack: 'shop', instance: 'c', job: 'homeostat-controller' }),
      typeof value === 'number' ? steady(value) : value,
    ]),
  );

const replicas = (running: number, wanted: number, of = name) =>
  swarm({ replicas_running: running, replicas_wanted: wanted }, of);

const node = (used: number, total: number, instance = 'n1', job = 'homeostat-nodes'): Series => ({
  [metric('node_memory_MemTotal_bytes', { job, instance, node: instance })]: steady(total),
  [metric('node_memory_MemAvailable_bytes', { job, instance, node: instance })]: steady(total - used),
});

const disk = (used: number, fstype: string, device: string, job = 'homeostat-nodes'): Series => {
  const labels = { job, instance: 'n1', node: 'n1', fstype, device, mountpoint: '/' };
  return {
    [metric('node_filesystem_size_bytes', labels)]: steady(100),
    [metric('node_filesystem_free_bytes', labels)]: steady(100 - used),
  };
};

const other = 'shop_web2';
const failing = { tasks_failed_total: '0x40 1 2 3 4x60' };

/** What is seen, and how many alerts that gives. Each shortcut has cases where it fires and where it does not. */
const table: Record<string, [string, ...[what: string, series: Series, fires: number][]]> = {
  service_mem_limit: [
    '@service_mem_limit:0.8',
    ['above', memory(90, 100), 1],
    ['one of two', { ...memory(10, 100), ...memory(90, 100, 0, '/b') }, 1],
    ['below', memory(70, 100), 0],
    ['no limit is no ratio', memory(90, 0), 0],
    ['one without limit does not hide another', { ...memory(90, 0), ...memory(90, 100, 0, '/b') }, 1],
    ['another service', memory(90, 100, 0, '/a', other), 0],
  ],
  service_mem_limit_nobuff: [
    '@service_mem_limit_nobuff:0.8',
    ['above', memory(90, 100), 1],
    ['above with caches only', memory(90, 100, 50), 0],
    ['no limit', memory(90, 0), 0],
  ],
  service_cpu_limit: [
    '@service_cpu_limit:0.9,1m',
    ['at its limit', cpu(0.5, 50_000), 1],
    ['below', cpu(0.2, 50_000), 0],
    ['no limit', cpu(4), 0],
  ],
  service_cpu_above: [
    '@service_cpu_above:0.8,1m',
    ['on average', { ...cpu(1), ...cpu(0.9, 0, '/b') }, 1],
    ['one of two', { ...cpu(1), ...cpu(0, 0, '/b') }, 0],
    ['another service', cpu(1, 0, '/a', other), 0],
  ],
  service_cpu_below: ['@service_cpu_below:0.1,1m', ['idle', cpu(0), 1], ['busy', cpu(0.5), 0], ['no container', {}, 0]],
  resp_time_above: [
    '@resp_time_above:0.1,5m,0.99',
    ['too many are slow', histogram(90, 10, 0), 1],
    ['quick', histogram(100, 0, 0), 0],
    ['no traffic', histogram(0, 0, 0), 0],
    ['another service', histogram(0, 100, 0, other), 0],
  ],
  resp_time_above_between: ['@resp_time_above:0.15,5m,0.9', ['no bucket of that time', histogram(0, 100, 0), 1]],
  resp_time_below: [
    '@resp_time_below:0.1,5m,0.75',
    ['most are quick', histogram(90, 10, 0), 1],
    ['slow', histogram(10, 90, 0), 0],
    ['no traffic', histogram(0, 0, 0), 1],
    ['nothing is known', {}, 0],
  ],
  resp_time_server_error: [
    '@resp_time_server_error:5m,0.01',
    ['some', codes(98, 2), 1],
    ['hardly any', codes(1000, 1), 0],
    ['no traffic', codes(0, 0), 0],
  ],
  proxy_rate_above: [
    '@proxy_rate_above:100,1m',
    ['for each task', { ...proxy({ rate: 300 }), ...replicas(2, 2) }, 1],
    ['shared by more tasks', { ...proxy({ rate: 300 }), ...replicas(4, 4) }, 0],
    ['fully down', { ...proxy({ rate: 300 }), ...replicas(0, 2) }, 0],
    [
      'routes of one service count together',
      { ...proxy({ rate: 150 }), ...proxy({ rate: 150 }, `${name}:2:tls`), ...replicas(2, 2) },
      1,
    ],
    ['redirects ask no task', { ...proxy({ rate: 900 }, `${name}:0:redirect`), ...replicas(2, 2) }, 0],
    ['another service', { ...proxy({ rate: 900 }, `${other}:0`), ...replicas(2, 2) }, 0],
  ],
  proxy_rate_below: [
    '@proxy_rate_below:10,5m',
    ['few', { ...proxy({ rate: 5 }), ...replicas(2, 2) }, 1],
    ['no traffic', { ...proxy({}), ...replicas(2, 2) }, 1],
    ['many', { ...proxy({ rate: 50 }), ...replicas(2, 2) }, 0],
    ['no proxy tells', replicas(2, 2), 0],
  ],
  proxy_resp_time_above: [
    '@proxy_resp_time_above:0.2,1m',
    ['slow', proxy({ rate: 10, time: 0.3 }), 1],
    ['quick', proxy({ rate: 10, time: 0.1 }), 0],
    ['no traffic: what was is over', proxy({ rate: 0, time: 0.3 }), 0],
    [
      'few slow ones among many',
      { ...proxy({ rate: 100, time: 0.1 }), ...proxy({ rate: 1, time: 9 }, `${name}:1`) },
      0,
    ],
  ],
  proxy_resp_time_below: [
    '@proxy_resp_time_below:0.05,1m',
    ['quick', proxy({ rate: 10, time: 0.01 }), 1],
    ['slow', proxy({ rate: 10, time: 0.3 }), 0],
    ['no traffic', proxy({ rate: 0, time: 0.3 }), 1],
  ],
  proxy_error_ratio: [
    '@proxy_error_ratio:0.01,1m',
    ['some', proxy({ rate: 100, errors: 2 }), 1],
    ['none', proxy({ rate: 100 }), 0],
    ['no traffic', proxy({}), 0],
  ],
  proxy_queue: [
    '@proxy_queue:10',
    ['in both proxies together', proxy({ queue: 12 }), 1],
    ['short', proxy({ queue: 4 }), 0],
  ],
  replicas_running: [
    '@replicas_running',
    ['too few', replicas(1, 2), 1],
    ['too many', replicas(3, 2), 1],
    ['as wanted', replicas(2, 2), 0],
    ['fully down', replicas(0, 2), 1],
    ['fully down, and none is counted', swarm({ replicas_wanted: 2 }), 1],
    ['scaled to nothing', replicas(0, 0), 0],
  ],
  replicas_less_than: [
    '@replicas_less_than',
    ['too few', replicas(1, 2), 1],
    ['as wanted', replicas(2, 2), 0],
    ['more', replicas(3, 2), 0],
    ['fully down', replicas(0, 2), 1],
    ['fully down, and none is counted', swarm({ replicas_wanted: 2 }), 1],
    ['another service', replicas(0, 2, other), 0],
  ],
  replicas_more_than: [
    '@replicas_more_than',
    ['too many', replicas(3, 2), 1],
    ['as wanted', replicas(2, 2), 0],
    ['fully down', replicas(0, 2), 0],
  ],
  service_down: [
    '@service_down',
    ['fully down', replicas(0, 2), 1],
    ['none is counted', swarm({ replicas_wanted: 2 }), 1],
    ['one is left', replicas(1, 2), 0],
    ['scaled to nothing', replicas(0, 0), 0],
  ],
  service_restarts: [
    '@service_restarts:2,10m',
    ['more', swarm(failing), 1],
    ['none', swarm({ tasks_failed_total: 7 }), 0],
  ],
  crash_loop: [
    '@crash_loop',
    ['four in a row', swarm(failing), 1],
    ['one', swarm({ tasks_failed_total: '0x40 1x60' }), 0],
    ['long ago', swarm({ tasks_failed_total: '0 4x100' }), 0],
  ],
  stuck_rollout: [
    '@stuck_rollout:5m',
    ['began long ago', swarm({ update_started_seconds: 0 }), 1],
    ['began just now', swarm({ update_started_seconds: '_x80 400x20' }), 0],
    ['none', replicas(1, 2), 0],
  ],
  one_replica: [
    '@one_replica',
    ['behind a route', { ...swarm({ routed: 1 }), ...replicas(1, 1) }, 1],
    ['of two', { ...swarm({ routed: 1 }), ...replicas(1, 2) }, 0],
    ['without a route', replicas(1, 1), 0],
  ],
  node_mem_limit: [
    '@node_mem_limit:0.8',
    ['one of two', { ...node(90, 100), ...node(10, 100, 'n2') }, 1],
    ['both', { ...node(90, 100), ...node(90, 100, 'n2') }, 2],
    ['none', node(70, 100), 0],
    ['the service is an exporter of its own', node(90, 100, 'n1', name), 1],
    ['an exporter of somebody else', node(90, 100, 'n1', other), 0],
  ],
  node_mem_limit_total_above: [
    '@node_mem_limit_total_above:0.8',
    ['all together', { ...node(99, 100), ...node(70, 100, 'n2') }, 1],
    ['one alone', { ...node(99, 100), ...node(10, 100, 'n2') }, 0],
  ],
  node_mem_limit_total_below: [
    '@node_mem_limit_total_below:0.3',
    ['all together', { ...node(10, 100), ...node(40, 100, 'n2') }, 1],
    ['no', node(50, 100), 0],
    ['nothing is known', {}, 0],
  ],
  node_fs_limit: [
    '@node_fs_limit:0.8',
    ['ext4', disk(90, 'ext4', '/dev/sda1'), 1],
    ['xfs and btrfs', { ...disk(90, 'xfs', '/dev/sda1'), ...disk(90, 'btrfs', '/dev/sdb') }, 2],
    ['room', disk(50, 'ext4', '/dev/sda1'), 0],
    ['memory is no disk', disk(90, 'tmpfs', 'tmpfs'), 0],
  ],
  combined_and: [
    '@service_mem_limit:0.8_and_@replicas_less_than',
    ['both', { ...memory(90, 100), ...replicas(1, 2) }, 1],
    ['one', { ...memory(90, 100), ...replicas(2, 2) }, 0],
  ],
  combined_or: [
    '@service_mem_limit:0.8_or_@replicas_less_than',
    ['both are one alert', { ...memory(90, 100), ...replicas(1, 2) }, 1],
    ['one', { ...memory(10, 100), ...replicas(1, 2) }, 1],
    ['none', { ...memory(10, 100), ...replicas(2, 2) }, 0],
  ],
  combined_unless: [
    '@service_mem_limit:0.8_unless_@node_mem_limit:0.8',
    ['the first alone', { ...memory(90, 100), ...node(10, 100) }, 1],
    ['both', { ...memory(90, 100), ...node(90, 100) }, 0],
  ],
  combined_nodes: [
    '@node_mem_limit:0.8_and_@node_fs_limit:0.8',
    ['the same node', { ...node(90, 100), ...disk(90, 'ext4', '/dev/sda1') }, 1],
    ['another node', { ...node(90, 100, 'n2'), ...disk(90, 'ext4', '/dev/sda1') }, 0],
  ],
};

const all = Object.fromEntries(Object.entries(table).map(([key, [condition]]) => [key, condition]));

t.test('every shortcut has cases', async (t) => {
  t.same(
    Object.keys(shortcuts).filter((key) => !(key in table)),
    [],
  );
});

t.test('fires when it should, and not where Docker Flow’s did or kept quiet by mistake', async (t) => {
  const updating = swarm({ updating: 1 });
  const suites = Object.entries(table).map(([key, [condition, ...rows]]) => {
    const { files, refusals } = render([service(name, alerts({ [key]: condition }))]);
    t.same(refusals, []);
    const alert = `${name}_${key}`;
    const [, series, fires] = rows.find((row) => row[2] > 0)!;
    const shortcut = shortcuts[key];
    const goesOn = shortcut ? shortcut.inRollout || shortcut.scope === 'node' : /^@node/.test(condition);
    const cases: UnitCase[] = [
      ...rows.map((row) => ({ what: `${key}: ${row[0]}`, alert, series: row[1], fires: row[2] })),
      { what: `${key}: in a rollout`, alert, series: { ...series, ...updating }, fires: goesOn ? fires : 0 },
      {
        what: `${key}: in a rollout of another`,
        alert,
        series: { ...series, ...swarm({ updating: 1 }, other) },
        fires,
      },
      { what: `${key}: told by two controllers`, alert, series: { ...series, ...twice(series) }, fires },
    ];
    return { rules: files['rules/shop_web.yml']!, cases };
  });
  t.equal(await unitTests(t, suites), '');
});

/** What a second controller tells: the same, from another address. */
const twice = (series: Series): Series =>
  Object.fromEntries(
    Object.entries(series)
      .filter(([selector]) => selector.startsWith('homeostat_service_') && !selector.includes('failed_total'))
      .map(([selector, values]) => [selector.replace('instance="c"', 'instance="d"'), values]),
  );

t.test(
  'labels are Docker Flow’s, and those by which alerts are routed; none where shortcuts are combined',
  async (t) => {
    const { alerts: found } = render([service(name, alerts(all))]);
    const labels = (key: string) => found.find(({ alert }) => alert === `${name}_${key}`)?.labels;
    const base = { service: name, stack: 'shop' };
    t.same(labels('service_mem_limit'), { ...base, receiver: 'system', severity: 'warning' });
    t.match(labels('resp_time_above'), { ...base, receiver: 'system', scale: 'up', type: 'service' });
    t.match(labels('resp_time_below'), { receiver: 'system', scale: 'down', type: 'service' });
    t.match(labels('node_mem_limit_total_above'), { receiver: 'system', scale: 'up', type: 'node' });
    t.match(labels('replicas_more_than'), { receiver: 'system', scale: 'down', type: 'node' });
    t.match(labels('resp_time_server_error'), { receiver: 'system', type: 'errors', severity: 'critical' });
    t.same(labels('combined_and'), { ...base, severity: 'warning' });
  },
);

t.test('what is told of combined shortcuts is about the value that Prometheus hands on', async (t) => {
  const told = (condition: string) =>
    /"description": "(.*)"/.exec(render([service(name, alerts({ a: condition }))]).files['rules/shop_web.yml']!)?.[1];
  const slow = '@resp_time_above:0.5,5m,0.95';
  const full = '@service_mem_limit:0.8';
  t.equal(told(slow), 'Now it is {{ $value | humanizeDuration }}.');
  for (const operator of ['and', 'unless']) t.equal(told(`${slow}_${operator}_${full}`), told(slow), operator);
  t.equal(told(`${full}_and_${slow}`), told(full));
  t.equal(told(`${full}_or_@node_mem_limit:0.8`), told(full), 'of one kind');
  t.equal(told(`${slow}_or_${full}`), 'The value is {{ $value | humanize }}.', 'of either');
  t.equal(told(`${slow}_and_${full}_or_${slow}`), told(slow));
  const { shortcuts: customShortcuts } = readCustomShortcuts({
    'alertif-queue': "'@queue':\n  expanded: queue > 1\n  annotations: { description: See the queue. }\n",
  });
  const files = render([service(name, alerts({ a: `${slow}_and_@queue` }))], { customShortcuts }).files;
  t.match(
    files['rules/shop_web.yml'],
    `"description": "${told(slow)} and See the queue."`,
    'words without a value stay',
  );
});

t.test('wrong shortcuts are told with what is right', async (t) => {
  const refusal = (condition: string) => render([service(name, alerts({ a: condition }))]).refusals[0]?.message;
  t.match(
    refusal('@service_mem_limt:0.8'),
    /'@service_mem_limt', which is not known \(did you mean '@service_mem_limit'\?\)/,
  );
  t.match(
    refusal('@resp_time_above:0.1,5m'),
    /gives @resp_time_above 2 values; it is written @resp_time_above:SECONDS,WINDOW,SHARE/,
  );
  t.match(refusal('@replicas_running:3'), /it takes none/);
  t.match(refusal('@service_mem_limit'), /0 values/);
  t.match(refusal('@service_mem_limit:80'), /'80' as ratio; it must be a share from 0 to 1/);
  t.match(
    refusal('@resp_time_above:0.1,5 minutes,0.9'),
    /'5 minutes' as window; it must be a time as Prometheus writes it/,
  );
  t.match(refusal('@service_mem_limit:0.8_and_@nothing'), /'@nothing'/);
  t.match(refusal('@service_mem_limit:0.8) or vector(1'), /as ratio/);
  t.equal(refusal('@crash_loop:5,10m'), undefined);
});
