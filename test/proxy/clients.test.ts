import net from 'node:net';
import t from 'tap';
import { ask, door, freePorts, service, task } from './support';

t.test('what a client says of itself is not handed on', async (t) => {
  const { port: taskPort } = await task(t, 'task');
  const { port } = await door(t, [service('shop', [{ port: taskPort }])]);
  const { asked } = await ask(port, '/', {
    host: 'shop.example.com:81',
    'x-forwarded-for': '192.0.2.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-port': '443',
    'x-forwarded-host': 'forged',
  });
  t.match(asked.headers, {
    host: 'shop.example.com:81',
    'x-forwarded-for': /^127\.0\.0\.1$/,
    'x-forwarded-proto': 'http',
    'x-forwarded-port': undefined,
    'x-forwarded-host': undefined,
  });
});

t.test(
  'a proxy that the operator trusts is believed, and the client’s address is the last one that is no such proxy',
  async (t) => {
    const { port: taskPort } = await task(t, 'task');
    const { port } = await door(
      t,
      [
        service('shop', [{ port: taskPort }]),
        service('inner', [{ port: taskPort, paths: ['/inner'], allowFrom: ['192.0.2.7'] }]),
        service('secure', [{ port: taskPort, paths: ['/secure'], httpsOnly: true }]),
      ],
      { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] },
    );
    const headers = { 'x-forwarded-for': '198.51.100.9, 192.0.2.7, 10.1.1.1', 'x-forwarded-proto': 'https' };
    const { asked } = await ask(port, '/', headers);
    t.match(asked.headers, {
      'x-forwarded-for': '198.51.100.9, 192.0.2.7, 10.1.1.1, 127.0.0.1',
      'x-forwarded-proto': 'https',
    });
    t.equal((await ask(port, '/inner', headers)).status, 200, 'by the client’s own address');
    t.equal((await ask(port, '/inner', { 'x-forwarded-for': '192.0.2.7, 198.51.100.9' })).status, 403);
    t.equal((await ask(port, '/inner')).status, 403);
    t.equal((await ask(port, '/secure', headers)).status, 200, 'it came by HTTPS as far as the first proxy');
    t.equal((await ask(port, '/secure')).status, 302);
    const stranger = { localAddress: '127.0.0.9' };
    t.equal((await ask(port, '/inner', headers, 'GET', stranger)).status, 403, 'others are not believed');
    t.match((await ask(port, '/', headers, 'GET', stranger)).asked.headers, {
      'x-forwarded-for': /^127\.0\.0\.9$/,
      'x-forwarded-proto': 'http',
    });
  },
);

/** Sends bytes and answers with all that comes back. */
const raw = (port: number, text: string) =>
  new Promise<string>((done, failed) => {
    let received = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => (received += data));
    socket.on('end', () => done(received));
    socket.on('error', failed);
  });

t.test('the client’s address comes by the PROXY protocol where the port speaks it', async (t) => {
  const { port: taskPort, asked } = await task(t, 'task');
  const [port] = (await freePorts(1)) as [number];
  await door(t, [service('shop', [{ port: taskPort, allowFrom: ['192.0.2.0/24'] }])], {
    bindings: [{ port, tls: false, proxyProtocol: true }],
  });
  const request = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  t.match(await raw(port, `PROXY TCP4 192.0.2.33 192.0.2.1 5000 80\r\n${request}`), 'HTTP/1.1 200');
  t.equal(asked.at(-1)!.headers['x-forwarded-for'], '192.0.2.33');
  t.match(await raw(port, `PROXY TCP4 198.51.100.1 192.0.2.1 5000 80\r\n${request}`), 'HTTP/1.1 403');
  t.notMatch(await raw(port, request).catch(() => ''), 'HTTP/1.1 200', 'not without it');
});
