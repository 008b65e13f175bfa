import t from 'tap';
import { consoleOf, ended } from './support';
import { isAlive, serverWith, start } from './running-build';

t.test('stop ends the build with SIGTERM, then the idempotent clean-up runs', async (t) => {
  const { server, client } = await serverWith(t, 'slow');
  await client.post('job/shop/build');
  await start(server);
  const stopped = await client.post('job/shop/1/stop');
  t.same([stopped.status, stopped.headers.location], [302, `${server.url}job/shop/1/`]);
  await client.post('job/shop/lastBuild/stop');
  t.equal((await ended(client, 'shop')).result, 'ABORTED');
  t.equal(server.records('SIGTERM').length, 1, 'a second stop is no second signal');
  t.same(
    server.records().map(({ args }) => args),
    [
      ['pipeline', '--build', '1'],
      ['cleanup', '--build', '1'],
    ],
  );
  t.notOk('HOMEOSTAT_RESULT' in server.records()[1]!.env, 'the clean-up does not write over the result');
  t.match(
    await consoleOf(client, 'shop'),
    /Aborted by tester\n\+ homeostat cleanup --build 1\nall is well\nFinished: ABORTED\n$/,
  );
  t.equal((await client.post('job/shop/1/stop')).status, 302, 'one that has ended stays as it is');
  t.equal((await client.post('job/shop/7/stop')).status, 404);
  t.equal((await client.get('job/shop/1/stop')).status, 405);
});

t.test('a build that ignores SIGTERM is killed after five seconds', async (t) => {
  const { server, client } = await serverWith(t, 'stubborn');
  await client.post('job/shop/build');
  const { pid } = await start(server);
  const before = Date.now();
  await client.post('job/shop/1/stop');
  t.equal((await ended(client, 'shop')).result, 'ABORTED');
  const took = Date.now() - before;
  t.ok(took > 4900 && took < 8000, `it took ${took} ms`);
  t.notOk(isAlive(pid));
  t.equal(server.records().at(-1)!.args[0], 'cleanup');
});

t.test('a build that takes too long is stopped', async (t) => {
  const { client } = await serverWith(t, 'slow', 'timeout: 1s');
  await client.post('job/shop/build');
  t.equal((await ended(client, 'shop')).result, 'ABORTED');
  t.match(await consoleOf(client, 'shop'), /Timeout of 1\.0s has been exceeded/);
});

t.test('a clean-up that fails is told, and the job goes on', async (t) => {
  const { server, client } = await serverWith(t, 'crash', '#');
  await client.post('job/shop/build');
  t.equal((await ended(client, 'shop')).result, 'FAILURE', 'killed from outside');
  t.equal(server.records().at(-1)!.args[0], 'cleanup', 'it could not clean up itself');
  const failing = await serverWith(t, 'crash, CLEANUP_MODE: fail');
  await failing.client.post('job/shop/build');
  await ended(failing.client, 'shop');
  t.match(await consoleOf(failing.client, 'shop'), /The clean-up failed: it ended with 3\nFinished: FAILURE/);
  t.match(failing.server.logged(), /warning: the clean-up of shop #1 failed/);
  await failing.client.post('job/shop/build');
  t.equal((await ended(failing.client, 'shop', 2)).result, 'FAILURE');
});
