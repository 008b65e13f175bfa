import t from 'tap';
import { connectEngine } from '../../runner/common/engine';
import type { SwarmListing, TaskList } from '../../runner/swarm/facts';
import { SwarmReader } from '../../runner/swarm/listing';
import { countFailures, TaskFailures, type RememberedTask } from '../../runner/swarm/task-failures';
import { listing, service } from '../controller/support';
import { sharedLab, uniqueName } from '../lab';
import { realContext } from '../lab/context';

const start = Date.parse('2026-01-01T00:00:00Z');
const shop = service('shop', {});

/** Tasks of the shop that are wanted. */
const wanted = (...ids: string[]): SwarmListing => {
  const running = ids.map((id) => ({
    id,
    service: shop.id,
    node: 'one',
    slot: 1,
    since: '2026-01-01T00:00:00Z',
    addresses: {},
  }));
  return listing([shop], { taskList: { running, starting: [], others: [], counts: {}, pending: {} } });
};

const remembered = (ID: string, State: string, after = 1): RememberedTask => ({
  ...{ ID, ServiceID: shop.id, Status: { State } },
  CreatedAt: new Date(start + after * 1000).toISOString(),
});

t.test('a task counts once, when it fails or is rejected', (t) => {
  const failures = new TaskFailures(start);
  t.same(failures.changed(wanted('a')), [], 'the first time nothing has changed');
  t.same(failures.changed(wanted('a')), []);
  t.same(failures.changed(wanted('b')), [shop.id]);
  t.same(failures.changed(wanted('b')), [shop.id], 'until it was looked at');
  const history = [remembered('a', 'failed', -500), remembered('b', 'running'), remembered('c', 'rejected')];
  failures.count([shop.id], [...history, remembered('d', 'shutdown'), remembered('e', 'complete')]);
  t.equal(failures.counts.get(shop.id), 2, 'one that was there at first, and one that nobody saw run');
  t.same(failures.changed(wanted('b')), []);
  t.same(failures.changed(wanted('b', 'f')), [shop.id]);
  failures.count([shop.id], [...history, remembered('f', 'failed')]);
  t.equal(failures.counts.get(shop.id), 3);
  failures.count([shop.id], [remembered('f', 'failed')]);
  failures.count([shop.id], [remembered('f', 'failed')]);
  t.equal(failures.counts.get(shop.id), 3, 'what the Swarm forgets is not taken back');
  t.end();
});

t.test('what failed before somebody looked does not count', (t) => {
  const failures = new TaskFailures(start);
  failures.changed(wanted());
  failures.count([shop.id], [remembered('a', 'failed', -1), remembered('b', 'failed', 0)]);
  t.equal(failures.counts.get(shop.id), 1);
  t.end();
});

t.test('a service that is gone is forgotten', (t) => {
  const failures = new TaskFailures(start);
  failures.changed(wanted());
  failures.count([shop.id], [remembered('a', 'failed')]);
  const gone: TaskList = { running: [], starting: [], others: [], counts: {}, pending: {} };
  t.same(failures.changed(listing([], { taskList: gone })), []);
  t.equal(failures.counts.size, 0);
  t.same(failures.changed(listing([shop])), [], 'without a list of tasks nothing is known');
  t.end();
});

t.test('tasks of a real Swarm', async (t) => {
  const lab = await sharedLab(t);
  const image = await lab.image('busybox');
  const context = realContext({ env: lab.environment() });
  const engine = connectEngine(context);
  const reader = new SwarmReader(engine, context, { tasks: true });
  const network = uniqueName('network');
  const name = uniqueName('shop');
  t.teardown(() => lab.docker(1, 'network', 'rm', network));
  t.teardown(() => lab.docker(1, 'service', 'rm', name));
  await lab.docker(1, 'network', 'create', '--driver', 'overlay', network);
  const words = ['--detach', '--name', name, '--replicas', '2', '--network', network, '--restart-delay', '1s'];
  await lab.docker(1, 'service', 'create', ...words, image, 'sleep', '100000');
  const until = async (what: string, test: () => Promise<boolean>) => {
    const end = Date.now() + 60_000;
    while (!(await test())) {
      if (Date.now() > end) throw new Error(`never: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  let seen = await reader.list();
  const found = () => seen.services.find((each) => each.name === name)!;
  const tasks = () => seen.taskList!.running.filter((task) => task.service === found().id);
  await until('both tasks run', async () => {
    seen = await reader.list();
    return tasks().length === 2;
  });
  t.match(tasks()[0]!.id, /^[a-z0-9]{25}$/);
  t.same(
    tasks()
      .map(({ slot }) => slot)
      .sort(),
    [1, 2],
  );
  t.equal(tasks()[0]!.node, seen.nodes[0]!.id);
  const at = seen.networks.find((each) => each.name === network)!.id;
  t.match(tasks()[0]!.addresses[at], /^\d+\.\d+\.\d+\.\d+$/);
  t.equal(seen.taskList!.counts[found().id], 2);
  t.equal(found().update, undefined, 'no rollout yet');
  const plain = await new SwarmReader(engine, context).list();
  t.equal(plain.taskList, undefined, 'only who asks for tasks gets them');

  const failures = new TaskFailures(Date.now());
  await countFailures(failures, seen, engine, context);
  t.equal(failures.counts.get(found().id), undefined);
  const [container] = (await lab.docker(1, 'ps', '-q', '--filter', `name=${name}`)).split('\n');
  await lab.docker(1, 'rm', '--force', container!);
  await until('a killed task is counted', async () => {
    seen = await reader.list();
    await countFailures(failures, seen, engine, context);
    return failures.counts.get(found().id) === 1;
  });
  await lab.docker(1, 'service', 'update', '--detach', '--update-delay', '0s', '--env-add', 'A=1', name);
  await until('the rollout ends', async () => {
    seen = await reader.list();
    return found().update?.state === 'completed';
  });
  t.ok(Date.parse(found().update!.completedAt!) >= Date.parse(found().update!.startedAt));
  await lab.docker(1, 'service', 'scale', '--detach', `${name}=1`);
  await until('one runs', async () => {
    seen = await reader.list();
    return tasks().length === 1;
  });
  await countFailures(failures, seen, engine, context);
  t.equal(failures.counts.get(found().id), 1, 'neither a rollout nor scaling is a failure');
});
