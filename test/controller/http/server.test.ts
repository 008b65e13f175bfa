import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import axios from 'axios';
import t, { type Test } from 'tap';
import { Bundles } from '../../../runner/controller/bundles';
import { Access, readAccess } from '../../../runner/controller/http/access';
import { jsonAnswer, readJson } from '../../../runner/controller/http/answer';
import { Polls } from '../../../runner/controller/http/polls';
import { createServer, type Route } from '../../../runner/controller/http/server';
import { failureOf, testContext } from '../../common/support';

const tokens = { agent: 'agent-token-agent-token', reader: 'reader-token-reader-token' };

async function serve(t: Test, routes: Route[]) {
  const { log, told } = testContext();
  const server = createServer({ routes, access: new Access(tokens), log });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const client = (token?: string) =>
    axios.create({
      baseURL: `http://127.0.0.1:${port}`,
      validateStatus: () => true,
      proxy: false,
      ...(token ? { headers: { Authorization: `Bearer ${token}` } } : {}),
    });
  return { port, client, told };
}

const routes: Route[] = [
  { method: 'GET', path: '/open', handle: () => jsonAnswer('open') },
  { method: 'GET', path: '/read', role: 'reader', handle: () => jsonAnswer('read') },
  { method: 'GET', path: '/part/', role: 'agent', handle: ({ part }) => jsonAnswer(part) },
  {
    method: 'PUT',
    path: '/write',
    role: 'agent',
    handle: async ({ request }) => jsonAnswer(await readJson(request, 1000)),
  },
  {
    method: 'GET',
    path: '/breaks',
    role: 'reader',
    handle: () => {
      throw new Error('secret detail');
    },
  },
];

t.test('without the right token nothing is learned, not even what there is', async (t) => {
  const { client } = await serve(t, routes);
  const seen = new Set<string>();
  for (const token of [undefined, 'wrong', tokens.agent.slice(0, -1), `${tokens.reader}x`])
    for (const path of ['/read', '/nothing', '/part/x', '/part/', '/v1/../read', '/%zz']) {
      const { status, data, headers } = await client(token).get<unknown>(path);
      seen.add(JSON.stringify([status, data, headers['www-authenticate'], headers['content-length']]));
    }
  t.same([...seen], [JSON.stringify([401, {}, 'Bearer', '2'])]);
  t.equal((await client().get('/open')).status, 200, 'but what is open is open');
});

t.test('each role has its own addresses', async (t) => {
  const { client } = await serve(t, routes);
  t.equal((await client(tokens.reader).get('/read')).status, 200);
  t.equal((await client(tokens.agent).get('/read')).status, 403);
  t.equal((await client(tokens.reader).get('/part/x')).status, 403);
  t.equal((await client(tokens.agent).get('/part/a%20b')).data, 'a b');
  t.equal((await client(tokens.agent).get('/part/a/b')).status, 404);
  t.equal((await client(tokens.agent).get('/part/%zz')).status, 400);
});

t.test('other methods are refused, with those that are known', async (t) => {
  const { client } = await serve(t, routes);
  for (const method of ['HEAD', 'POST', 'DELETE', 'PUT']) {
    const { status, headers } = await client(tokens.reader).request({ method, url: '/read' });
    t.match([status, headers.allow], [405, 'GET'], method);
  }
});

t.test('a body that is too long or no JSON is refused', async (t) => {
  const { client } = await serve(t, routes);
  t.same((await client(tokens.agent).put('/write', { a: 1 })).data, { a: 1 });
  t.equal((await client(tokens.agent).put('/write', 'x'.repeat(1001))).status, 413);
  t.match((await client(tokens.agent).put('/write', 'no json')).data, { error: /not JSON/ });
});

t.test('a body without an announced length is cut off', async (t) => {
  const { port } = await serve(t, routes);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString())).on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write(
      `PUT /write HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${tokens.agent}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    socket.write(`7d0\r\n${'x'.repeat(2000)}\r\n`);
  });
  t.match(answer, /^HTTP\/1\.1 413 /);
});

t.test('a defect is told to the log and not to the client', async (t) => {
  const { client, told } = await serve(t, routes);
  const { status, data } = await client(tokens.reader).get<unknown>('/breaks');
  t.equal(status, 500);
  t.notMatch(JSON.stringify(data), /secret detail/);
  t.match(told(), /secret detail/);
});

t.test('tokens are read from files; weak, missing or equal ones are an error', async (t) => {
  const folder = t.testdir({ good: 'a'.repeat(32), other: `${'b'.repeat(32)}\n`, short: 'abc', empty: '' });
  const files = (agent: string, reader: string) => ({ agent: `${folder}/${agent}`, reader: `${folder}/${reader}` });
  const context = testContext();
  await readAccess(files('good', 'other'), context);
  t.equal(context.masker(`a ${'b'.repeat(32)}`), 'a ****', 'they are masked from then on');
  for (const pair of [files('short', 'good'), files('good', 'empty'), files('good', 'missing'), files('good', 'good')])
    t.equal((await failureOf(() => readAccess(pair, testContext()))).code, 'SECRET_MISSING');
});

const published = () => {
  const bundles = new Bundles(() => 0);
  const publish = (text: string) => bundles.publish('haproxy', '', { 'haproxy.cfg': text }, new Map(), []);
  const poll = (have: string, wait = 60_000) => ({ of: bundles.polled('haproxy', ''), have, wait });
  return { bundles, publish, poll, polls: new Polls() };
};
const revisionIn = (body: string | undefined) => (JSON.parse(body ?? '{}') as { revision: string }).revision;

t.test('an agent that has another revision gets the bundle at once, one that has it waits for the next', async (t) => {
  const { bundles, publish, poll, polls } = published();
  publish('one');
  const gone = new AbortController().signal;
  const { revision } = bundles.get('haproxy', '')!;
  t.equal(revisionIn((await polls.answer(poll(''), gone)).body), revision);
  const waiting = Array.from({ length: 100 }, () => polls.answer(poll(revision), gone));
  t.equal(polls.count, 100);
  t.notOk(publish('one'), 'the same is not news');
  publish('two');
  const answers = await Promise.all(waiting);
  t.ok(answers.every(({ status, body }) => status === 200 && revisionIn(body) !== revision));
  t.equal(polls.count, 0);
});

t.test('a wait has an end, the number of those who wait too, and who has gone is forgotten', async (t) => {
  const { bundles, publish, poll, polls } = published();
  publish('one');
  const { revision } = bundles.get('haproxy', '')!;
  const leaving = new AbortController();
  t.equal((await polls.answer(poll(revision, 10), leaving.signal)).status, 304);
  t.equal((await polls.answer(poll(revision, 0), leaving.signal)).status, 304);
  const waiting = Array.from({ length: 1000 }, () => polls.answer(poll(revision), leaving.signal));
  await t.rejects(polls.answer(poll(revision), leaving.signal), { message: /1000 agents wait already/ });
  leaving.abort(new Error('gone'));
  await Promise.all(waiting);
  t.equal(polls.count, 0);
});

t.test('at the end all who wait are sent away', async (t) => {
  const { bundles, publish, poll, polls } = published();
  publish('one');
  const waiting = polls.answer(poll(bundles.get('haproxy', '')!.revision), new AbortController().signal);
  polls.end();
  t.match(await waiting, { status: 503, headers: { Connection: 'close' } });
  t.match(await polls.answer(poll(''), new AbortController().signal), { status: 503 });
});
