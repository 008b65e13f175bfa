import t from 'tap';
import { retry } from '../../runner/common/retry';
import { handMadeClock } from './support';

const always = { worthIt: () => true };

t.test('an error that is not worth it is thrown at once', async (t) => {
  const clock = handMadeClock();
  let tries = 0;
  const work = async () => {
    tries++;
    throw new Error('for good');
  };
  await t.rejects(retry(work, { clock, limit: 1000, pause: 10, worthIt: () => false }), { message: 'for good' });
  t.equal(tries, 1);
  t.same(clock.slept, []);
});

t.test(
  'it gives up within its limit, with the last error, and pauses at most eight times the first pause',
  async (t) => {
    const clock = handMadeClock();
    let tries = 0;
    const told: number[] = [];
    const work = async () => {
      throw new Error(`try ${++tries}`);
    };
    const options = {
      ...always,
      clock,
      limit: 5000,
      pause: 100,
      onRetry: (_: unknown, count: number) => told.push(count),
    };
    await t.rejects(retry(work, options), { message: 'try 9' });
    t.same(clock.slept, [100, 200, 400, 800, 800, 800, 800, 800]);
    t.ok(clock.monotonic() <= 5000);
    t.same(told, [1, 2, 3, 4, 5, 6, 7, 8]);
  },
);

t.test('the time that the work itself takes counts', async (t) => {
  const clock = handMadeClock();
  let tries = 0;
  const work = async () => {
    tries++;
    await clock.sleep(900);
    throw new Error('slow');
  };
  await t.rejects(retry(work, { ...always, clock, limit: 1000, pause: 200 }), { message: 'slow' });
  t.equal(tries, 1);
});

t.test('a stop ends it: before a pause with the error, in a pause with the reason of the stop', async (t) => {
  const clock = handMadeClock();
  const stop = new AbortController();
  const work = async () => {
    stop.abort(new Error('stopped'));
    throw new Error('failed');
  };
  await t.rejects(retry(work, { ...always, clock, signal: stop.signal, limit: 1000, pause: 10 }), {
    message: 'failed',
  });
  const later = new AbortController();
  const fails = async () => {
    throw new Error('failed');
  };
  const onRetry = () => later.abort(new Error('stopped'));
  await t.rejects(retry(fails, { ...always, clock, signal: later.signal, limit: 1000, pause: 10, onRetry }), {
    message: 'stopped',
  });
});

t.test('the first success is the answer', async (t) => {
  const clock = handMadeClock();
  let tries = 0;
  const work = async () => {
    if (++tries < 3) throw new Error('not yet');
    return tries;
  };
  t.equal(await retry(work, { ...always, clock, limit: 1000, pause: 10 }), 3);
});
