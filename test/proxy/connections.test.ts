import { createHash } from 'node:crypto';
import http2 from 'node:http2';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import t from 'tap';
import { ask, door, freePorts, render, service, task } from './support';

type T = Parameters<typeof task>[0];

/** A server of connections that says its name and then gives back what it gets. */
async function echo(t: T, name: string): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(`${name}\n`);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** What a connection says first, and then gives back of a text. */
const talk = (port: number, text = 'hello') =>
  new Promise<string>((done) => {
    let received = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => {
      received += data;
      if (received.endsWith(text)) socket.end();
    });
    socket.on('error', () => done('error'));
    socket.on('close', () => done(received));
  });

t.test('whole connections go to the service that asked for the port', async (t) => {
  const [port, blocked] = (await freePorts(2)) as [number, number];
  const one = await echo(t, 'one');
  await door(t, [
    service('db', [{ mode: 'tcp', paths: [], sourcePort: port, port: one, keepAliveClient: true, checkTcp: true }]),
    service('inner', [{ mode: 'tcp', paths: [], sourcePort: blocked, port: one, allowFrom: ['192.0.2.0/24'] }]),
  ]);
  t.equal(await talk(port), 'one\nhello');
  t.notMatch(await talk(blocked), 'hello', 'only allowed networks come in');
});

t.test('services of one group share a port', async (t) => {
  const [port] = (await freePorts(1)) as [number];
  const part = { mode: 'tcp' as const, paths: [], sourcePort: port, group: 'db', balanceGroup: 'roundrobin' };
  await door(t, [
    service('a', [{ ...part, port: await echo(t, 'a') }]),
    service('b', [{ ...part, port: await echo(t, 'b') }]),
  ]);
  const said = [];
  for (let count = 0; count < 4; count++) said.push((await talk(port)).split('\n')[0]);
  t.same(said.sort(), ['a', 'a', 'b', 'b']);
});

t.test('a port that is taken is refused, with the owner’s name', (t) => {
  const part = { mode: 'tcp' as const, paths: [] };
  const { refusals, routes } = render([
    service('web', [{ ...part, sourcePort: 80 }]),
    service('metrics', [{ ...part, sourcePort: 8404 }]),
    service('young', [{ ...part, sourcePort: 5432 }], {}, { createdAt: '2026-03-01T00:00:00Z' }),
    service('zold', [{ ...part, sourcePort: 5432 }]),
  ]);
  t.same(refusals.map((each) => each.service).sort(), ['metrics', 'web', 'young']);
  t.match(refusals.find((each) => each.service === 'young')!.message, /5432 belongs to zold/);
  t.same(
    routes.map(({ route }) => route),
    ['tcp :5432'],
  );
  t.end();
});

t.test('a WebSocket goes through, both ways', async (t) => {
  const { port: taskPort, server } = await task(t, 'task');
  server.on('upgrade', (upgrade, socket) => {
    // https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    const accept = createHash('sha1')
      .update(`${upgrade.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  const { port } = await door(t, [service('shop', [{ port: taskPort, timeouts: { server: 300, tunnel: 5000 } }])]);
  const request = http.get({
    port,
    host: '127.0.0.1',
    agent: false,
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version': '13',
    },
  });
  const socket = await new Promise<net.Socket>((done, failed) => {
    request.on('upgrade', (_response, upgraded) => done(upgraded as net.Socket));
    request.on('response', (response) => failed(new Error(`status ${response.statusCode}`)));
  });
  await new Promise((done) => setTimeout(done, 600));
  const back = new Promise((done) => socket.once('data', (data) => done(String(data))));
  socket.write('after the time-out of requests');
  t.equal(await back, 'after the time-out of requests');
  socket.destroy();
});

t.test('a task that speaks HTTP/2 gets it, with trailers, as gRPC needs', async (t) => {
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end('answer');
  });
  server.listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  t.teardown(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const taskPort = (server.address() as AddressInfo).port;
  const { port } = await door(t, [service('grpc', [{ port: taskPort, protocol: 'h2' }])]);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  t.teardown(() => session.destroy());
  const stream = session.request({ ':method': 'POST', ':path': '/pkg.Service/Call', te: 'trailers' });
  stream.end('question');
  let text = '';
  let trailers: http2.IncomingHttpHeaders = {};
  stream.on('data', (data) => (text += data));
  stream.on('trailers', (received) => (trailers = received));
  await new Promise((done, failed) => stream.on('end', done).on('error', failed));
  t.equal(text, 'answer');
  t.equal(trailers['grpc-status'], '0');
});

t.test('challenges of certificates go to the controller before anything else', async (t) => {
  const controller = await task(t, 'controller');
  const shop = await task(t, 'shop');
  const { port } = await door(t, [service('shop', [{ port: shop.port, httpsOnly: true }])], {
    controller: `127.0.0.1:${controller.port}`,
    httpsOnly: true,
  });
  t.equal((await ask(port, '/.well-known/acme-challenge/token')).by, 'controller');
  t.equal((await ask(port, '/')).status, 301);
});
