import t from 'tap';
import { systemClock } from '../../runner/common/clock';

t.test('a wait longer than a timer can hold does not end at once', async (t) => {
  const stop = new AbortController();
  const ended = systemClock.sleep(60 * 86_400_000, stop.signal).then(
    () => 'over',
    () => 'stopped',
  );
  await systemClock.sleep(50);
  stop.abort(new Error('enough'));
  t.equal(await ended, 'stopped');
});

t.test('a wait ends with the reason of the signal, also one that was aborted before', async (t) => {
  const reason = new Error('enough');
  await t.rejects(systemClock.sleep(1000, AbortSignal.abort(reason)), reason);
});
