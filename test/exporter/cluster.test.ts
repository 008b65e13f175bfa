import fc from 'fast-check';
import t from 'tap';
import { metricsText, type Family } from '../../runner/common/metrics';
import { clusterFamilies, type ClusterInput } from '../../runner/exporter/cluster';
import { ClusterMetrics } from '../../runner/exporter/cluster-metrics';
import { rolloutFamilies } from '../../runner/exporter/rollouts';
import type { NodeFacts, SwarmListing } from '../../runner/swarm/facts';
import { listing, service } from '../controller/support';
import { promtoolSays, samplesOf } from './support';

const input = (listing: SwarmListing, more: Partial<ClusterInput> = {}): ClusterInput => ({
  listing,
  failures: new Map(),
  routed: new Set(),
  releases: new Map(),
  holds: [],
  ...more,
});

const lines = (families: Family[], name: string) =>
  metricsText(families)
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

const node = (hostname: string, more: Partial<NodeFacts> = {}): NodeFacts => ({
  ...{ id: `id-${hostname}`, hostname, address: '10.0.0.1', version: 1, state: 'ready', role: 'worker' },
  ...{ availability: 'active', labels: {}, engineLabels: {} },
  ...more,
});

t.test('replicas are those that the Swarm wants, runs and still prepares', (t) => {
  const services = [
    service('shop_web', {}, { stack: 'shop', running: 2, wanted: 3 }),
    service('agent', {}, { mode: 'global', replicas: undefined, running: undefined, wanted: undefined }),
  ];
  const tasks = { 'id-agent': 1 };
  const nodes = [node('one'), node('two')];
  const counted = clusterFamilies(
    input(
      listing(services, {
        tasks,
        nodes,
        taskList: { running: [], starting: [], others: [], counts: {}, pending: { 'id-shop_web': 1 } },
      }),
      {
        failures: new Map([['id-shop_web', 7]]),
      },
    ),
  );
  const web = 'service="shop_web",stack="shop"';
  t.same(lines(counted, 'homeostat_service_replicas_wanted'), [
    `homeostat_service_replicas_wanted{${web},mode="replicated"} 3`,
    'homeostat_service_replicas_wanted{service="agent",stack="",mode="global"} 2',
  ]);
  t.match(lines(counted, 'homeostat_service_replicas_running'), [/\} 2$/, /\} 1$/]);
  t.match(lines(counted, 'homeostat_service_replicas_pending'), [/\} 1$/, /\} 0$/]);
  t.same(lines(counted, 'homeostat_service_tasks_failed_total'), [
    `homeostat_service_tasks_failed_total{${web}} 7`,
    'homeostat_service_tasks_failed_total{service="agent",stack=""} 0',
  ]);
  const uncounted = clusterFamilies(input(listing(services, { tasks, nodes })));
  t.match(lines(uncounted, 'homeostat_service_replicas_pending'), [/\} 1$/, /\} 1$/], 'without a list of tasks');
  t.equal(promtoolSays(metricsText(counted)), '');
  t.end();
});

t.test('what is known of a service is told, and nothing else', (t) => {
  const families = clusterFamilies(
    input(
      listing([
        service(
          'shop_web',
          { 'com.df.scaleMin': '2', 'com.df.scaleMax': '6' },
          {
            stack: 'shop',
            image: 'registry:5000/shop:1.2@sha256:abc',
            update: { state: 'completed', startedAt: '2026-01-01T00:00:00Z' },
          },
        ),
        service('plain', { 'com.df.scaleMin': 'x', 'com.df.scaleMax': '1' }, { image: '' }),
        service('bare', {}),
      ]),
      {
        routed: new Set(['shop_web']),
        releases: new Map([['shop', '12']]),
        holds: [{ service: 'shop_web', direction: 'down' }],
        questionsOpen: 2,
      },
    ),
  );
  const web = 'service="shop_web",stack="shop"';
  const expected: Record<string, string[]> = {
    homeostat_service_update_state: [`{${web},state="completed"} 1`],
    homeostat_service_image_info: [
      `{${web},image="registry:5000/shop:1.2",digest="sha256:abc"} 1`,
      '{service="bare",stack="",image="some/image",digest=""} 1',
    ],
    homeostat_service_release_info: [`{${web},release="12"} 1`],
    homeostat_service_scale_minimum: [`{${web}} 2`, '{service="plain",stack=""} 1'],
    homeostat_service_scale_maximum: [`{${web}} 6`, '{service="plain",stack=""} 1'],
    homeostat_service_routed: [`{${web}} 1`],
    homeostat_service_held: [`{${web},direction="down"} 1`],
    homeostat_questions_open: [' 2'],
  };
  for (const [name, rest] of Object.entries(expected))
    t.same(
      lines(families, name),
      rest.map((each) => name + each),
    );
  t.equal(promtoolSays(metricsText(families)), '');
  t.end();
});

