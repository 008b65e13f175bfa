import fc from 'fast-check';
import t from 'tap';
import {
  judge,
  noMemory,
  remember,
  taskEvidence,
  updateSettled,
  type Memory,
  type ServiceView,
} from '../../runner/swarm/rollout';
import type { ObservedTask } from '../../runner/swarm/services';
import type { Service, ServiceSpec } from '../../runner/swarm/types';
import { holds } from '../common/support';

const image = `registry:5000/shop@sha256:${'1'.repeat(64)}`;
const other = `registry:5000/shop@sha256:${'2'.repeat(64)}`;
const since = '2026-01-01T12:00:00Z';

interface TaskOptions {
  id?: string;
  old?: boolean;
  wanted?: string;
  image?: string;
  at?: string;
  error?: string;
  exitCode?: number;
}

let count = 0;
let slots = 0;
const task = (state: string, options: TaskOptions = {}): ObservedTask => ({
  ID: (options.id ?? `t${count++}`).padEnd(25, 'x'),
  ServiceID: 's',
  Slot: ++slots,
  DesiredState:
    options.wanted ?? (['failed', 'rejected', 'shutdown', 'complete'].includes(state) ? 'shutdown' : 'running'),
  CreatedAt: since,
  Spec: { ContainerSpec: { Image: options.image ?? image } },
  Status: {
    State: state,
    Timestamp: options.at ?? '2026-01-01T12:00:10.123456789Z',
    ...(options.error ? { Err: options.error } : {}),
    ...(options.exitCode === undefined ? {} : { ContainerStatus: { ExitCode: options.exitCode } }),
  },
  upToDate: !options.old,
});

function service(
  mode: ServiceSpec['Mode'],
  more: { update?: string; image?: string; condition?: string } = {},
): Service {
  return {
    ID: 's',
    Version: { Index: 7 },
    Spec: {
      Name: 'shop_web',
      TaskTemplate: {
        ContainerSpec: { Image: more.image ?? image },
        ...(more.condition ? { RestartPolicy: { Condition: more.condition } } : {}),
      },
      Mode: mode,
    },
    ...(more.update ? { UpdateStatus: { State: more.update, Message: 'because' } } : {}),
  };
}
const two = { Replicated: { Replicas: 2 } };
const view = (live: Service | undefined, tasks: ObservedTask[], wanted: string | null = image): ServiceView => ({
  target: { service: 'shop_web', ...(wanted ? { image: wanted } : {}) },
  since,
  service: live,
  tasks,
});
const state = (...[live, tasks, wanted]: Parameters<typeof view>) => judge(view(live, tasks, wanted), noMemory).state;
const converged: Memory = { converged: true, forgiven: new Set() };

t.test('a service that is gone, or runs another image, was interfered with', async (t) => {
  t.match(judge(view(undefined, []), noMemory), { state: 'interfered', reason: /shop_web was removed/ });
  const changed = judge(view(service(two, { image: other }), [task('running'), task('running')]), noMemory);
  t.match(changed, { state: 'interfered', reason: `shop_web was changed to ${other} while it was being deployed` });
  t.equal(
    state(service(two, { image: other }), [task('running', { image: other }), task('running', { image: other })], null),
    'converged',
  );
});

t.test('an update that Swarm stopped has failed, with the errors of its tasks', async (t) => {
  for (const update of ['paused', 'rollback_started', 'rollback_paused', 'rollback_completed']) {
    const verdict = judge(view(service(two, { update }), [task('failed', { error: 'no such file' })]), noMemory);
    t.match(verdict, { state: 'failed', reason: `shop_web: Swarm stopped the update (${update}): because` }, update);
    t.match(verdict, { evidence: [/failed: no such file/] });
  }
  const rolledBack = service(two, { update: 'rollback_completed', image: other });
  t.equal(state(rolledBack, []), 'failed', 'and is not taken for a change by somebody else');
  for (const update of ['updating', 'completed'])
    t.equal(state(service(two, { update }), [task('running'), task('running')]), 'converged');
});

