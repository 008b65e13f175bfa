import fc from 'fast-check';
import t from 'tap';
import { defaultProxySettings } from '../../runner/proxy/settings';
import type { ProxiedService } from '../../runner/proxy/model';
import { holds } from '../common/support';
import { complaints, exact, render, service } from './support';
import { authority, certificate, certificateFor } from './certificates';

const everything = (pem: string): ProxiedService[] => [
  service('plain', [{ domains: exact('plain.example.com') }], {}, { address: undefined as never, slots: 12 }),
  service(
    'shop',
    [
      {
        domains: exact('shop.example.com', 'www.example.com'),
        paths: ['/', '/api'],
        httpsOnly: true,
        hsts: 1,
      } as never,
      { domains: [{ match: 'suffix', value: '.example.com' }], paths: ['/wild'], pathType: 'path' },
      { domains: [{ match: 'suffix', value: '.shop.example.com' }], paths: ['/'] },
      { domains: [{ match: 'regex', value: '^shop-\\d+\\.example\\.com$' }], port: 8081, httpsPort: 8443 },
      { paths: ['/img', '/css'], excludedPaths: ['/img/private'], headers: [{ name: 'X-Version', value: '3' }] },
      { paths: ['\\.(png|jpg)$'], pathType: 'path_reg', userAgents: ['bot', 'crawler'] },
      { paths: ['/dir'], pathType: 'path_dir' },
      { paths: ['12'], pathType: 'path_len' },
      { paths: ['.gif'], pathType: 'path_end' },
      { paths: ['sub'], pathType: 'path_sub' },
      { paths: ['dom'], pathType: 'path_dom' },
    ],
    {
      sticky: true,
      hsts: 31_536_000,
      connectionMode: 'http-server-close',
      compression: { algorithms: ['gzip'], types: ['text/html', 'application/json'] },
      users: [
        { name: 'ann', password: 'pa ss"w\\o$rd', encrypted: false },
        { name: 'bob', password: '$5$salt$hash', encrypted: true },
      ],
      headers: {
        request: {
          add: [{ name: 'X-A', value: '100%' }],
          set: [{ name: 'X-Real-IP', value: '%[src]', when: 'tls' }],
          delete: ['X-B'],
        },
        response: { add: [{ name: 'X-C', value: 'a "b"' }], set: [], delete: ['Server'] },
      },
      serviceCertificate: pem,
      redirectWhenHttpProto: true,
    },
  ),
  service('rules', [
    {
      paths: ['/rules'],
      allowedMethods: ['GET', 'POST'],
      deniedMethods: ['DELETE'],
      denyHttp: true,
      rewrites: [
        { search: '^/rules/(a|b)],\\)\'"', replace: '/\\1' },
        { search: '/x/', replace: '', flags: 'gi' },
      ],
      verifyClient: true,
      timeouts: { server: 1000, tunnel: 2000 },
      allowFrom: ['10.0.0.0/8', '2001:db8::/32', 'local'],
      rateLimit: { requests: 5, period: 10_000 },
      maintenance: true,
    },
    { paths: ['/grpc'], protocol: 'h2', port: 50_051 },
    { paths: ['/out'], outboundHost: 'legacy.example.org', httpsPort: 443, port: undefined as never },
    {
      paths: ['/old'],
      trustServer: true,
      httpsPort: 8443,
      domains: exact('new.example.com'),
      redirectFrom: exact('old.example.com'),
    },
    { paths: ['/port'], sourcePort: 8082 },
    { paths: ['/tls'], sourceHttpsPort: 9443, httpsPort: 8443 },
  ]),
  service('blue', [{ paths: ['/split'], weight: 90 }]),
  service('green', [{ paths: ['/split'], weight: 10 }]),
  service('known', [{ paths: ['/known'] }], { usersSecret: 'x' }, { secretUsers: [{ name: 'eve', password: 'p' }] }),
  service(
    'checked',
    [{ paths: ['/checked'] }],
    { defaultBackend: true },
    { check: { path: '/health?a=b%20c', port: 81 } },
  ),
  service('db', [
    {
      mode: 'tcp',
      paths: [],
      sourcePort: 5432,
      port: 5432,
      group: 'db',
      balanceGroup: 'roundrobin',
      checkTcp: true,
      keepAliveClient: true,
      timeouts: { client: 1000 },
    },
  ]),
  service('db2', [{ mode: 'tcp', paths: [], sourcePort: 5432, port: 5432, group: 'db', allowFrom: ['10.0.0.0/8'] }]),
  service('mail', [
    {
      mode: 'sni',
      paths: [],
      sourcePort: 443,
      port: 993,
      domains: [
        ...exact('mail.example.com'),
        { match: 'suffix', value: '.mail.example.com' },
        { match: 'regex', value: '^imap' },
      ],
    },
  ]),
  service('extra', [{ paths: ['/extra'] }], { backendExtra: 'http-response set-header X-Extra 1\\noption httpclose' }),
  service('template', [{ paths: ['/template'], userDefined: 'hello' }], {
    templates: { frontend: 'fe', backend: 'be' },
  }),
];

