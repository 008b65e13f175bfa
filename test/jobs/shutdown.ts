import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { consoleOf, ended, repositoryIn, startServer, temporaryFolder, until, type TestServer } from './support';

const yaml = (url: string, more = '') => `
jobs:
  shop:
    repository: ${url}
    environment: { RECORD: $RECORD, MODE: MODE_OF_JOB }
    ${more}
`;

const serverWith = async (test: Parameters<typeof startServer>[0], mode: string, more = '') => {
  const folder = temporaryFolder(test);
  const { url } = repositoryIn(folder);
  const server = await startServer(test, yaml(url, more).replace('MODE_OF_JOB', mode), folder);
  return { server, client: await server.client() };
};

const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
const start = (server: TestServer) => until(() => server.records().find(({ args }) => args[0] === 'pipeline'));

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
