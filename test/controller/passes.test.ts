import fc from 'fast-check';
import t from 'tap';
import { Passes, pauseAfter, times, type Cause } from '../../runner/controller/passes';
import { holds } from '../common/support';
import { settle, VirtualClock } from './support';

/** Passes on a clock of the test's own; `work` is what a pass does. */
function passes(work: (count: number) => Promise<void> = async () => undefined) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const made: { at: number; cause: Cause }[] = [];
  const story: string[] = [];
  let running = 0;
  const parts = new Passes({
    clock,
    signal: stop.signal,
    pass: async (cause) => {
      if (++running > 1) throw new Error('two at once');
      made.push({ at: clock.monotonic(), cause });
      await work(made.length).finally(() => running--);
    },
    failed: (error, failures) => story.push(`failed ${failures}: ${(error as Error).message}`),
    recovered: (failures) => story.push(`recovered after ${failures}`),
  });
  const ended = parts.run();
  const end = async () => {
    stop.abort(new Error('end'));
    await ended;
  };
  return { clock, passes: parts, made, story, end };
}

t.test('the first pass is made at once, and one every 30 s whatever happens', async (t) => {
  const { clock, made, end } = passes();
  await clock.advance(95_000);
  t.same(made, [{ at: 0, cause: 'change' }, ...[30_000, 60_000, 90_000].map((at) => ({ at, cause: 'time' }))]);
  await end();
});

t.test('a change is taken in at once when nothing else happens', async (t) => {
  const { clock, passes: work, made, end } = passes();
  await clock.advance(10_000);
  work.wake();
  await settle();
  t.same(made.at(-1), { at: 10_000, cause: 'change' });
  await clock.advance(29_999);
  t.equal(made.length, 2, 'the next one is due 30 s after the last one, whatever its cause');
  await clock.advance(1);
  t.equal(made.length, 3);
  await end();
});

t.test('a hundred changes within 0.3 s are three passes at most, and the last one sees them all', async (t) => {
  const { clock, passes: work, made, end } = passes();
  await clock.advance(5_000);
  const before = made.length;
  for (let count = 0; count < 100; count++) {
    work.wake();
    await clock.advance(3);
  }
  await clock.advance(times.window);
  t.ok(made.length - before <= 3, `${made.length - before} passes`);
  t.ok(made.at(-1)!.at >= 5_297, 'one after the last change');
  t.ok(made.at(-1)!.at <= 5_297 + times.window);
  await end();
});

t.test('a change during a pass leads to another one', async (t) => {
  let release = () => {};
  const {
    clock,
    passes: work,
    made,
    end,
  } = passes((count) => new Promise<void>((resolve) => (count === 2 ? (release = resolve) : resolve())));
  await clock.advance(1_000);
  work.wake();
  await clock.advance(500);
  work.wake();
  await clock.advance(500);
  t.equal(made.length, 2, 'one at a time');
  release();
  await settle();
  t.equal(made.length, 3);
  await end();
});

t.test('a pass that fails is tried again after growing pauses, and its story is told', async (t) => {
  const { clock, made, story, end } = passes(async (count) => {
    if (count < 10) throw new Error('no leader');
  });
  await clock.advance(60_000);
  const pauses = made.slice(1, 10).map(({ at }, index) => at - made[index]!.at);
  t.same(pauses, [200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]);
  t.equal(story.length, 10);
  t.equal(story.at(-1), 'recovered after 9');
  await end();
});

t.test('wakes do not shorten the pause after a failure', async (t) => {
  const {
    clock,
    passes: work,
    made,
    end,
  } = passes(async () => {
    throw new Error('no');
  });
  for (let count = 0; count < 1000; count++) {
    work.wake();
    await clock.advance(10);
  }
  t.ok(made.length < 10, `${made.length} passes in 10 s`);
  await end();
});

t.test('who asks for a pass waits for one that begins afterwards, also when it fails', async (t) => {
  const {
    clock,
    passes: work,
    made,
    end,
  } = passes(async (count) => {
    if (count === 2) throw new Error('no');
  });
  await clock.advance(1_000);
  let done = false;
  void work.next().then(() => (done = true));
  await clock.advance(1);
  t.ok(done);
  t.equal(made.length, 2);
  const last = work.next();
  await end();
  await last;
});

t.test(
  'whatever changes come, each is followed by a pass within the window, and passes are that far apart',
  async (t) =>
    holds(
      t,
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 30 }), async (gaps) => {
        const { clock, passes: work, made, end } = passes();
        await clock.advance(1_000);
        const changes: number[] = [];
        for (const gap of gaps) {
          await clock.advance(gap);
          work.wake();
          changes.push(clock.monotonic());
        }
        await clock.advance(times.window);
        await end();
        const soon = changes.every((at) => made.some((pass) => pass.at >= at && pass.at <= at + times.window));
        const apart = made.slice(1).every(({ at }, index) => at - made[index]!.at >= times.window);
        return soon && apart;
      }),
      { numRuns: 40 },
    ),
);

t.test('pauses grow and have an end', async (t) => {
  t.equal(pauseAfter(1), times.firstPause);
  t.equal(pauseAfter(1_000_000), times.longestPause);
});