const everySetting = {
  controller: 'https://homeostat-controller:7080',
  stats: { user: 'admin', password: 'a "b', path: '/admin?stats' },
  users: [{ name: 'all', password: 'x', encrypted: false }],
  compression: { algorithms: ['gzip'], types: ['text/plain'] },
  captureRequestHeaders: ['User-Agent'],
  trustedProxies: ['192.0.2.0/24', '2001:db8::/32'],
  httpsOnly: true,
  bindings: [...defaultProxySettings.bindings, { port: 8090, tls: false, proxyProtocol: true }],
  errorPages: { '503': '<h1>Sorry</h1>', maintenance: '<h1>Back soon</h1>' },
  extraGlobal: ['tune.bufsize 16384'],
  extraFrontend: ['http-response set-header X-Extra 1'],
  trustedServices: ['extra', 'template'],
  templates: {
    fe: 'use_backend {{.ServiceName}}-be if { path_beg {{.ServicePath}} }',
    be: 'backend {{.ServiceName}}-be\n  http-response set-header X-User {{.UserDef}}\n  server s 127.0.0.1:{{.Port}}',
  },
};

t.test('HAProxy takes a configuration with everything in it, and has nothing to say', async (t) => {
  const ca = authority(t);
  const pem = certificateFor(t, ca, 'shop.example.com');
  const certificates = [certificate(t, ca, 'other.example.com')];
  const output = render(everything(pem), { ...everySetting, caFile: ca.certificate }, certificates);
  t.same(output.refusals, []);
  t.same(await complaints(t, output), []);
  t.match(Object.keys(output.files), [
    'ca.pem',
    'certs.crt-list',
    'certs/other.example.com.pem',
    'certs/service-shop.pem',
  ]);
  t.ok(output.files['haproxy.cfg']!.endsWith('\n'));
});

t.test('HAProxy takes a configuration without any service or certificate', async (t) => {
  t.same(await complaints(t, render([])), []);
  t.notMatch(render([]).files['haproxy.cfg']!, /:443/, 'nothing listens for TLS without a certificate');
});

t.test('no access log, failures only: HAProxy has nothing to say either', async (t) => {
  for (const accessLog of ['none', 'errors'] as const)
    t.same(await complaints(t, render([service('shop')], { accessLog })), []);
});

t.test('the order of the services makes no difference', async (t) => {
  const services = everything('').map((each) => ({
    ...each,
    description: { ...each.description, proxy: { ...each.description.proxy, serviceCertificate: undefined as never } },
  }));
  const wanted = JSON.stringify(render(services, everySetting));
  await holds(
    t,
    fc.property(
      fc.shuffledSubarray(services, { minLength: services.length }),
      (shuffled) => JSON.stringify(render(shuffled, everySetting)) === wanted,
    ),
    { numRuns: 30 },
  );
});

t.test('a thousand services are rendered within 100 ms of CPU', async (t) => {
  const services = Array.from({ length: 1000 }, (_, index) =>
    service(`service-${index}`, [{ domains: exact(`s${index}.example.com`), paths: ['/', '/api'] }]),
  );
  const times = Array.from({ length: 15 }, () => {
    const before = process.cpuUsage();
    render(services);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  // Other work on the machine makes it look dearer than it is, and never cheaper.
  const least = Math.min(...times);
  t.ok(least <= 100, `it took ${least} ms`);
});
