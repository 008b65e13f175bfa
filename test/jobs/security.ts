import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import t from 'tap';
import { ended, rawClient, startServer, until, type TestServer } from './support';

const yaml = `
jobs:
  service-scale:
    command: scale
    environment: { RECORD: $RECORD }
    parameters: { service: {}, mode: {} }
  other:
    command: status
    environment: { RECORD: $RECORD }
`;

const trigger = 'job/service-scale/buildWithParameters';
const challenge = 'Basic realm="Jenkins"';

t.test('who may not come in', async (t) => {
  const server = await startServer(t, yaml);
  const anonymous = rawClient(server.url);
  for (const address of [trigger, 'job/unknown/build', 'job/service-scale/1/stop'])
    t.equal((await anonymous.post(address)).status, 403, `anonymous POST ${address}`);
  for (const address of [
    '',
    'api/json',
    'job/service-scale/api/json',
    'crumbIssuer/api/json',
    'queue/item/1/api/json',
    'nothing',
  ])
    t.equal((await anonymous.get(address)).status, 403, `anonymous GET ${address}`);
  const { auth } = (await server.client()).defaults;
  const wrong = [
    rawClient(server.url, 'tester', 'wrong'),
    rawClient(server.url, 'other', auth!.password),
    rawClient(server.url, 'tester', `${auth!.password}x`),
    rawClient(server.url, 'tester', ''),
  ];
  for (const client of wrong) {
    const answer = await client.post(trigger);
    t.same([answer.status, answer.headers['www-authenticate']], [401, challenge]);
  }
  for (const authorization of ['Bearer', 'Bearer x', 'Basic', 'Basic %%%', 'Basic Og==', 'Digest x', auth!.password])
    t.equal((await anonymous.post(trigger, '', { headers: { authorization } })).status, 401, authorization);
  const bearer = await anonymous.post(trigger, '', { headers: { authorization: `Bearer ${auth!.password}` } });
  t.equal(bearer.status, 201, 'a bearer token is fine');

  const hook = async (query: string) =>
    (await anonymous.post(`git/notifyCommit?url=https://x.example/y${query}`)).status;
  t.equal(await hook(''), 401, 'notifyCommit without a token');
  t.equal(await hook('&token='), 401);
  t.equal(await hook('&token=wrong'), 403, 'with a wrong one');
  t.equal(await hook(`&token=${auth!.password}`), 200);
});

t.test('rights of a user, job by job', async (t) => {
  const server = await startServer(t, yaml);
  const scaler = await server.client('service-scale:build', 'alertmanager');
  t.equal((await scaler.post(`${trigger}?mode=slow`)).status, 201);
  await until(async () => (await scaler.get('job/service-scale/1/api/json')).status === 200);
  t.equal((await scaler.get('job/service-scale/1/consoleText')).status, 200, 'who may build may read');
  t.equal((await scaler.post('job/service-scale/1/stop')).status, 403, 'but not stop');
  t.equal((await scaler.post('job/other/build')).status, 404, 'other jobs are not there for him');
  t.equal((await scaler.get('job/other/api/json')).status, 404);
  t.same(
    (await scaler.get('api/json')).data.jobs.map(({ name }: { name: string }) => name),
    ['service-scale'],
  );
  const reader = await server.client('*:read', 'reader');
  t.equal((await reader.post(trigger)).status, 403);
  t.equal((await reader.get('api/json')).data.jobs.length, 2);
  const stopper = await server.client('*:stop', 'stopper');
  t.equal((await stopper.post(trigger)).status, 403);
  t.equal((await stopper.post('job/service-scale/1/stop')).status, 302);
  t.equal((await ended(reader, 'service-scale')).result, 'ABORTED');
  const nobody = await server.client('none:read', 'nobody');
  t.equal((await nobody.get('queue/item/1/api/json')).status, 404, 'nor do items of other jobs show');
  t.equal((await nobody.get('queue/api/json')).data.items.length, 0);
});

