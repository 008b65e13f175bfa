import fc from 'fast-check';
import t from 'tap';
import { describeService } from '../../runner/labels/describe';
import { defaultLabelSettings } from '../../runner/labels/description';
import { withoutSecrets } from '../../runner/labels/redact';
import { labelNames } from '../../runner/labels/table';
import { holds } from '../common/support';
import { describe, errors, routes, warnings } from './support';

const of = (labels: Record<string, string>, settings = {}) =>
  describeService({ name: 'shop_web', labels }, { ...defaultLabelSettings, ...settings });

t.test('only notify=true takes part, in any case; one that was likely meant to is told', async (t) => {
  for (const value of ['true', 'TRUE', 'True', ' true ']) t.ok(of({ 'com.df.notify': value }).takesPart, value);
  for (const value of ['false', 'False'])
    t.same(of({ 'com.df.notify': value, 'com.df.port': '80' }), { takesPart: false, problems: [] });
  for (const value of ['yes', '1', 'on'])
    t.match(of({ 'com.df.notify': value }), {
      takesPart: false,
      problems: [{ severity: 'warning', label: 'com.df.notify' }],
    });
  for (const label of ['port', 'servicePath.2', 'alertIf', 'alertIf.1', 'scrapePort'])
    t.match(of({ [`com.df.${label}`]: '1' }), {
      takesPart: false,
      problems: [
        { severity: 'warning', label: `com.df.${label}`, message: /does not take part without com\.df\.notify=true/ },
      ],
    });
  t.same(
    of({ 'com.df.scaleMin': '2', other: 'x' }),
    { takesPart: false, problems: [] },
    'the scaler asks for no notify',
  );
  t.same(of({}), { takesPart: false, problems: [] });
});

t.test('another notify label takes any value but false; the prefix is a setting', async (t) => {
  const settings = { notifyLabel: 'com.docker.stack.namespace' };
  t.ok(of({ 'com.docker.stack.namespace': 'shop' }, settings).takesPart);
  for (const value of ['false', 'FALSE', '']) t.notOk(of({ 'com.docker.stack.namespace': value }, settings).takesPart);
  t.notOk(of({ 'com.df.notify': 'true' }, settings).takesPart);
  const acme = { prefix: 'acme.', notifyLabel: 'acme.notify' };
  t.match(routes({ port: '80', servicePath: '/' }, acme), [{ port: 80 }]);
  t.same(routes({ port: '80' }, { prefix: 'com.docker.', notifyLabel: 'com.docker.stack.namespace' }), []);
});

t.test('what the operator sets as default holds where a label is absent', async (t) => {
  const defaults = { reqMode: 'tcp', srcPort: '99', timeoutServer: 'nonsense', nobody: 'x' };
  t.match(routes({ port: '80' }, { defaults }), [{ mode: 'tcp', sourcePort: 99, timeouts: { server: undefined } }]);
  t.match(routes({ port: '80', reqMode: 'http', servicePath: '/' }, { defaults }), [{ mode: 'http' }]);
});

t.test('a label that nobody knows is a warning with the nearest name, and is kept', async (t) => {
  const { description, problems } = describe({ servicePaht: '/', env: 'prod', 'prot.2': '1' });
  t.same(
    problems.map(({ severity, message }) => [severity, message]),
    [
      ['warning', "com.df.servicePaht is not known (did you mean 'com.df.servicePath'?)"],
      ['warning', 'com.df.env is not known; it is kept for the monitor'],
      ['warning', "com.df.prot.2 is not known (did you mean 'com.df.port.2'?)"],
    ],
  );
  t.same(description?.others, { servicePaht: '/', env: 'prod', 'prot.2': '1' });
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
    t.same(Object.entries(describe(Object.fromEntries([[name, 'x']])).description!.others), [[name, 'x']]);
});

t.test('what cannot be honoured, and names of old, say so', async (t) => {
  for (const [label, value, told] of [
    ['sessionType', 'cookie', /is 'cookie', which is not known; only sticky-server/],
    ['discoveryType', 'DNS', /no longer needed/],
    ['checkResolvers', 'true', /no longer needed/],
    ['xForwardedProto', 'true', /no longer needed/],
    ['connectionMode', 'http-tunnel', /HAProxy no longer has; http-keep-alive is used/],
    ['addHeader', 'X-A b', /write addReqHeader/],
    ['serviceDomainMatchAll', 'true', /write serviceDomainAlgo/],
    ['cron.schedule', '@daily', /no scheduled jobs/],
    ['compressionType', 'text/html', /without compressionAlgo/],
  ] as const)
    t.match(warnings({ [label]: value }), [told], label);
  t.same(warnings({ distribute: 'true', scaleWorkerNodeMin: '2', notifyService: '' }), []);
});

