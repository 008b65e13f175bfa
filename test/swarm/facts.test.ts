import t from 'tap';
import { monitoredTasks } from '../../runner/controller/monitored';
import { taskList } from '../../runner/swarm/facts';
import type { Task } from '../../runner/swarm/types';
import { listing, service } from '../controller/support';

const now = new Date('2026-01-01T10:00:00Z');
const before = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();

const task = (state: string, count: number, node = 'n1', seconds = 60): Task =>
  ({
    ...{ ID: `${state}-${count}`, ServiceID: 'web', Slot: count, DesiredState: 'running' },
    Status: { State: state, Timestamp: before(seconds) },
    ...(node ? { NodeID: node } : {}),
    NetworksAttachments: [{ Network: { ID: 'net' }, Addresses: [`10.0.0.${count}/24`] }],
  }) as unknown as Task;

const waiting = ['new', 'pending'];
const starting = ['assigned', 'accepted', 'preparing', 'ready', 'starting'];
const ended = ['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'];

t.test('each task is listed once, by what it is about to do', (t) => {
  const list = [
    ...waiting.map((state, count) => task(state, count, '')),
    ...[...starting, 'running', ...ended].map((state, count) => task(state, count)),
  ];
  const found = taskList([...list, { ...task('running', 99), ServiceID: undefined } as unknown as Task]);
  t.same(
    found.running.map(({ id }) => id),
    ['running-5'],
  );
  t.same(
    found.starting.map(({ id }) => id.replace(/-\d+$/, '')),
    [...starting].sort(),
  );
  t.equal(found.others.length, waiting.length + ended.length);
  t.same([found.counts, found.pending], [{ web: 1 }, { web: waiting.length + starting.length }]);
  t.end();
});

t.test('a task is measured from when it has a node', (t) => {
  const swarm = listing([service('web', {})], { networks: [{ id: 'net', name: 'proxy' }] });
  const measured = (...tasks: Task[]) =>
    monitoredTasks(taskList(tasks.map((each) => ({ ...each, ServiceID: swarm.services[0]!.id }))), swarm, now);
  t.match(measured(task('preparing', 4), task('running', 3)), [
    { id: 'running-3', service: 'web', node: 'n1', slot: 3, addresses: { proxy: '10.0.0.3' } },
    { id: 'preparing-4', service: 'web', node: 'n1', slot: 4, addresses: { proxy: '10.0.0.4' } },
  ]);
  t.same(measured(task('pending', 1, ''), task('failed', 2)), []);

  const areNew = (...tasks: Task[]) => measured(...tasks).map(({ isNew }) => isNew ?? false);
  t.same(areNew(task('running', 1, 'n1', 9), task('running', 2, 'n1', 11)), [true, false]);
  t.same(areNew(task('preparing', 1, 'n1', 300)), [true], 'however long it starts');
  t.same(areNew(task('running', 1, 'n1', -60)), [false], 'a node whose clock is a minute ahead');
  t.end();
});
