import https from 'node:https';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import t from 'tap';
import { problemOfCertificate } from '../../runner/proxy/certificate-label';
import { authority, certificate, certificateFor } from './certificates';
import { ask, door, exact, render, service, task } from './support';

type T = Parameters<typeof task>[0];

interface Handshake {
  name: string;
  protocol: string;
  alpn: string;
}

/** The handshake that a client of that name gets: whose certificate, which protocol. */
const handshake = (port: number, servername: string, more: tls.ConnectionOptions = {}) =>
  new Promise<Handshake>((done, failed) => {
    const socket = tls.connect(
      { port, host: '127.0.0.1', servername, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'], ...more },
      () => {
        const { subject } = socket.getPeerCertificate();
        done({ name: String(subject.CN), protocol: socket.getProtocol()!, alpn: String(socket.alpnProtocol) });
        socket.destroy();
      },
    );
    socket.on('error', failed);
  });

interface SecureAnswer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
}

/** One request by HTTPS. */
const askSecurely = (port: number, host: string, path = '/', more: https.RequestOptions = {}) =>
  new Promise<SecureAnswer>((done, failed) => {
    const options = { port, host: '127.0.0.1', servername: host, path, headers: { host }, rejectUnauthorized: false };
    const request = https.get({ ...options, agent: false, ...more }, (response) => {
      let text = '';
      response.on('data', (data) => (text += data));
      response.on('end', () => done({ status: response.statusCode!, headers: response.headers, text }));
    });
    request.on('error', failed);
  });