t.test('options of the whole service', async (t) => {
  const { proxy } = describe({
    sessionType: 'sticky-server',
    connectionMode: 'forceclose',
    compressionAlgo: 'gzip',
    compressionType: 'text/css text/html',
    addReqHeader: 'X-Port %[dst_port],X-Ssl on if { ssl_fc },X-Plain on unless { ssl_fc }',
    setResHeader: 'Cache-Control no-cache,no-store,Strict-Transport-Security "max-age=1;\\ preload",X-A: b',
    delResHeader: 'Server,X-Powered-By',
    setHeader: 'X-Old 1',
    users: 'alice:a:b, bob',
    templateFePath: '/templates/shop.tmpl',
    hsts: '180d',
  }).description!;
  t.match(proxy, {
    sticky: true,
    connectionMode: 'httpclose',
    compression: { algorithms: ['gzip'], types: ['text/css', 'text/html'] },
    headers: {
      request: {
        add: [
          { name: 'X-Port', value: '%[dst_port]' },
          { name: 'X-Ssl', value: 'on', when: 'tls' },
          { name: 'X-Plain', value: 'on', when: 'plain' },
        ],
        set: [{ name: 'X-Old', value: '1' }],
        delete: [],
      },
      response: {
        add: [],
        set: [
          { name: 'Cache-Control', value: 'no-cache,no-store' },
          { name: 'Strict-Transport-Security', value: 'max-age=1; preload' },
          { name: 'X-A', value: 'b' },
        ],
        delete: ['Server', 'X-Powered-By'],
      },
    },
    users: [{ name: 'alice', password: 'a:b', encrypted: false }],
    userNames: ['bob'],
    templates: { frontend: 'shop.tmpl' },
    checkPath: 'auto',
    hsts: 15_552_000,
  });
});

t.test('passwords and keys are in no message, and not in what may be shown', async (t) => {
  const pem =
    '-----BEGIN CERTIFICATE-----\nTOPSECRET\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nTOPSECRET\n-----END PRIVATE KEY-----';
  for (const labels of [
    { users: 'a b:TOPSECRET' },
    { users: 'alice:TOPSECRET', usersPassEncrypted: 'true' },
    { users: 'alice:TOPSECRET,alice:TOPSECRET' },
    { users: 'alice:TOPSECRET\u0000' },
    { serviceCert: 'TOPSECRET' },
    { serviceCert: `TOPSECRET${'x'.repeat(70_000)}` },
  ] as Record<string, string>[]) {
    t.ok(errors(labels).length > 0);
    t.notMatch(JSON.stringify(describe(labels)), 'TOPSECRET');
  }
  const { description } = describe({ users: 'alice:TOPSECRET', serviceCert: pem });
  t.match(JSON.stringify(description), 'TOPSECRET');
  t.notMatch(JSON.stringify(withoutSecrets(description!)), 'TOPSECRET');
  t.ok(describe({ users: 'alice:$6$salt$hash', usersPassEncrypted: 'true' }).description);
});

t.test(
  'what is too long, too much or holds control characters is refused, but a stranger’s label is only left out',
  async (t) => {
    t.match(errors({ servicePath: `/${'a'.repeat(60_000)}` }), [
      'com.df.servicePath has 60001 bytes; it may have 4096',
    ]);
    t.match(errors({ backendExtra: 'x'.repeat(8193) }), [/it may have 8192/]);
    t.match(describe({ env: 'x'.repeat(5000) }).description?.others, {});
    t.match(describe({ env: 'a\u0000' }).description?.others, {});
    const long = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`env${i}`, 'x'.repeat(4000)]));
    t.match(errors(long), [/is the longest of labels with \d+ bytes; all labels of a service may have 131072/]);
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`env${i}`, 'x']));
    t.match(errors(many), [/has 1002 labels; a service may have 1000/]);
    for (const text of ['/a\nserver x', '/a\u0000', '/a\rb', '/a\u007fb', '/a\tb'])
      t.match(errors({ port: '80', servicePath: text }), [/has a control character/], JSON.stringify(text));
    for (const name of ['backendExtra', 'userDef', 'alertIf']) {
      t.same(errors({ [name]: 'a\n\tb' }), [], name);
      t.match(errors({ [name]: 'a\u0007b' }), [/has a control character/], name);
    }
    const slips = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`prot.${i + 1}`, 'x']));
    t.equal(describe({ ...slips, port: '80a' }).problems.length, 100, 'as many problems as somebody reads');
    t.match(describe({ ...slips, port: '80a' }).problems[0], { severity: 'error' }, 'the worst first');
  },
);