t.test('tokens are hashed, private, and never in a log', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client();
  const token = client.defaults.auth!.password;
  t.match(token, /^homeostat_[0-9a-f]{40}$/);
  const file = path.join(server.data, 'tokens.json');
  t.equal(statSync(file).mode & 0o777, 0o600);
  await client.post(`${trigger}?token=${token}`);
  await ended(client, 'service-scale');
  await client.get(`git/notifyCommit?url=x&token=${token}`);
  for (const name of readdirSync(server.data, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    t.notOk(readFileSync(path.join(name.parentPath, name.name), 'utf8').includes(token), name.name);
  }
  t.notOk(server.logged().includes(token));
  const good = readFileSync(file, 'utf8');
  writeFileSync(file, '{ broken');
  t.equal((await client.get('api/json')).status, 200, 'a broken file leaves the last good tokens in force');
  t.match(server.logged(), /tokens are used as they were/);
  writeFileSync(file, JSON.stringify(JSON.parse(good).filter(({ user }: { user: string }) => user !== 'tester')));
  t.equal((await client.get('api/json')).status, 401, 'a token that is taken out is void at once');
});

t.test('addresses that try to get out', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client();
  const raw = (address: string) =>
    new Promise<number>((resolve, reject) => {
      const { username, password } = client.defaults.auth!;
      http
        .get(server.url, { path: address, auth: `${username}:${password}` }, (answer) =>
          resolve(answer.resume().statusCode!),
        )
        .on('error', reject);
    });
  for (const address of [
    '/job/../../etc/passwd',
    '/job/..%2f..%2fetc/api/json',
    '/job/%2e%2e/1/consoleText',
    '/job/service-scale/..%2f..%2ftokens.json/consoleText',
    '/job/service-scale/1%2f..%2f/consoleText',
    '/job/__proto__/api/json',
    '/job/constructor/api/json',
    '/queue/item/..%2fx/api/json',
    '/queue/item/1e3/api/json',
    '//elsewhere/api/json',
  ])
    t.equal(await raw(address), 404, address);
  t.equal(await raw('/job/%ff/api/json'), 400, 'bad encoding');
  t.equal(await raw('/job/%00/api/json'), 404);
});

t.test('another site in a browser cannot post', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client();
  const post = (site: string) => client.post(trigger, '', { headers: { 'sec-fetch-site': site } });
  const refused = await post('cross-site');
  t.same([refused.status, refused.data], [403, 'No valid crumb was included in the request\n']);
  t.equal((await post('same-origin')).status, 201);
});

t.test('the client’s own idea of the server’s name is checked', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client();
  const location = async (host: string, service: string) =>
    String((await client.post(`${trigger}?service=${service}`, '', { headers: { host } })).headers.location);
  t.match(await location('ci.example:8080', 'a'), /^http:\/\/ci\.example:8080\/queue\/item\//);
  t.match(await location('evil.example/x?', 'b'), /^http:\/\/127\.0\.0\.1:\d+\/queue\/item\//);
  const named = await server.restart(`url: https://ci.example/jobs\n${yaml}`);
  const { headers } = await rawClient(
    `http://127.0.0.1:${portOf(named)}`,
    'tester',
    client.defaults.auth!.password,
  ).post(trigger);
  t.match(String(headers.location), /^https:\/\/ci\.example\/jobs\/queue\/item\//);
});

t.test('greedy and slow clients', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client();
  t.equal((await client.post(trigger, 'x'.repeat(1_000_001))).status, 413, 'a body that says it is too long');
  const chunked = await new Promise<number | undefined>((resolve, reject) => {
    const { username, password } = client.defaults.auth!;
    const request = http.request(
      `${server.url}${trigger}`,
      { method: 'POST', auth: `${username}:${password}` },
      (answer) => resolve(answer.statusCode),
    );
    request.on('error', reject);
    for (let count = 0; count < 20; count++) request.write('x'.repeat(100_000));
  });
  t.equal(chunked, 413, 'and one that does not say');
  const large = await client.get('api/json', { headers: { 'x-large': 'x'.repeat(20_000) } });
  t.equal(large.status, 431);

  const slow = Array.from({ length: 50 }, () => {
    const socket = net.connect(portOf(server), '127.0.0.1', () =>
      socket.write('POST /job/x/build HTTP/1.1\r\nHost: x\r\n'),
    );
    const drip = setInterval(() => socket.write('X-A: b\r\n'), 500);
    return new Promise<void>((resolve) =>
      socket
        .on('error', () => undefined)
        .resume()
        .on('close', () => (clearInterval(drip), resolve())),
    );
  });
  const before = Date.now();
  t.equal((await client.post(trigger)).status, 201, 'others are served meanwhile');
  await Promise.all(slow);
  t.ok(Date.now() - before < 16_000, 'headers that never end are cut off');
});

const portOf = (server: TestServer) => Number(new URL(server.address).port);
