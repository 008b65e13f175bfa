import { createServer } from 'node:http';
import { appendFileSync, chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { extract, type Header } from 'tar-stream';
import { connectEngine } from '../../runner/common/engine';
import { buildImage } from '../../runner/image/build';
import { planContext, streamContext } from '../../runner/image/context-stream';
import { failureOf, testContext } from '../common/support';

interface Sent extends Header {
  content: string;
}

async function unpack(stream: Readable): Promise<Record<string, Sent>> {
  const sent: Record<string, Sent> = {};
  const reader = extract();
  const collect = async () => {
    for await (const entry of reader) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      sent[entry.header.name] = { ...entry.header, content: Buffer.concat(chunks).toString() };
    }
  };
  const failed = new Promise<never>((_, reject) => stream.once('error', reject));
  stream.pipe(reader);
  await Promise.race([collect(), failed]);
  return sent;
}
const send = async (folder: string, context = '.', dockerfile = 'Dockerfile') =>
  unpack(streamContext(await planContext(folder, context, dockerfile)));
const names = (sent: Record<string, Sent>) => Object.keys(sent).sort();

t.test('a missing folder or Dockerfile, or one that is something else, is told with the place', async (t) => {
  const folder = t.testdir({ file: '', 'dir/Dockerfile': {}, gone: t.fixture('symlink', 'nowhere') });
  const table: [string, string, string][] = [
    ['nowhere', 'Dockerfile', "build.context 'nowhere' is not a folder"],
    ['file', 'Dockerfile', "build.context 'file' is not a folder"],
    ['.', 'Dockerfile', "build.dockerfile 'Dockerfile' does not exist"],
    ['.', 'gone', "build.dockerfile 'gone' does not exist"],
    ['.', 'dir', "build.dockerfile 'dir' is not a file"],
  ];
  for (const [context, dockerfile, message] of table) {
    const error = await failureOf(() => planContext(folder, context, dockerfile));
    t.match(error, { code: 'CONFIG_INVALID', message, causeText: new RegExp(`looked for ${folder}`) });
  }
});

t.test('a .dockerignore that cannot be read is told: without it too much would be sent', async (t) => {
  const folder = t.testdir({ Dockerfile: '', '.dockerignore': {} });
  t.match(await failureOf(() => planContext(folder, '.', 'Dockerfile')), {
    code: 'CONFIG_INVALID',
    causeText: /EISDIR/,
  });
});

/** Runs the work as a user who may not read everything; as root every file can be read. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid!() !== 0) return work();
  process.seteuid!(65534);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}

t.test('a file or folder that may not be read fails the stream, by name', async (t) => {
  for (const locked of ['secret.key', 'locked']) {
    const folder = t.testdir({ Dockerfile: 'FROM x', 'secret.key': 'x', locked: { file: '' }, 'z.txt': 'z' });
    for (let above = folder; above !== '/'; above = path.dirname(above))
      if (above.startsWith(process.cwd())) chmodSync(above, 0o755);
    chmodSync(path.join(folder, locked), 0);
    const error = await asNobody(() => failureOf(() => send(folder)));
    chmodSync(path.join(folder, locked), 0o755);
    t.match(error, { code: 'BUILD_FAILED', message: `'${locked}' of the build context could not be read whole` });
  }
});

t.test('a file that shrinks while it is sent fails the stream; one that grows is cut', async (t) => {
  const folder = t.testdir({ Dockerfile: 'FROM x' });
  const file = path.join(folder, 'a.log');
  const size = 4 * 1024 * 1024;
  writeFileSync(file, Buffer.alloc(size));
  const plan = await planContext(folder, '.', 'Dockerfile');
  const change = async (how: () => void) => {
    const stream = streamContext(plan);
    let read = 0;
    let changed = false;
    for await (const chunk of stream) {
      read += (chunk as Buffer).length;
      if (read > 100_000 && !changed) how();
      changed ||= read > 100_000;
    }
    return read;
  };
  t.ok((await change(() => appendFileSync(file, 'x'.repeat(100_000)))) < size + 10_000);
  const error = await failureOf(() => change(() => truncateSync(file, 1000)));
  t.match(error, { code: 'BUILD_FAILED', message: /'a\.log'/, causeText: /size/i });
});

t.test('a context that breaks off ends the build with its error, not the process', async (t) => {
  const folder = t.testdir({ Dockerfile: 'FROM x' });
  const file = path.join(folder, 'a.log');
  writeFileSync(file, Buffer.alloc(8 * 1024 * 1024));
  const server = createServer((request) => {
    let read = 0;
    request.on('data', (chunk: Buffer) => {
      read += chunk.length;
      if (read > 100_000) truncateSync(file, 10);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => (server.closeAllConnections(), server.close()));
  const context = testContext({
    env: { DOCKER_HOST: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` },
    cwd: folder,
  });
  const plan = { image: 'x', context: '.', dockerfile: 'Dockerfile', args: {}, labels: {}, secrets: {} };
  const options = { noCache: false, pull: false, builder: 'classic' as const };
  const error = await failureOf(() => buildImage(connectEngine(context), { ...plan, ...options }, {}, context));
  t.match(error, { code: 'BUILD_FAILED', message: /'a\.log' of the build context/ });
});

t.test('everything is sent as it is: empty files and folders, modes, links, long and odd names', async (t) => {
  const folder = t.testdir({ Dockerfile: 'FROM x', empty: '', void: {}, 'run.sh': '#!/bin/sh\n' });
  chmodSync(path.join(folder, 'run.sh'), 0o750);
  symlinkSync('../outside', path.join(folder, 'link'));
  symlinkSync('.', path.join(folder, 'circle'));
  const long = `${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(120)}.txt`;
  mkdirSync(path.join(folder, path.dirname(long)), { recursive: true });
  for (const name of [long, 'grüße 日本.txt', 'new\nline', "it's", '-n', 'back\\slash'])
    writeFileSync(path.join(folder, name), name);
  const sent = await send(folder);
  t.match(sent.empty, { type: 'file', size: 0 });
  t.match(sent['void/'], { type: 'directory' });
  t.equal(sent['run.sh']!.mode! & 0o777, 0o750);
  t.match(sent.link, { type: 'symlink', linkname: '../outside' });
  t.match(sent.circle, { type: 'symlink', linkname: '.' });
  for (const name of [long, 'grüße 日本.txt', 'new\nline', "it's", '-n', 'back\\slash'])
    t.equal(sent[name]?.content, name);
  t.equal(names(sent).length, 14);
});

t.test('the same folder gives the same names in the same order', async (t) => {
  const folder = t.testdir({ b: '', a: { z: '', y: '' }, Dockerfile: '', c: '' });
  t.same(Object.keys(await send(folder)), ['Dockerfile', 'a/', 'a/y', 'a/z', 'b', 'c']);
});

const ignoring = async (t: Test, text: string, dockerfile = 'Dockerfile') => {
  const files = { a: '', 'b.log': '', 'temp.txt': '', sub: { a: '', 'b.log': '', deep: { 'b.log': '', keep: '' } } };
  const folder = t.testdir({ ...files, Dockerfile: 'FROM x', build: { Dockerfile: 'FROM y' }, '.dockerignore': text });
  return names(await send(folder, '.', dockerfile)).filter((name) => !/^(build|\.dockerignore|Dockerfile)/.test(name));
};

t.test('.dockerignore leaves out what docker leaves out', async (t) => {
  const all = ['a', 'b.log', 'sub/', 'sub/a', 'sub/b.log', 'sub/deep/', 'sub/deep/b.log', 'sub/deep/keep', 'temp.txt'];
  const without = (...some: string[]) => all.filter((name) => !some.includes(name));
  const logs = ['b.log', 'sub/b.log', 'sub/deep/b.log'];
  const table: [string, string[]][] = [
    ['', all],
    ['# a comment\n\n   \n', all],
    ['a', without('a')],
    ['/a', without('a')],
    ['./a', without('a')],
    ['a/', without('a')],
    ['\ufeffa\r\n  temp.txt  \r\n', without('a', 'temp.txt')],
    ['*.log', without('b.log')],
    ['**/*.log', without(...logs)],
    ['*/*.log', without('sub/b.log')],
    ['temp.???', without('temp.txt')],
    ['sub', ['a', 'b.log', 'temp.txt']],
    ['sub\n!sub/deep/keep', ['a', 'b.log', 'sub/deep/keep', 'temp.txt']],
    ['**/*.log\n!b.log', without('sub/b.log', 'sub/deep/b.log')],
    ['!a\na', without('a')],
    ['*', []],
  ];
  for (const [text, expected] of table) t.same(await ignoring(t, text), expected, JSON.stringify(text));
});