t.test('tasks that fail: two may before convergence, none after', async (t) => {
  const running = [task('running'), task('running')];
  const failed = (id: string) => task('failed', { id, error: 'exit' });
  t.equal(state(service(two), [...running, failed('a'), failed('b')]), 'converged');
  const three = judge(view(service(two), [...running, failed('a'), failed('b'), failed('c')]), noMemory);
  t.match(three, { state: 'failed', reason: 'shop_web: 3 tasks failed to start' });
  t.equal((three as { evidence: string[] }).evidence.length, 3);
  const after = judge(view(service(two), [...running, failed('a')]), converged);
  t.match(after, { state: 'failed', reason: 'shop_web: a task fell over after the rollout' });
  for (const how of ['rejected', 'complete'])
    t.equal(judge(view(service(two), [...running, task(how)]), converged).state, 'failed', how);
  for (const how of ['shutdown', 'orphaned', 'remove'])
    t.equal(
      judge(view(service(two), [...running, task(how, { wanted: 'shutdown' })]), converged).state,
      'converged',
      how,
    );
});

t.test('failures from before the rollout, and of tasks it replaced, do not count', async (t) => {
  const early = Array.from({ length: 5 }, () => task('failed', { at: '2026-01-01T11:59:59Z' }));
  const replaced = Array.from({ length: 5 }, () => task('failed', { old: true }));
  const running = [task('running'), task('running')];
  t.equal(state(service(two), [...running, ...early, ...replaced]), 'converged');
  t.equal(judge(view(service(two), [...running, ...early, ...replaced]), converged).state, 'converged');
});

t.test('failures before convergence are forgiven once, and only those', async (t) => {
  const tasks = [task('running'), task('running'), task('failed', { id: 'early' })];
  const seen = view(service(two), tasks);
  const memory = remember(seen, judge(seen, noMemory), noMemory);
  t.equal(memory.converged, true);
  t.equal(judge(seen, memory).state, 'converged');
  const later = view(service(two), [...tasks, task('failed', { id: 'late' })]);
  t.equal(judge(later, memory).state, 'failed');
  t.equal(remember(later, judge(later, memory), memory), memory, 'a later look forgives nothing');
  const waiting = view(service(two), [task('running'), task('starting')]);
  t.equal(remember(waiting, judge(waiting, noMemory), noMemory), noMemory);
});

t.test('it goes on while tasks are missing, start, are old, or run something else', async (t) => {
  const cases: ObservedTask[][] = [
    [],
    [task('running')],
    ...['new', 'pending', 'assigned', 'preparing', 'ready', 'starting'].map((how) => [task('running'), task(how)]),
    [task('running'), task('running'), task('starting')],
    [task('running'), task('running', { old: true })],
    [task('running'), task('running'), task('running', { old: true })],
    [task('running'), task('running', { image: other })],
    [task('running'), task('running', { wanted: 'shutdown' })],
  ];
  for (const tasks of cases)
    t.equal(state(service(two), tasks), 'progressing', tasks.map((each) => each.Status.State).join(' '));
  const pending = task('pending', { error: 'no suitable node' });
  t.match(judge(view(service(two), [task('running'), pending]), noMemory), {
    detail: 'shop_web: 1 of 2 tasks run the new release (no suitable node)',
  });
});

t.test('no replicas are wanted: converged as soon as none is left', async (t) => {
  const none = service({ Replicated: { Replicas: 0 } });
  t.equal(state(none, []), 'converged');
  t.equal(state(none, [task('shutdown')]), 'converged');
  t.equal(state(none, [task('running')]), 'progressing');
  t.equal(state(none, [task('running', { old: true })]), 'progressing');
});

t.test('a global service needs every task it has, and at least one', async (t) => {
  const everywhere = service({ Global: {} });
  t.equal(state(everywhere, []), 'progressing');
  t.equal(state(everywhere, [task('running'), task('starting')]), 'progressing');
  t.equal(state(everywhere, [task('running'), task('running', { old: true })]), 'progressing');
  t.equal(state(everywhere, [task('running'), task('running'), task('running')]), 'converged');
});

