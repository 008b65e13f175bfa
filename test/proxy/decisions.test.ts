import fc from 'fast-check';
import t from 'tap';
import { httpCheckOf } from '../../runner/proxy/healthcheck';
import { intervalsFor } from '../../runner/proxy/intervals';
import { outsideServices } from '../../runner/proxy/outside';
import { defaultProxySettings, proxySettings } from '../../runner/proxy/settings';
import { slotsFor } from '../../runner/proxy/slots';
import { holds } from '../common/support';
import { complaints, render, service } from './support';

t.test('the intervals follow the number of services', async (t) => {
  const few = { resolve: 25, resolveAbsent: 50, resolveAbsentNewest: 50, check: 1000, downCheck: 100 };
  t.same(intervalsFor(1, 1), few);
  const hundred = { resolve: 750, resolveAbsent: 150, resolveAbsentNewest: 100, check: 10_000, downCheck: 100 };
  t.same(intervalsFor(100, 100), hundred);
  const many = { resolve: 750, resolveAbsent: 750, resolveAbsentNewest: 100, check: 10_000 };
  t.same(intervalsFor(500, 500), { ...many, downCheck: 500 });
  t.same(intervalsFor(5000, 5000), { ...many, downCheck: 1000 });
  await holds(
    t,
    fc.property(fc.integer({ min: 1, max: 500 }), (services) => {
      const { resolve, check } = intervalsFor(services, services);
      // Microseconds in a second: at most 70 a question, 280 a check.
      const cost = ((services * 1000) / resolve) * 70 + ((services * 1000) / check) * 280;
      return cost <= (services <= 100 ? 20_000 : 65_000);
    }),
  );
});

t.test('of many services the newest are asked for more often', async (t) => {
  const named = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      service(
        `s${index}`,
        [{ paths: [`/${index}`] }],
        {},
        {
          address: undefined as never,
          createdAt: `2026-01-01T00:00:0${9 - index}Z`,
        },
      ),
    );
  const asked = (text: string) =>
    [...text.matchAll(/tasks\.(s\d+):8080 (resolvers docker-newest )?/g)].flatMap(([, name, newest]) =>
      newest ? [name] : [],
    );
  t.same(asked(render(named(8)).files['haproxy.cfg']!), []);
  const output = render(named(10));
  t.same(asked(output.files['haproxy.cfg']!), ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7']);
  t.same(await complaints(t, output), []);
});

t.test('there are slots for the most tasks there may be, and some to spare', async (t) => {
  t.equal(slotsFor({ startFirst: false }), 8, 'room for the usual maximum');
  t.equal(slotsFor({ replicas: 2, maximum: 6, startFirst: true }), 12);
  t.equal(slotsFor({ replicas: 10, maximum: 4, parallelism: 0, startFirst: true }), 24, 'all at once');
  await holds(
    t,
    fc.property(
      fc.record({ replicas: fc.nat(50), maximum: fc.nat(50), parallelism: fc.nat(10), startFirst: fc.boolean() }),
      (facts) => {
        const slots = slotsFor(facts);
        const most = Math.max(facts.replicas, facts.maximum);
        return slots >= most + 2 && slots % 4 === 0 && slots === slotsFor({ ...facts, replicas: most });
      },
    ),
  );
});

