import fc from 'fast-check';
import t from 'tap';
import type { ServiceWithStatus } from '../../runner/system/checks/facts';
import type { Node } from '../../runner/system/nodes';
import { judgeService } from '../../runner/system/service-status';
import { summarise, type SwarmView } from '../../runner/system/status';
import { formatAge } from '../../runner/system/format-age';
import { renderStatus, shortImage } from '../../runner/system/status-render';
import type { Task } from '../../runner/swarm/types';

const now = new Date('2026-01-01T12:00:00Z');
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();
const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

function service(
  name: string,
  more: Partial<ServiceWithStatus> & { labels?: Record<string, string>; mode?: object } = {},
) {
  const { labels = {}, mode = { Replicated: { Replicas: 2 } }, ...rest } = more;
  return {
    ID: `id-${name}`,
    Version: { Index: 1 },
    Spec: {
      Name: name,
      Labels: labels,
      TaskTemplate: { ContainerSpec: { Image: `registry:5000/shop:17@${digest}` } },
      Mode: mode,
    },
    ...rest,
  } as ServiceWithStatus;
}

let count = 0;
const task = (
  of: string,
  state: string,
  more: { wanted?: string; error?: string; seconds?: number; slot?: number } = {},
): Task => ({
  ID: `task${count++}`.padEnd(25, 'x'),
  ServiceID: `id-${of}`,
  Slot: more.slot ?? count,
  DesiredState: more.wanted ?? 'running',
  CreatedAt: ago(60),
  Spec: {},
  Status: {
    State: state,
    Timestamp: ago(more.seconds ?? 30),
    ...(more.error === undefined ? {} : { Err: more.error }),
    ContainerStatus: { ExitCode: 3 },
  },
});
const judge = (live: ServiceWithStatus, tasks: Task[]) => judgeService(live, tasks, undefined, now);

t.test('a service whose tasks run is well', async (t) => {
  const tasks = [task('web', 'running'), task('web', 'running'), task('other', 'failed', { error: 'x' })];
  t.same(judge(service('web'), tasks), {
    name: 'web',
    image: `registry:5000/shop:17@${digest}`,
    mode: 'replicated',
    running: 2,
    wanted: 2,
    healthy: true,
    problems: [],
  });
});

t.test('two tasks that Swarm runs in one slot fill that slot once', async (t) => {
  const tasks = [task('web', 'running', { slot: 1 }), task('web', 'running', { slot: 1 })];
  t.match(judge(service('web'), tasks), { running: 1, wanted: 2, healthy: false });
});

t.test('a task that is wanted and does not run is told with its error', async (t) => {
  const tasks = [
    task('web', 'running'),
    task('web', 'pending', { error: 'no suitable node', seconds: 1 }),
    task('web', 'failed', { wanted: 'shutdown', error: 'older', seconds: 5000 }),
  ];
  t.match(judge(service('web'), tasks), {
    running: 1,
    wanted: 2,
    healthy: false,
    problems: ['1 of 2 tasks run'],
    lastError: { at: ago(1), text: /pending: no suitable node/ },
  });
});

t.test('a service that falls over and over is not well, though all its tasks run at this moment', async (t) => {
  const failures = [100, 200].map((seconds) =>
    task('web', 'failed', { wanted: 'shutdown', error: `at ${seconds}`, seconds }),
  );
  const running = [task('web', 'running'), task('web', 'running')];
  t.match(judge(service('web'), [...running, ...failures]), {
    healthy: false,
    problems: ['2 tasks failed in the last 10 minutes'],
    lastError: { text: /at 100/ },
  });
  const old = [task('web', 'failed', { wanted: 'shutdown', error: 'long ago', seconds: 601 })];
  t.match(judge(service('web'), [...running, ...old]), { healthy: true, problems: [] });
});

t.test('an update that Swarm stopped is a problem, one that goes on is not', async (t) => {
  const running = [task('web', 'running'), task('web', 'running')];
  const state = (State: string) => judge(service('web', { UpdateStatus: { State, Message: 'because' } }), running);
  for (const stopped of ['paused', 'rollback_started', 'rollback_paused', 'rollback_completed'])
    t.match(state(stopped), { healthy: false, update: stopped, problems: [/because/] });
  for (const fine of ['updating', 'completed']) t.match(state(fine), { healthy: true, update: fine });
});

t.test('services that are not replicated', async (t) => {
  const global = service('web', { mode: { Global: {} }, ServiceStatus: { RunningTasks: 1, DesiredTasks: 3 } });
  t.match(judge(global, [task('web', 'running')]), { mode: 'global', wanted: 3, healthy: false });
  const job = service('web', { mode: { ReplicatedJob: {} }, ServiceStatus: { RunningTasks: 0, DesiredTasks: 1 } });
  t.match(judge(job, [task('web', 'complete', { wanted: 'complete' })]), { mode: 'job', healthy: true });
  t.match(judge(service('web', { mode: { Replicated: { Replicas: 0 } } }), []), { wanted: 0, healthy: true });
});

