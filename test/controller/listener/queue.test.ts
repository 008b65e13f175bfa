import fc from 'fast-check';
import t from 'tap';
import { NoticeQueue, type Notice } from '../../../runner/controller/listener/queue';
import { holds } from '../../common/support';
import { settle, VirtualClock } from '../support';

const create = (version: number | string): Notice => ({ kind: 'create', parameters: { version: String(version) } });
const remove: Notice = { kind: 'remove', parameters: {} };

/** A queue whose receiver answers as the test says, after a time. */
function queueTo(answer: (subject: string, notice: Notice) => { status: number | Error; after: number }, retries = 50) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const arrived: { subject: string; notice: Notice; at: number }[] = [];
  const dropped: string[] = [];
  const underWay = new Map<string, number>();
  let overlaps = 0;
  let most = 0;
  const queue = new NoticeQueue({
    clock,
    signal: stop.signal,
    retries,
    interval: 5_000,
    send: async (notice) => {
      const subject = notice.parameters.subject ?? 'shop';
      underWay.set(subject, (underWay.get(subject) ?? 0) + 1);
      if (underWay.get(subject)! > 1) overlaps++;
      most = Math.max(
        most,
        [...underWay.values()].reduce((sum, count) => sum + count, 0),
      );
      const { status, after } = answer(subject, notice);
      await clock.sleep(after);
      underWay.set(subject, underWay.get(subject)! - 1);
      if (status instanceof Error) throw status;
      arrived.push({ subject, notice, at: clock.monotonic() });
      return status;
    },
    delivered: () => undefined,
    dropped: (subject, { kind }, reason) => dropped.push(`${kind} ${subject}: ${reason}`),
  });
  return { queue, clock, stop, arrived, dropped, overlaps: () => overlaps, most: () => most };
}

t.test('a notice is sent at once', async (t) => {
  const { queue, clock, arrived } = queueTo(() => ({ status: 200, after: 0 }));
  queue.put('shop', create(1));
  await clock.advance(0);
  t.match(arrived, [{ notice: create(1) }]);
  t.equal(queue.size, 0);
});

t.test('409 is the answer of who is not meant, to a create only', async (t) => {
  const { queue, clock, arrived, dropped } = queueTo(() => ({ status: 409, after: 0 }), 1);
  queue.put('shop', create(1));
  queue.put('old', remove);
  await clock.advance(60_000);
  t.equal(arrived.length, 3);
  t.same(dropped, ['remove old: the answer was 409, after 2 tries']);
});

t.test('one that fails is tried as often as the settings say, at their interval, and then dropped', async (t) => {
  let count = 0;
  const { queue, clock, dropped } = queueTo(
    () => ({ status: count++ % 2 ? 500 : new Error('ECONNREFUSED'), after: 0 }),
    3,
  );
  queue.put('shop', create(1));
  await clock.advance(14_999);
  t.equal(count, 3);
  t.same(dropped, []);
  await clock.advance(1);
  t.equal(count, 4);
  t.match(dropped, [/the answer was 500, after 4 tries/]);
  await clock.advance(60_000);
  t.equal(count, 4);
});

t.test('a newer notice takes the place of one that is tried again', async (t) => {
  const { queue, clock, arrived } = queueTo((_subject, { parameters }) => ({
    status: parameters.version === '1' ? 500 : 200,
    after: 0,
  }));
  queue.put('shop', create(1));
  await clock.advance(7_000);
  queue.put('shop', create(2));
  await clock.advance(0);
  t.same(arrived.at(-1), { subject: 'shop', notice: create(2), at: 7_000 }, 'at once');
  await clock.advance(600_000);
  t.same(arrived.at(-1)!.notice, create(2), 'the old one never comes again');
});

t.test('removed and made anew: the removal cannot overtake what came after it', async (t) => {
  const { queue, clock, arrived } = queueTo((_subject, { kind }) => ({
    status: 200,
    after: kind === 'remove' ? 3_000 : 1,
  }));
  queue.put('shop', create(1));
  await clock.advance(10);
  queue.put('shop', remove);
  await clock.advance(10);
  queue.put('shop', create(2));
  await clock.advance(10_000);
  t.same(
    arrived.map(({ notice }) => notice),
    [create(1), remove, create(2)],
  );
});

t.test('one subject that is not taken does not hold up the others', async (t) => {
  const { queue, clock, arrived } = queueTo((subject) => ({ status: subject === 'bad' ? 500 : 200, after: 1 }));
  queue.put('bad', { kind: 'create', parameters: { subject: 'bad' } });
  for (let count = 0; count < 100; count++)
    queue.put(`s${count}`, { kind: 'create', parameters: { subject: `s${count}` } });
  await clock.advance(1_000);
  t.equal(new Set(arrived.map(({ subject }) => subject)).size, 101);
});

t.test('nothing is sent after the end', async (t) => {
  const { queue, clock, arrived, stop } = queueTo(() => ({ status: 500, after: 0 }));
  queue.put('shop', create(1));
  await settle();
  stop.abort(new Error('end'));
  queue.put('other', create(1));
  await clock.advance(100_000);
  t.ok(arrived.length <= 1);
});

const step = fc.record({
  subject: fc.constantFrom('a', 'b', 'c'),
  kind: fc.constantFrom<'create' | 'remove'>('create', 'remove'),
  pause: fc.integer({ min: 0, max: 7_000 }),
});

t.test(
  'whatever is told and however it is answered, each subject ends as it was told last, one notice at a time',
  async (t) =>
    holds(
      t,
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 25 }),
        fc.infiniteStream(fc.record({ fails: fc.boolean(), after: fc.integer({ min: 0, max: 9_000 }) })),
        async (steps, answers) => {
          const seconds = answers[Symbol.iterator]();
          const { queue, clock, arrived, overlaps, most } = queueTo(() => {
            const { fails, after } = seconds.next().value as { fails: boolean; after: number };
            return { status: fails ? 500 : 200, after };
          }, 1000);
          const last = new Map<string, Notice>();
          const order: Notice[] = [];
          for (const [index, { subject, kind, pause }] of steps.entries()) {
            const notice = { kind, parameters: { subject, index: String(index) } };
            order.push(notice);
            last.set(subject, notice);
            queue.put(subject, notice);
            await clock.advance(pause);
          }
          await clock.advance(2_000_000);
          const inOrder = ['a', 'b', 'c'].every((subject) => {
            const indexes = arrived
              .filter((each) => each.subject === subject)
              .map(({ notice }) => order.indexOf(notice));
            return indexes.every((index, at) => at === 0 || index >= indexes[at - 1]!);
          });
          const final = [...last].every(
            ([subject, notice]) => arrived.filter((each) => each.subject === subject).at(-1)?.notice === notice,
          );
          return inOrder && final && overlaps() === 0 && most() <= 8 && queue.size === 0;
        },
      ),
      { numRuns: 60 },
    ),
);