t.test('a machine that has joined again is up, whatever is said of the node it was', (t) => {
  const nodes = [
    node('one', { id: 'old', state: 'down' }),
    node('one', { id: 'new', role: 'manager' }),
    node('two', { state: 'down', availability: 'drain' }),
  ];
  const families = clusterFamilies(input(listing([], { nodes })));
  t.same(lines(families, 'homeostat_node_up'), ['homeostat_node_up{node="one"} 1', 'homeostat_node_up{node="two"} 0']);
  t.equal(lines(families, 'homeostat_node_info').length, 3);
  t.match(
    lines(families, 'homeostat_node_info')[2],
    'node="two",id="id-two",role="worker",availability="drain",state="down",address="10.0.0.1"} 1',
  );
  t.end();
});

t.test('a rollout is going on until a minute after its end', (t) => {
  const start = Date.parse('2026-01-01T00:00:00Z');
  const startedAt = '2026-01-01T00:00:00Z';
  const completedAt = '2026-01-01T00:01:00.5Z';
  const table: [string, string | undefined, number, number, boolean][] = [
    ['updating', undefined, 3600, 1, true],
    ['rollback_started', undefined, 10, 1, true],
    ['completed', completedAt, 61, 1, false],
    ['completed', completedAt, 120, 1, false],
    ['completed', completedAt, 121, 0, false],
    ['rollback_completed', completedAt, 100, 1, false],
    ['rollback_completed', completedAt, 200, 0, false],
    ['paused', undefined, 10, 0, false],
    ['rollback_paused', undefined, 10, 0, false],
    ['completed', undefined, 10, 0, false],
    ['completed', 'nonsense', 10, 0, false],
  ];
  for (const [state, ended, after, value, isStarted] of table) {
    const update = { state, startedAt, ...(ended ? { completedAt: ended } : {}) };
    const { families } = rolloutFamilies([service('shop', {}, { update })], start + after * 1000);
    t.match(lines(families, 'homeostat_service_updating'), [new RegExp(`\\} ${value}$`)], `${state} after ${after} s`);
    t.same(
      lines(families, 'homeostat_service_update_started_seconds'),
      isStarted ? [`homeostat_service_update_started_seconds{service="shop",stack=""} ${start / 1000}`] : [],
    );
  }
  const { families } = rolloutFamilies([service('never', {})], start);
  t.match(lines(families, 'homeostat_service_updating'), [/\} 0$/]);
  t.end();
});

t.test('what has not changed is made and written once', (t) => {
  const metrics = new ClusterMetrics();
  const end = Date.parse('2026-01-01T00:01:00Z');
  const update = { state: 'completed', startedAt: '2026-01-01T00:00:00Z', completedAt: '2026-01-01T00:01:00Z' };
  const first = input(listing([service('shop', {}, { update })]));
  const one = metrics.families(first, end);
  t.ok(metrics.families({ ...first }, end + 59_999).every((family, index) => family === one[index]));
  const later = metrics.families(first, end + 60_000);
  t.match(lines(later, 'homeostat_service_updating'), [/\} 0$/], 'but time goes on');
  t.match(
    lines(
      metrics.families({ ...first, failures: new Map([['id-shop', 1]]) }, end),
      'homeostat_service_tasks_failed_total',
    ),
    [/\} 1$/],
  );
  const failures = new Map([['id-shop', 1]]);
  metrics.families({ ...first, failures }, end);
  failures.set('id-shop', 2);
  t.match(
    lines(metrics.families({ ...first, failures }, end), 'homeostat_service_tasks_failed_total'),
    [/\} 2$/],
    'in the same map',
  );
  const other = input(listing([service('other', {})]));
  t.match(lines(metrics.families(other, end), 'homeostat_service_updating'), [/service="other"/]);
  t.end();
});

t.test('no text of the Swarm leaves its label', (t) => {
  const any = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(any, any, any, (name, stack, image) => {
      const families = clusterFamilies(
        input(listing([service(name, {}, { stack, image })], { nodes: [node(name)] }), {
          releases: new Map([[stack, image]]),
        }),
      );
      const samples = samplesOf(metricsText(families));
      for (const { name: metric, labels } of samples)
        if (metric.startsWith('homeostat_service')) t.equal(labels.service, name);
      t.equal(
        samples.length,
        families.reduce((sum, family) => sum + family.samples.length, 0),
      );
    }),
    { numRuns: 300 },
  );
  t.end();
});