/** A task that speaks TLS with the given certificate. */
async function secureTask(t: T, pem: string, name: string): Promise<number> {
  const server = https.createServer({ cert: pem, key: pem }, (_request, response) => response.end(name));
  server.listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

t.test('the certificate is chosen by the name that the client asks for', async (t) => {
  const ca = authority(t);
  const { port } = await task(t, 'task');
  const { tlsPort } = await door(
    t,
    [
      service('shop', [{ port }], {
        serviceCertificate: certificateFor(t, ca, 'label.example.com').replaceAll('\n', '\\n'),
        hsts: 600,
      }),
    ],
    { preferredCertificate: 'b.example.com' },
    [certificate(t, ca, 'a.example.com'), certificate(t, ca, 'b.example.com')],
  );
  t.equal((await handshake(tlsPort, 'a.example.com')).name, 'a.example.com');
  t.equal((await handshake(tlsPort, 'label.example.com')).name, 'label.example.com');
  t.equal((await handshake(tlsPort, 'unknown.example.com')).name, 'b.example.com', 'the preferred one for all others');
  t.match(await handshake(tlsPort, 'a.example.com'), { protocol: 'TLSv1.3', alpn: 'h2' });
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  await t.rejects(handshake(tlsPort, 'a.example.com', old), 'TLS 1.1 is too old');
  const answer = await askSecurely(tlsPort, 'a.example.com');
  t.match(answer.headers, { 'strict-transport-security': 'max-age=600' });
  t.match(JSON.parse(answer.text).headers, { 'x-forwarded-proto': 'https' });
});

t.test('clients speak HTTP/2', async (t) => {
  const ca = authority(t);
  const { port } = await task(t, 'task');
  const { tlsPort } = await door(t, [service('shop', [{ port }])], {}, [certificate(t, ca, 'a.example.com')]);
  const session = http2.connect(`https://127.0.0.1:${tlsPort}`, { rejectUnauthorized: false });
  t.teardown(() => session.destroy());
  const stream = session.request({ ':path': '/', ':authority': 'a.example.com' });
  const status = await new Promise((done) => stream.on('response', (headers) => done(headers[':status'])));
  t.equal(status, 200);
});

t.test('only clients with a certificate of the authority come in where a service wants one', async (t) => {
  const ca = authority(t);
  const { port } = await task(t, 'task');
  const { tlsPort, port: plain } = await door(
    t,
    [service('open', [{ port }]), service('closed', [{ port, paths: ['/closed'], verifyClient: true }])],
    { caFile: ca.certificate },
    [certificate(t, ca, 'a.example.com')],
  );
  const client = certificateFor(t, ca, 'client');
  t.equal((await askSecurely(tlsPort, 'a.example.com', '/closed')).status, 403);
  t.equal((await askSecurely(tlsPort, 'a.example.com', '/')).status, 200);
  t.equal((await askSecurely(tlsPort, 'a.example.com', '/closed', { cert: client, key: client })).status, 200);
  const stranger = certificateFor(t, authority(t, 'stranger'), 'client');
  await t.rejects(askSecurely(tlsPort, 'a.example.com', '/closed', { cert: stranger, key: stranger }));
  t.equal((await ask(plain, '/closed')).status, 403, 'nor without TLS');
});

t.test('without an authority nobody comes in, and the service is told', (t) => {
  const { refusals } = render([service('closed', [{ verifyClient: true }])]);
  t.match(refusals, [{ service: 'closed', severity: 'warning', message: /CA_FILE/ }]);
  t.end();
});

t.test('tasks that speak TLS are asked by it, and their certificates are checked', async (t) => {
  const ca = authority(t);
  const good = await secureTask(t, certificateFor(t, ca, 'shop.example.com'), 'good');
  const forged = await secureTask(t, certificateFor(t, authority(t, 'forger'), 'shop.example.com'), 'forged');
  const { port: plain } = await task(t, 'plain');
  const only = { port: undefined as never, domains: exact('shop.example.com') };
  const { port, tlsPort } = await door(
    t,
    [
      service('good', [{ ...only, httpsPort: good, paths: ['/good'] }]),
      service('forged', [{ ...only, httpsPort: forged, paths: ['/forged'] }]),
      service('trusted', [{ ...only, httpsPort: forged, paths: ['/trusted'], trustServer: true }]),
      service('plain', [{ domains: exact('shop.example.com'), port: forged, paths: ['/plain'], trustServer: true }]),
      service('both', [{ domains: exact('shop.example.com'), port: plain, httpsPort: good, paths: ['/both'] }]),
    ],
    { caFile: ca.certificate, waitForTask: 0 },
    [certificate(t, ca, 'shop.example.com')],
  );
  const by = async (path: string) => (await ask(port, path, { host: 'shop.example.com' })).text;
  t.equal(await by('/good'), 'good');
  t.match(await by('/forged'), '503');
  t.equal(await by('/trusted'), 'forged');
  t.equal(await by('/plain'), 'forged', 'a port that is trusted is asked by TLS, too');
  t.match(await by('/both'), '"plain"', 'plain requests to the plain port');
  t.equal((await askSecurely(tlsPort, 'shop.example.com', '/both')).text, 'good', 'others to the port with TLS');
});

t.test('connections chosen by server name stay encrypted, beside ordinary HTTPS on the same port', async (t) => {
  const ca = authority(t);
  const mail = await secureTask(t, certificateFor(t, ca, 'mail.example.com'), 'mail');
  const wild = await secureTask(t, certificateFor(t, ca, 'wild.example.com'), 'wild');
  const shop = await task(t, 'shop');
  const tcp = { mode: 'sni' as const, paths: [] };
  const port = await new Promise<number>((done) => {
    const server = net.createServer().listen(0, () => {
      const { port: free } = server.address() as AddressInfo;
      server.close(() => done(free));
    });
  });
  await door(
    t,
    [
      service('mail', [{ ...tcp, sourcePort: port, port: mail, domains: exact('mail.example.com') }]),
      service('wild', [{ ...tcp, sourcePort: port, port: wild, domains: [{ match: 'suffix', value: '.wild.org' }] }]),
      service('beg', [{ ...tcp, sourcePort: port, port: wild, domains: [{ match: 'regex', value: '^imap[0-9]\\.' }] }]),
      service('shop', [{ port: shop.port }]),
    ],
    { bindings: [{ port, tls: true, proxyProtocol: false }] },
    [certificate(t, ca, 'shop.example.com')],
  );
  t.equal((await handshake(port, 'mail.example.com')).name, 'mail.example.com', 'the task’s own certificate');
  t.equal((await handshake(port, 'a.wild.org')).name, 'wild.example.com');
  t.equal((await handshake(port, 'IMAP1.example.com')).name, 'wild.example.com');
  t.equal((await handshake(port, 'shop.example.com')).name, 'shop.example.com');
  const answer = await askSecurely(port, 'shop.example.com');
  t.match(
    JSON.parse(answer.text),
    { name: 'shop', headers: { 'x-forwarded-for': '127.0.0.1' } },
    'with the client’s address',
  );
});

t.test('a certificate that cannot be used costs nobody else anything', (t) => {
  const ca = authority(t);
  const pem = certificateFor(t, ca, 'a.example.com');
  const [first] = pem.split('-----BEGIN PRIVATE');
  const otherKey = certificateFor(t, ca, 'b.example.com').slice(
    certificateFor(t, ca, 'b.example.com').indexOf('-----BEGIN PRIVATE'),
  );
  t.equal(problemOfCertificate(pem), undefined);
  t.equal(problemOfCertificate(pem.replaceAll('\n', ' ')), undefined, 'as a label has it');
  t.match(problemOfCertificate(first!), /no PEM/);
  t.match(problemOfCertificate(first! + otherKey), /not the certificate’s/);
  t.match(problemOfCertificate('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'), /no PEM/);
  const { refusals, files, routes } = render(
    [service('bad', [{}], { serviceCertificate: first! }), service('good', [{ paths: ['/good'] }])],
    {},
    [{ ...certificate(t, ca, 'c.example.com'), pem: first! }, certificate(t, ca, 'd.example.com')],
  );
  t.match(refusals, [
    { service: 'bad', severity: 'error' },
    { service: '', message: /c\.example\.com/ },
  ]);
  t.equal(files['certs.crt-list'], 'certs/d.example.com.pem\n');
  t.ok(routes.every((route) => route.service === 'good'));
  t.end();
});
