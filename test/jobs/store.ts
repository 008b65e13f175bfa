import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { writeDurably } from '../../runner/jobs/durable';
import { JobStore } from '../../runner/jobs/store';
import { ended, startServer, testContext, until } from './support';

const yaml = `
keep: { builds: 2 }
jobs:
  service-scale:
    command: scale
    environment: { RECORD: $RECORD }
    parameters: { mode: {}, service: {} }
`;
const trigger = 'job/service-scale/buildWithParameters';

t.test('a file is replaced whole or not at all', async (t) => {
  const folder = t.testdir({ file: 'old' });
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => writeDurably(path.join(folder, 'file'), String(index).repeat(1000))),
  );
  t.same(readdirSync(folder), ['file'], 'nothing temporary stays');
  await t.rejects(writeDurably(path.join(folder, 'none/file'), 'x'), { code: 'ENOENT' });
  mkdirSync(path.join(folder, 'target'));
  await t.rejects(writeDurably(path.join(folder, 'target'), 'x'));
  t.same(readdirSync(folder).sort(), ['file', 'target']);
});

t.test('ids and numbers are never given twice', async (t) => {
  const folder = t.testdir();
  const { log } = testContext(folder);
  const first = await JobStore.open(folder, log);
  const ids = await Promise.all(Array.from({ length: 2500 }, () => first.takeQueueId()));
  t.equal(new Set(ids).size, 2500);
  const second = await JobStore.open(folder, log);
  t.ok((await second.takeQueueId()) > Math.max(...ids));
  t.equal(await first.takeBuildNumber('a'), 1);
  t.equal(await second.takeBuildNumber('a'), 2);
  mkdirSync(path.join(folder, 'jobs/a/builds/40'), { recursive: true });
  rmSync(path.join(folder, 'jobs/a/nextBuildNumber'));
  t.equal(await second.takeBuildNumber('a'), 41, 'even when the file that counts is lost');
});

t.test('old builds are discarded, and their numbers stay used', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client();
  for (const [index, mode] of ['ok', 'fail', 'fail', 'fail'].entries()) {
    await client.post(`${trigger}?mode=${mode}`);
    await ended(client, 'service-scale', index + 1);
  }
  const numbers = async (who = client) =>
    (await who.get('job/service-scale/api/json')).data.builds.map(
      ({ number }: { number: number }) => number,
    ) as number[];
  await until(async () => (await numbers()).length === 3);
  t.same(await numbers(), [4, 3, 1], 'the last good one stays');
  t.same(readdirSync(path.join(server.data, 'jobs/service-scale/builds')).sort(), ['1', '3', '4']);
  t.equal((await client.get('job/service-scale/2/consoleText')).status, 404);
  const next = await server.restart();
  await (await next.client()).post(trigger);
  t.equal((await ended(await next.client(), 'service-scale', 5)).number, 5);
});

t.test('a queue that cannot be written confirms nothing', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client();
  const queue = path.join(server.data, 'queue');
  rmSync(queue, { recursive: true });
  writeFileSync(queue, '');
  t.same(
    (await Promise.all([client.post(trigger), client.post(trigger)])).map(({ status }) => status),
    [500, 500],
  );
  t.match(server.logged(), /error: a request failed: ENOTDIR/);
  t.equal((await client.get('queue/api/json')).data.items.length, 0);
  rmSync(queue);
  mkdirSync(queue);
  t.equal((await client.post(trigger)).status, 201, 'and goes on when it can be written again');
  t.equal((await ended(client, 'service-scale', 1)).result, 'SUCCESS');
  t.equal(server.records().length, 1);
});

t.test('a request that cannot join for a full disk does not harm the item that waits', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client();
  const other = await server.client('*:build', 'other');
  t.equal((await client.post(`${trigger}?delay=2sec`)).status, 201);
  const queue = path.join(server.data, 'queue');
  const [name] = readdirSync(queue);
  const content = readFileSync(path.join(queue, name!), 'utf8');
  rmSync(queue, { recursive: true });
  writeFileSync(queue, '');
  t.equal((await other.post(`${trigger}?delay=2sec`)).status, 500);
  rmSync(queue);
  mkdirSync(queue);
  writeFileSync(path.join(queue, name!), content);
  t.equal((await ended(client, 'service-scale', 1)).result, 'SUCCESS');
  t.same(readdirSync(queue), []);
});
