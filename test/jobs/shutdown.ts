import t from 'tap';
import { consoleOf, ended, until } from './support';
import { isAlive, serverWith, start } from './running-build';

t.test('when the server ends, running builds are settled quickly and cleaned up at the next start', async (t) => {
  const { server, client } = await serverWith(t, 'stubborn');
  await client.post('job/shop/build');
  const { pid } = await start(server);
  const before = Date.now();
  await server.close();
  t.ok(Date.now() - before < 4000, 'within the five seconds that a stop may take');
  t.notOk(isAlive(pid));
  t.same(
    server.records().map(({ args }) => args[0]),
    ['pipeline'],
    'no time for a clean-up',
  );
  const next = await server.restart();
  const build = await ended(await next.client(), 'shop');
  t.equal(build.result, 'ABORTED');
  await until(() => next.records().length === 2);
  t.same(next.records()[1]!.args, ['cleanup', '--build', '1']);
  t.match(await consoleOf(await next.client(), 'shop'), /The job server was stopped\.\n[^]*Finished: ABORTED/);
});