t.test('a health check by HTTP is the proxy’s, too', async (t) => {
  const shell = (command: string) => httpCheckOf(['CMD-SHELL', command]);
  t.same(shell('curl -f http://localhost:8080/health || exit 1'), { path: '/health', port: 8080 });
  t.same(shell('wget -q --spider http://127.0.0.1/ping?full=1'), { path: '/ping?full=1', port: 80 });
  t.same(httpCheckOf(['CMD', 'curl', '-fsS', 'http://localhost:3000']), { path: '/', port: 3000 });
  t.same(
    httpCheckOf(['CMD', 'node', '-e', "fetch('http://localhost:3000/healthz').then(r => process.exit(r.ok ? 0 : 1))"]),
    { path: '/healthz', port: 3000 },
  );
  t.same(shell(`python -c "import urllib.request; urllib.request.urlopen('http://localhost:8000/up')"`), {
    path: '/up',
    port: 8000,
  });
  for (const command of [
    'pg_isready',
    'true',
    'curl -f https://localhost/health',
    'curl -f http://example.com/health',
    'curl -X POST http://localhost/health',
    'curl -H "Authorization: x" http://localhost/health',
    'curl -u a:b http://localhost/health',
    'curl http://localhost/a && curl http://localhost/b',
    'curl http://localhost:$PORT/health',
    'curl http://localhost/$HEALTH',
    'curl http://localhost:99999/',
    'curl --unix-socket /x http://localhost/',
    'echo http://localhost/',
  ])
    t.equal(shell(command), undefined, command);
  t.equal(httpCheckOf(undefined), undefined);
  t.equal(httpCheckOf(['NONE']), undefined);
  t.equal(httpCheckOf([]), undefined);
  await holds(
    t,
    fc.property(fc.array(fc.string()), fc.string(), (words, tail) => {
      const check = httpCheckOf(['CMD-SHELL', 'curl', 'http://localhost/' + tail, ...words]);
      return check === undefined || /^\/[^\s"]*$/.test(check.path);
    }),
  );
});

t.test('settings come from docker-flow-proxy’s variables and from new ones', async (t) => {
  const { settings, problems } = proxySettings({
    DEFAULT_PORTS: '80,443:ssl',
    BIND_PORTS: '8080,8443:ssl',
    HOMEOSTAT_PROXY_PROTOCOL_PORTS: '8080',
    TIMEOUT_SERVER: '60',
    TIMEOUT_CONNECT: '250ms',
    EXTRA_GLOBAL: 'tune.bufsize 32768\\ntune.maxrewrite 2048',
    EXTRA_FRONTEND: 'http-response set-header X-A 1\nhttp-response set-header X-B 2',
    CONNECTION_MODE: 'http-server-close',
    HTTPS_ONLY: 'true',
    ENABLE_H2: 'false',
    CA_FILE: '/certs/ca.pem',
    STATS_USER: 'admin',
    STATS_PASS: 'secret',
    USERS: 'ann:one,bob:two:three',
    USERS_PASS_ENCRYPTED: 'false',
    COMPRESSION_ALGO: 'gzip',
    COMPRESSION_TYPE: 'text/css text/html',
    CAPTURE_REQUEST_HEADER: 'User-Agent:15,Referer:64',
    PROXY_INSTANCE_NAME: 'inner',
    HOMEOSTAT_PROXY_TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::/32',
    HOMEOSTAT_PROXY_TRUSTED_SERVICES: 'a,b',
    HOMEOSTAT_PROXY_ACCESS_LOG: 'errors',
    HOMEOSTAT_PROXY_CONTROLLER: 'https://homeostat-controller:7080',
    PREFERRED_CERTIFICATE: 'shop.pem',
    PATH: '/bin',
  });
  t.same(problems, []);
  t.match(settings, {
    bindings: [
      { port: 80, tls: false, proxyProtocol: false },
      { port: 443, tls: true, proxyProtocol: false },
      { port: 8080, tls: false, proxyProtocol: true },
      { port: 8443, tls: true, proxyProtocol: false },
    ],
    timeouts: { server: 60_000, connect: 250 },
    extraGlobal: ['tune.bufsize 32768', 'tune.maxrewrite 2048'],
    extraFrontend: ['http-response set-header X-A 1', 'http-response set-header X-B 2'],
    connectionMode: 'http-server-close',
    httpsOnly: true,
    http2: false,
    caFile: '/certs/ca.pem',
    stats: { user: 'admin', password: 'secret', path: '/admin?stats' },
    users: [
      { name: 'ann', password: 'one', encrypted: false },
      { name: 'bob', password: 'two:three', encrypted: false },
    ],
    compression: { algorithms: ['gzip'], types: ['text/css', 'text/html'] },
    captureRequestHeaders: ['User-Agent', 'Referer'],
    instance: 'inner',
    trustedProxies: ['10.0.0.0/8', '2001:db8::/32'],
    trustedServices: ['a', 'b'],
    accessLog: 'errors',
    controller: 'https://homeostat-controller:7080',
    preferredCertificate: 'shop',
  });
  t.same(await complaints(t, render([service('shop')], { ...settings, caFile: undefined as never, instance: '' })), []);
  t.same(proxySettings({}).settings, defaultProxySettings);
});

t.test('a wrong setting is told by name with what is allowed, and its default is used', async (t) => {
  const { settings, problems } = proxySettings({
    DEFAULT_PORTS: '80a',
    TIMEOUT_CLIENT: 'soon',
    HTTPS_ONLY: 'perhaps',
    CONNECTION_MODE: 'fast',
    USERS: 'ann',
    HOMEOSTAT_PROXY_ACCESS_LOG: 'some',
    HOMEOSTAT_PROXY_METRICS_PORT: '0',
    HOMEOSTAT_PROXY_TRUSTED_PROXIES: '10.0.0.0/8 everyone',
    HOMEOSTAT_PROXY_CONTROLLER: 'http://x/y',
    STATS_URI: 'admin',
    STATS_USER: 'a',
    STATS_PASS: 'b\nc',
  });
  t.same(problems.map(({ variable }) => variable).sort(), [
    'CONNECTION_MODE',
    'DEFAULT_PORTS',
    'HOMEOSTAT_PROXY_ACCESS_LOG',
    'HOMEOSTAT_PROXY_CONTROLLER',
    'HOMEOSTAT_PROXY_METRICS_PORT',
    'HOMEOSTAT_PROXY_TRUSTED_PROXIES',
    'HTTPS_ONLY',
    'STATS_PASS',
    'TIMEOUT_CLIENT',
    'USERS',
  ]);
  t.match(problems.find(({ variable }) => variable === 'HTTPS_ONLY')!.message, /'perhaps'; allowed is true or false/);
  t.same(settings, defaultProxySettings);
  await holds(
    t,
    fc.property(
      fc.dictionary(
        fc.constantFrom('DEFAULT_PORTS', 'USERS', 'RESOLVERS', 'EXTRA_GLOBAL', 'TIMEOUT_QUEUE', 'STATS_PASS'),
        fc.string(),
      ),
      (env) => proxySettings(env).problems.every(({ variable, message }) => message.includes(variable)),
    ),
  );
});

t.test('a password never stands in a problem', (t) => {
  for (const env of [{ USERS: 'ann hunter2' }, { STATS_USER: 'a', STATS_PASS: 'hunter2\n' + 'x' }])
    t.notMatch(JSON.stringify(proxySettings(env).problems), /hunter2/);
  t.end();
});

t.test('services outside the Swarm come from the environment', (t) => {
  t.same(
    outsideServices({
      DFP_SERVICE_2_SERVICE_NAME: 'legacy',
      DFP_SERVICE_2_OUTBOUND_HOSTNAME: 'legacy.example.org',
      DFP_SERVICE_2_SERVICE_PATH: '/legacy',
      DFP_SERVICE_2_PORT: '8080',
      DFP_SERVICE_1_SERVICE_NAME: 'other.example.org',
      DFP_SERVICE_1_SERVICE_DOMAIN_1: 'a.example.com',
      DFP_SERVICE_1_HTTPS_PORT_1: '443',
      DFP_SERVICE_3_PORT: '80',
      DFP_SERVICE_SERVICE_NAME: 'single',
      DFP_SERVICE_PORT: '81',
      PATH: '/bin',
    }),
    [
      {
        name: 'single',
        labels: { 'com.df.notify': 'true', 'com.df.outboundHostname': 'single', 'com.df.port': '81' },
      },
      {
        name: 'other.example.org',
        labels: {
          'com.df.notify': 'true',
          'com.df.httpsPort.1': '443',
          'com.df.outboundHostname': 'other.example.org',
          'com.df.serviceDomain.1': 'a.example.com',
        },
      },
      {
        name: 'legacy',
        labels: {
          'com.df.notify': 'true',
          'com.df.outboundHostname': 'legacy.example.org',
          'com.df.port': '8080',
          'com.df.servicePath': '/legacy',
        },
      },
    ],
  );
  t.same(outsideServices({}), []);
  t.end();
});
