import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { killHard } from './child';
import { serverFolders, trigger } from './killed-server';
import { isAlive } from './running-build';
import { ended, until, type BuildJson } from './support';

t.test('recovery', async (t) => {
  const folderFor = await serverFolders(t);

  await t.test('what a crash can leave on disk', async (t) => {
    const folder = folderFor(t);
    const builds = path.join(folder.data, 'jobs/service-scale/builds');
    const item = (id: number, job = 'service-scale') => ({
      id,
      job,
      parameters: { mode: '', service: `i${id}` },
      causes: [{ kind: 'user', user: 'x' }],
      since: 1,
      due: 1,
    });
    const write = (name: string, content: unknown) => {
      mkdirSync(path.dirname(path.join(folder.data, name)), { recursive: true });
      writeFileSync(path.join(folder.data, name), typeof content === 'string' ? content : JSON.stringify(content));
    };
    write('queue/1.json', item(1));
    write('jobs/service-scale/nextBuildNumber', '9');
    write('jobs/service-scale/builds/7/build.json', { ...item(1), number: 7, queueId: 1, cookie: 'c', started: 1 });
    write('jobs/service-scale/builds/8/log', 'of a build without a record');
    write('queue/2.json.12345678.tmp', '{');
    write('queue/3.json', '{"id":3,');
    write('queue/4.json', item(4, 'gone'));
    write('queue/note.txt', 'not ours');
    const server = await folder.start();
    const started = await until(async () => {
      const { status, data } = await server.client.get<BuildJson>('job/service-scale/lastBuild/api/json');
      return status === 200 ? data : undefined;
    });
    t.equal(started.queueId, 1, 'an item that had not left the queue starts again');
    t.equal(started.number, 9, 'under a number that was never given');
    await ended(server.client, 'service-scale', started.number);
    t.equal(folder.records().length, 1);
    t.same(readdirSync(path.join(folder.data, 'queue')).sort(), ['3.json.unreadable', '4.json', 'note.txt']);
    t.match(server.output(), /3\.json cannot be read and is set aside/);
    t.match(server.output(), /queue item 4 waits for the job 'gone'/);
    t.notOk(existsSync(path.join(builds, '7')));
    t.notOk(existsSync(path.join(builds, '8')), 'a build without a record');
    await killHard(server);
  });

  await t.test('two servers do not share a folder; a killed one does not keep it', async (t) => {
    const folder = folderFor(t);
    const first = await folder.start();
    const second = folder.spawn('--listen', '127.0.0.1:0');
    t.same(await second.ended, [7, null]);
    t.match(second.output(), /error JOBS_LOCKED: another job server uses the data folder/);
    t.equal((await trigger(first, '')).status, 201, 'the first goes on');
    await killHard(first);
    await killHard(await folder.start());
  });

  await t.test('an address in use and a folder that cannot be written', async (t) => {
    const folder = folderFor(t);
    const first = await folder.start();
    const port = new URL(first.client.defaults.baseURL!).port;
    const other = folderFor(t);
    const second = other.spawn('--listen', `127.0.0.1:${port}`);
    t.same(await second.ended, [8, null]);
    t.match(second.output(), /error JOBS_LISTEN[^]*EADDRINUSE/);
    const third = folder.spawn('--data', '/proc/none');
    t.same(await third.ended, [2, null], 'an option given twice');
    writeFileSync(other.data + '-file', '');
    const blocked = folderFor(path.join(other.folder, 'more'));
    writeFileSync(blocked.data, 'a file');
    const fourth = blocked.spawn('--listen', '127.0.0.1:0');
    t.same(await fourth.ended, [8, null]);
    t.match(fourth.output(), /error JOBS_STORE: the data folder/);
    await killHard(first);
  });

  await t.test('SIGTERM ends the server with 143 in less than five seconds', async (t) => {
    const folder = folderFor(t);
    const server = await folder.start();
    await trigger(server, 'mode=stubborn');
    const { pid } = await until(() => folder.records()[0]);
    await trigger(server, 'service=waiting');
    const before = Date.now();
    server.child.kill('SIGTERM');
    t.same(await server.ended, [143, null]);
    t.ok(Date.now() - before < 5000);
    t.notOk(isAlive(pid));
    t.match(server.output(), /service-scale #1 ended: ABORTED[^]*stopped while these jobs ran: service-scale/);
    const next = await folder.start();
    t.equal((await ended(next.client, 'service-scale', 2)).result, 'SUCCESS', 'what waited runs after the next start');
    t.match(next.output(), /1 builds? waits? in the queue/);
    await killHard(next);
  });
});
