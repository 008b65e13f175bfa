import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../runner/common/clock';
import { judgeDoor } from '../../runner/system/checks/door';
import { controllerSecrets, readSecrets } from '../../runner/system/controller-secrets';
import { certificateRows, doorLines, doorProblems, proxyRows } from '../../runner/system/door-render';
import type { DoorProxy, DoorService, DoorStatus } from '../../runner/system/door-status';
import { startTraffic } from '../../runner/system/traffic';
import { testContext } from '../common/support';

const proxy: DoorProxy = { agent: 'abc', node: 'node1', engineVersion: '3.0.11', running: '0123456789', behind: false };
const shop: DoorService = {
  name: 'shop',
  state: 'accepted',
  problems: [],
  lastGood: false,
  routes: ['http://shop.example.com/'],
};
const well: DoorStatus = { services: [shop], proxies: [proxy], certificates: [] };

t.test('the doctor tells what of the door is not well', async (t) => {
  t.match(judgeDoor(well), { verdict: 'ok', detail: '1 routes on 1 proxies, 0 certificates' });
  t.match(judgeDoor(undefined), { verdict: 'ok', detail: /homeostat up/ }, 'a Swarm may do without');
  t.match(judgeDoor({ ...well, problem: 'the controller does not answer' }), { verdict: 'failed' });
  t.match(judgeDoor({ ...well, proxies: [] }), { verdict: 'failed', detail: /no proxy asks/ });
  const bad: DoorStatus = {
    services: [{ ...shop, state: 'quarantined' }],
    proxies: [{ ...proxy, refused: { revision: 'ffff0000ffff', message: 'parsing [haproxy.cfg:3]\nmore' } }],
    certificates: [{ name: 'old', source: 'folder', domains: ['a.b'], warnings: ['it expired at 2026-01-01'] }],
  };
  t.match(judgeDoor(bad), {
    verdict: 'warning',
    detail: /quarantined: shop; proxies behind: node1; certificate old: it expired/,
  });
  t.same(doorProblems(well), []);
});

t.test('routes and problems stand below their service', async (t) => {
  const bad: DoorService = {
    ...shop,
    state: 'quarantined',
    lastGood: true,
    problems: [{ severity: 'error', label: 'com.df.port', message: "is '80a'; a port is allowed" }],
  };
  t.same(doorLines({ ...well, services: [bad] }, 'shop'), [
    'routes: http://shop.example.com/',
    'quarantined: its last good version is served',
    "error: com.df.port: is '80a'; a port is allowed",
  ]);
  t.same(doorLines(well, 'other'), []);
  t.match(doorLines({ ...well, services: [{ ...bad, lastGood: false }] }, 'shop')[1], /it is not served/);
  const many = { ...shop, routes: Array.from({ length: 300 }, (_, count) => `/r${count}`) };
  t.match(doorLines({ ...well, services: [many] }, 'shop'), [/and 295 more$/]);
  t.same(proxyRows({ ...well, proxies: [{ ...proxy, running: '', behind: true }] }), [
    ['! node1', 'HAProxy 3.0.11', 'nothing loaded yet', 'behind'],
  ]);
  const until = { name: 'new', source: 'acme', domains: ['a.b'], notAfter: '2036-01-01T00:00:00Z', warnings: [] };
  t.same(certificateRows({ ...well, certificates: [until] }), [['✔ new', 'acme', 'a.b', 'until 2036-01-01']]);
});

t.test('the controller’s secrets are made once, for its owner only', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-secrets-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const own = path.join(folder, 'controller');
  t.equal(await readSecrets(own), undefined);
  const context = testContext();
  const secrets = await controllerSecrets(own, context);
  t.not(secrets.agentToken, secrets.readerToken);
  t.ok(secrets.agentToken.length >= 40);
  const certificate = new X509Certificate(secrets.certificate);
  t.ok(certificate.checkPrivateKey(createPrivateKey(secrets.key)));
  t.ok(certificate.checkHost('homeostat-controller') && certificate.checkIP('127.0.0.1'));
  t.same(await controllerSecrets(own, context), secrets, 'repeated, they are the same');
  for (const name of ['agent-token', 'reader-token', 'writer-token', 'key.pem', 'store-key'])
    t.equal(statSync(path.join(own, name)).mode & 0o777, 0o600, name);
  t.equal(context.masker(`token ${secrets.readerToken}`), 'token ****');
});

async function serve(t: Test, answer: Parameters<typeof createServer>[1] & object): Promise<string> {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise<void>((resolve) => (server.close(() => resolve()), server.closeAllConnections())));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('traffic counts what a client meets, and never tries again', async (t) => {
  let asked = 0;
  const connections = new Set<number>();
  const url = await serve(t, (request, response) => {
    connections.add(request.socket.remotePort!);
    asked++;
    if (request.url === '/bad') response.writeHead(503).end();
    else if (request.url === '/cut') request.socket.destroy();
    else response.end(JSON.stringify({ version: request.headers.host === 'a.localhost' ? '1' : '2' }));
  });
  const doors = [
    { url: `${url}/`, host: 'a.localhost' },
    { url: `${url}/`, host: 'b.localhost' },
    { url: `${url}/bad`, host: 'x' },
    { url: `${url}/cut`, host: 'x' },
  ];
  const traffic = startTraffic(doors, { ...testContext(), clock: systemClock });
  await systemClock.sleep(1200);
  const met = await traffic.stop();
  t.ok(met.requests >= 8 && met.requests <= 13, `${met.requests} requests in 1.2 s`);
  t.equal(asked, met.requests);
  t.equal(connections.size, met.requests, 'a new connection for each');
  t.same(Object.keys(met.seen).sort(), ['1', '2']);
  t.same(Object.keys(met.failures).sort(), ['ECONNRESET', 'status 503']);
  const answers = [...Object.values(met.seen), ...Object.values(met.failures)];
  t.equal(
    answers.reduce((sum, count) => sum + count, 0),
    met.requests,
    'each is counted once',
  );
});
