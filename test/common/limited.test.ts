import t from 'tap';
import { limited } from '../../runner/common/limited';

const until = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

t.test('what takes too long is ended with a TimeoutError', async (t) => {
  await t.rejects(limited(undefined, 20, until), { name: 'TimeoutError', message: 'no answer within 0.02 s' });
});

t.test('who goes ends it with his own reason, also when he had gone before', async (t) => {
  const leaving = new AbortController();
  const work = limited(leaving.signal, 60_000, until);
  leaving.abort(new Error('gone'));
  await t.rejects(work, { message: 'gone' });
  t.equal(await limited(leaving.signal, 0, (signal) => Promise.resolve(signal.aborted)), true);
});

t.test('nothing stays behind: the outer signal knows of no work that has ended', async (t) => {
  const outer = new AbortController();
  let inner: AbortSignal | undefined;
  const result = await limited(outer.signal, 60_000, (signal) => {
    inner = signal;
    return Promise.resolve('done');
  });
  outer.abort(new Error('later'));
  t.equal(result, 'done');
  t.equal(inner!.aborted, false);
});
