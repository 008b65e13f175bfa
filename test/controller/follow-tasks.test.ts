import t from 'tap';
import { setImmediate } from 'node:timers/promises';
import { pauseAfter, TaskFollower } from '../../runner/controller/follow-tasks';
import { realContext } from '../lab/context';

t.test('looks take a hundredth of the time at most, and come each second where they are cheap', (t) => {
  t.equal(pauseAfter(1), 1000);
  t.equal(pauseAfter(30), 3000);
  t.equal(pauseAfter(5000), 10_000);
  t.end();
});

t.test('a change is looked at once, and one that comes during a look is not missed', async (t) => {
  const ending = new AbortController();
  let slept = 0;
  // Nobody but a change ends a pause.
  const clock = {
    now: () => new Date(),
    monotonic: () => 0,
    sleep: (_milliseconds: number, signal?: AbortSignal) => {
      slept += 1;
      return new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
    },
  };
  let looks = 0;
  let during = () => undefined as void;
  const follower = new TaskFollower(
    async () => {
      looks += 1;
      during();
      return Promise.resolve();
    },
    { ...realContext(), clock, signal: ending.signal },
  );
  const turns = async () => {
    for (let turn = 0; turn < 10; turn++) await setImmediate();
  };
  follower.soon();
  const running = follower.run();
  await turns();
  t.equal(looks, 0, 'nobody wants to know');
  follower.want();
  await turns();
  t.equal(looks, 1);
  follower.want();
  await turns();
  t.equal(looks, 1, 'who only wants to know waits for the next look');
  follower.soon();
  await turns();
  t.equal(looks, 2);
  during = () => {
    during = () => undefined;
    follower.soon();
  };
  follower.soon();
  await turns();
  t.equal(looks, 4);
  t.equal(slept, 4);
  ending.abort();
  await running;
});