t.test('a service that ends by itself has converged when its tasks ended well', async (t) => {
  for (const condition of ['none', 'on-failure']) {
    const once = service({ Replicated: { Replicas: 1 } }, { condition });
    t.equal(state(once, [task('complete')]), 'converged', condition);
    t.equal(judge(view(once, [task('complete')]), converged).state, 'converged');
    t.equal(judge(view(once, [task('failed')]), converged).state, 'failed');
  }
  t.equal(state(service({ Replicated: { Replicas: 1 } }, { condition: 'any' }), [task('complete')]), 'progressing');
});

t.test('a job has converged when as many of its tasks as were asked for run or ended well', async (t) => {
  const job = service({ ReplicatedJob: { MaxConcurrent: 1, TotalCompletions: 3 } });
  t.equal(state(job, [task('complete')]), 'progressing', 'the next task is not yet made');
  t.equal(state(job, [task('complete'), task('complete'), task('complete')]), 'converged');
  t.equal(state(job, [task('complete', { old: true }), task('complete'), task('complete')]), 'progressing');
  t.equal(state(service({ ReplicatedJob: {} }), [task('complete')]), 'converged');
  t.equal(state(service({ GlobalJob: {} }), [task('complete'), task('running')]), 'converged');
  t.equal(state(service({ GlobalJob: {} }), []), 'progressing');
});

t.test('it is never called converged unless the wanted tasks run with the image', async (t) => {
  const states = [
    'new',
    'pending',
    'preparing',
    'starting',
    'running',
    'complete',
    'failed',
    'rejected',
    'shutdown',
    'orphaned',
  ];
  const anyTask = fc
    .record({
      how: fc.constantFrom(...states),
      old: fc.boolean(),
      wanted: fc.constantFrom('running', 'shutdown'),
      image: fc.constantFrom(image, image, other),
      at: fc.constantFrom('2026-01-01T11:00:00Z', '2026-01-01T12:30:00Z'),
    })
    .map(({ how, ...options }) => task(how, options));
  const mode = fc.oneof(
    fc.nat(4).map((Replicas) => ({ Replicated: { Replicas } })),
    fc.constant({ Global: {} }),
  );
  const update = fc.constantFrom('', 'updating', 'completed', 'paused', 'rollback_started');
  await holds(
    t,
    fc.property(mode, update, fc.array(anyTask, { maxLength: 6 }), fc.boolean(), (mode, update, tasks, was) => {
      const live = service(mode, { update });
      if (judge(view(live, tasks), was ? converged : noMemory).state !== 'converged') return true;
      const good = tasks.filter(
        (each) =>
          each.upToDate &&
          each.Status.State === 'running' &&
          each.DesiredState === 'running' &&
          each.Spec.ContainerSpec?.Image === image,
      );
      const wanted = live.Spec.Mode.Replicated?.Replicas ?? 1;
      const oldServe = tasks.some(
        (each) => !each.upToDate && each.DesiredState === 'running' && each.Status.State === 'running',
      );
      return good.length >= wanted && !oldServe && !['paused', 'rollback_started'].includes(update);
    }),
    { numRuns: 3000 },
  );
});

t.test('evidence tells each error once, five at most', async (t) => {
  const tasks = Array.from({ length: 9 }, (_, index) => task('failed', { id: `id${index}`, exitCode: index }));
  t.equal(taskEvidence(tasks).length, 5);
  t.match(taskEvidence(tasks)[3], /^task id3xxxxxxxxx \(slot \d+\) failed: exit code 3$/);
  t.equal(taskEvidence([tasks[0]!, tasks[0]!]).length, 1);
  t.match(taskEvidence([task('rejected')]), [/rejected: exit code \?/]);
});

t.test('Swarm’s own updater has to have ended too', async (t) => {
  for (const update of ['', 'completed']) t.ok(updateSettled(service(two, { update })), update);
  for (const update of ['updating', 'paused', 'rollback_started'])
    t.notOk(updateSettled(service(two, { update })), update);
  t.ok(updateSettled(undefined));
});

t.test('two tasks in one slot, as Swarm may leave them, count as one', async (t) => {
  const twin = { ...task('running'), Slot: 7 };
  const other = { ...task('running'), Slot: 7 };
  t.equal(judge(view(service(two), [twin, other]), noMemory).state, 'progressing');
  t.equal(judge(view(service(two), [twin, other, task('running')]), noMemory).state, 'converged');
});