const nodes: Node[] = [
  {
    ID: 'b',
    Spec: { Role: 'worker', Availability: 'drain' },
    Description: { Hostname: 'node2' },
    Status: { State: 'down', Message: 'heartbeat failure', Addr: '10.0.0.2' },
  },
  {
    ID: 'a',
    Spec: { Role: 'manager', Availability: 'active' },
    Description: { Hostname: 'node1', Engine: { EngineVersion: '20.10.24' } },
    Status: { State: 'ready', Addr: '0.0.0.0' },
    ManagerStatus: { Leader: true, Reachability: 'reachable', Addr: '10.0.0.1:2377' },
  },
];
const inStack = (stack: string) => ({ 'com.docker.stack.namespace': stack });
const view: SwarmView = {
  nodes,
  services: [
    service('shop_web', { labels: { ...inStack('shop'), 'com.df.scaleMax': '4' } }),
    service('shop-c17_web', { labels: inStack('shop-c17'), mode: { Replicated: { Replicas: 1 } } }),
    service('homeostat-jobs_jobs', { labels: inStack('homeostat-jobs'), mode: { Replicated: { Replicas: 1 } } }),
    service('alone', { mode: { Replicated: { Replicas: 1 } } }),
  ],
  tasks: [
    task('shop_web', 'running'),
    task('shop_web', 'rejected', { slot: 1, wanted: 'shutdown', error: 'No such image\nat all', seconds: 20 }),
    task('shop-c17_web', 'running'),
    task('homeostat-jobs_jobs', 'running'),
    task('alone', 'running'),
  ],
  now,
};
const names = ['alone', 'homeostat-jobs', 'shop'];
const release = { number: 12, kind: 'deploy', by: 'ann', at: ago(3 * 3600), revision: 'abcdef0123456789' };
const limits = (labels: Record<string, string>) =>
  labels['com.df.scaleMax'] ? { minimum: 1, maximum: Number(labels['com.df.scaleMax']) } : undefined;
const summary = summarise(view, names, ['shop-c17'], [], new Map([['shop', release]]), limits);

t.test('stacks, the system’s own, candidates and nodes are told apart', async (t) => {
  t.same(
    summary.stacks.map(({ name, healthy }) => [name, healthy]),
    [
      ['alone', true],
      ['shop', false],
    ],
  );
  t.match(summary.stacks[1], { release: { number: 12, ageSeconds: 10_800 }, services: [{ limits: { maximum: 4 } }] });
  t.same(
    summary.system.map(({ name }) => name),
    ['homeostat-jobs'],
  );
  t.same(summary.candidates, [{ name: 'shop-c17', running: 1, wanted: 1 }]);
  t.match(summary.nodes, [
    { name: 'node1', role: 'leader', address: '10.0.0.1', healthy: true },
    { name: 'node2', role: 'worker', state: 'down', availability: 'drain', address: '10.0.0.2', healthy: false },
  ]);
  t.equal(summary.healthy, false);
});

t.test('a manager that the others do not reach is not well', async (t) => {
  const lost: Node = { ...nodes[1]!, ManagerStatus: { Reachability: 'unreachable', Addr: '10.0.0.1:2377' } };
  const { nodes: told } = summarise({ ...view, nodes: [lost] }, [], [], [], new Map(), limits);
  t.match(told, [{ role: 'manager', healthy: false, message: /do not reach/ }]);
});

t.test('the text', async (t) => {
  t.equal(
    renderStatus({
      ...summary,
      rollouts: [
        { stack: 'shop', running: 'deploy by job 5 since 11:59' },
        { stack: 'a', settled: 'rollout 3 of a: good, recorded as a release' },
        { stack: 'b', problem: 'the registry does not answer' },
      ],
    }).replace(/task task\S+/, 'task ID'),
    [
      'nodes',
      '  ✔ node1  leader  ready        10.0.0.1  Docker 20.10.24',
      '  ! node2  worker  down, drain  10.0.0.2                   heartbeat failure',
      '',
      'alone  no release',
      '  ✔ alone  1/1  registry:5000/shop@0123456789ab',
      '',
      'shop  release 12, 3 h ago (deploy by ann of abcdef012345)',
      '  ! shop_web  1/2  registry:5000/shop@0123456789ab  limits 1 to 4',
      '      1 of 2 tasks run',
      '      a task failed in the last 10 minutes',
      '      last error at 2026-01-01T11:59:40Z: task ID (slot 1) rejected: No such image at all',
      '',
      'homeostat-jobs',
      '  ✔ homeostat-jobs_jobs  1/1  registry:5000/shop@0123456789ab',
      '',
      'candidates under test',
      '  shop-c17  1/1',
      '',
      'rollouts',
      '  shop: going on, deploy by job 5 since 11:59',
      '  rollout 3 of a: good, recorded as a release',
      '  b: could not be settled: the registry does not answer',
    ].join('\n'),
  );
  const empty = {
    healthy: true,
    at: now.toISOString(),
    nodes: [],
    stacks: [],
    system: [],
    candidates: [],
    rollouts: [],
  };
  t.equal(renderStatus(empty), 'no stack runs');
});

t.test('no text from outside drives the terminal', async (t) => {
  const property = () =>
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const odd = { ...summary, stacks: summary.stacks.map((stack) => ({ ...stack, name: `x${text}` })) };
        // eslint-disable-next-line no-control-regex
        return !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(renderStatus(odd));
      }),
    );
  t.doesNotThrow(property);
});

t.test('images and ages are short', async (t) => {
  t.equal(shortImage(`r:5000/a/b:1.2@${digest}`), 'r:5000/a/b@0123456789ab');
  t.equal(shortImage(`a@${digest}`), 'a@0123456789ab');
  t.equal(shortImage('a:1'), 'a:1');
  t.equal(shortImage(digest), 'image sha256:0123456789ab');
  t.same([0, 59, 60, 3599, 3600, 86_400, 200_000].map(formatAge), [
    '0 s',
    '59 s',
    '1 min',
    '59 min',
    '1 h',
    '1 d',
    '2 d',
  ]);
});