t.test('the Dockerfile is sent though it is ignored, from wherever it lies', async (t) => {
  const folder = t.testdir({
    app: { a: '', '.dockerignore': '*', Dockerfile: 'FROM inside', build: { Dockerfile: 'FROM deep', b: '' } },
    Dockerfile: 'FROM outside',
    linked: t.fixture('symlink', 'Dockerfile'),
  });
  t.same(names(await send(folder, 'app')), ['.dockerignore', 'Dockerfile']);
  t.same(names(await send(folder, 'app', 'build/Dockerfile')), ['.dockerignore', 'build/Dockerfile']);
  for (const dockerfile of ['../Dockerfile', path.join(folder, 'Dockerfile'), '../linked']) {
    const plan = await planContext(folder, 'app', dockerfile);
    const sent = await unpack(streamContext(plan));
    t.match(sent[plan.dockerfile], { type: 'file', content: 'FROM outside' }, dockerfile);
  }
});

t.test('<Dockerfile>.dockerignore goes before .dockerignore', async (t) => {
  const folder = t.testdir({ a: '', b: '', Dockerfile: '', '.dockerignore': 'a', 'Dockerfile.dockerignore': 'b' });
  t.same(names(await send(folder)), ['.dockerignore', 'Dockerfile', 'Dockerfile.dockerignore', 'a']);
});

t.test('a context behind a link is followed', async (t) => {
  const folder = t.testdir({ real: { Dockerfile: '', a: '' }, link: t.fixture('symlink', 'real') });
  t.same(names(await send(folder, 'link')), ['Dockerfile', 'a']);
});

t.test('a large context is not held in memory', async (t) => {
  const folder = t.testdir({ Dockerfile: '' });
  const size = 300 * 1024 * 1024;
  writeFileSync(path.join(folder, 'large'), '');
  truncateSync(path.join(folder, 'large'), size);
  const stream = streamContext(await planContext(folder, '.', 'Dockerfile'));
  const start = process.memoryUsage().rss;
  let most = 0;
  let read = 0;
  for await (const chunk of stream) {
    read += (chunk as Buffer).length;
    most = Math.max(most, process.memoryUsage().rss - start);
  }
  t.ok(read > size);
  t.ok(most < 100e6, `it took ${Math.round(most / 1e6)} MB`);
});

t.test('a reader that goes away ends it quietly', async (t) => {
  const folder = t.testdir({ Dockerfile: '' });
  writeFileSync(path.join(folder, 'large'), Buffer.alloc(4 * 1024 * 1024));
  const stream = streamContext(await planContext(folder, '.', 'Dockerfile'));
  for await (const _chunk of stream) break;
  t.ok(stream.destroyed);
});