t.test('certificates to get', async (t) => {
  t.match(describe({ 'letsencrypt.host': 'A.com,b.org', 'letsencrypt.email': 'me@a.com' }).description?.certificate, {
    hosts: ['a.com', 'b.org'],
    email: 'me@a.com',
    testing: false,
  });
  t.match(warnings({ 'letsencrypt.email': 'me@a.com' }), [/no effect without letsencrypt\.host/]);
});

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    ' ',
    ',',
    ':',
    '%',
    '"',
    "'",
    '\\',
    '\n',
    '}',
    '$',
    '((((',
    '[',
    '\u0000',
    'true',
    '/',
    '*',
    '-1',
    '1e999',
    '٣',
  ),
);
const name = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(...labelNames),
      fc.constantFrom('__proto__', 'constructor', '', '.', '.1'),
      fc.string({ maxLength: 20 }),
    ),
    fc.constantFrom('', '', '.1', '.2', '.07', '.9999', '.99999999999', '.x'),
  )
  .map(([base, index]) => `com.df.${base}${index}`);

t.test('reading never throws, is the same each time, and gives no description that has an error', async (t) => {
  await holds(
    t,
    fc.property(fc.array(fc.tuple(name, hostile), { maxLength: 30 }), (pairs) => {
      const labels = Object.fromEntries([...pairs, ['com.df.notify', 'true']]);
      const once = of(labels);
      const again = of(Object.fromEntries(Object.entries(labels)));
      const wrong = once.problems.some(({ severity, costs }) => severity === 'error' && costs === undefined);
      return (
        JSON.stringify(once) === JSON.stringify(again) &&
        (once.description === undefined) === wrong &&
        once.problems.every(({ label, message }) => message.startsWith(label) && message.length < 2000)
      );
    }),
    { numRuns: 2000 },
  );
});

t.test('no path, domain, header or name of a description can end a word of a configuration file', async (t) => {
  const breaking = /[\u0000-\u001f\u007f]/; // eslint-disable-line no-control-regex
  await holds(
    t,
    fc.property(hostile, hostile, hostile, fc.constantFrom('path_beg', 'path_reg'), (path, domain, other, pathType) => {
      const { description } = describe({
        port: '80',
        servicePath: path,
        serviceDomain: domain,
        pathType,
        serviceHeader: `X-A:${other}`,
        aclName: other,
        setReqHeader: `X-A ${other}`,
      });
      if (!description) return true;
      const [first] = description.destinations;
      const words = [...(first?.paths ?? []), ...(first?.domains ?? []).map(({ value }) => value), description.aclName];
      const values = [...(first?.headers ?? []), ...description.proxy.headers.request.set].map(({ value }) => value);
      return (
        words.every((word) => !/[\s"']/.test(word) && !breaking.test(word)) &&
        !values.some((value) => breaking.test(value))
      );
    }),
    { numRuns: 2000 },
  );
});

t.test('valid labels come back as they were written', async (t) => {
  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const path = fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
  const domain = fc.array(word, { minLength: 2, maxLength: 3 }).map((parts) => parts.join('.'));
  const one = fc.record({
    index: fc.integer({ min: 1, max: 9999 }),
    port: fc.integer({ min: 1, max: 65_535 }),
    paths: fc.uniqueArray(path, { minLength: 1, maxLength: 4 }),
    domains: fc.uniqueArray(domain, { maxLength: 3 }),
    httpsOnly: fc.boolean(),
    timeout: fc.integer({ min: 1, max: 10_000 }),
  });
  await holds(
    t,
    fc.property(fc.uniqueArray(one, { minLength: 1, maxLength: 8, selector: ({ index }) => index }), (wanted) => {
      const labels = Object.assign(
        {},
        ...wanted.map(({ index, port, paths, domains, httpsOnly, timeout }) => ({
          [`port.${index}`]: String(port),
          [`servicePath.${index}`]: paths.join(', '),
          [`serviceDomain.${index}`]: domains.join(),
          [`httpsOnly.${index}`]: String(httpsOnly),
          [`timeoutServer.${index}`]: String(timeout),
        })),
      ) as Record<string, string>;
      const got = routes(labels).map((each) => ({
        index: each.index,
        port: each.port!,
        paths: each.paths,
        domains: each.domains.map(({ value }) => value),
        httpsOnly: each.httpsOnly,
        timeout: each.timeouts.server! / 1000,
      }));
      return JSON.stringify(got) === JSON.stringify([...wanted].sort((a, b) => a.index - b.index));
    }),
  );
});
