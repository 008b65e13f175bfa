import fc from 'fast-check';
import t from 'tap';
import { Refusal } from '../../runner/labels/definition';
import { readDomain, readPath } from '../../runner/labels/match';
import { definitionOf, labelNames, type LabelName } from '../../runner/labels/table';
import { holds } from '../common/support';
import { describe } from './support';

/** What else a label needs to make sense. */
const company: Partial<Record<LabelName, Record<string, string>>> = {
  compressionType: { compressionAlgo: 'gzip' },
  reqMode: { srcPort: '5432' },
  redirectFromDomain: { serviceDomain: 'shop.example.com' },
  reqPathReplace: { reqPathSearch: '/x' },
  usersPassEncrypted: { users: 'alice:$6$salt$hash' },
  'letsencrypt.email': { 'letsencrypt.host': 'shop.example.com' },
  'letsencrypt.testing': { 'letsencrypt.host': 'shop.example.com' },
  alertName: { alertIf: 'up == 0' },
  scaleMin: { scaleMax: '9' },
};
for (const name of ['metricsPath', 'scrapeInterval', 'scrapeTimeout', 'scrapeType'] as const)
  company[name] = { scrapePort: '9090' };
for (const name of ['alertIf', 'alertFor', 'alertLabels', 'alertAnnotations', 'alertPersistent'] as const)
  company[name] = { alertName: 'memory', alertIf: 'up == 0' };

const pem =
  '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----';
/** Values that cannot be the example of the reference, or that have more to show. */
const good: Partial<Record<LabelName, string[]>> = {
  serviceCert: [pem, pem.replaceAll('\n', '\\n')],
  notify: ['true', 'TRUE', ' True '],
  servicePath: ['/', '/api,/shop', ' /api , /shop ', '/a%20b;v=1'],
  serviceDomain: ['acme.com', '*.acme.com', '*acme.com', '*', 'LOCALHOST', 'a_b.acme.com', 'acme.com:8080'],
  pathType: ['path', 'path_beg', 'path_reg', 'path_end', 'path_sub', 'path_dir', 'path_dom'],
  serviceDomainAlgo: ['hdr(host)', 'hdr_dom(host)', 'hdr_beg(host)', 'hdr_end()', 'req.ssl_sni', 'hdr_dom(host) -i'],
  timeoutServer: ['20', '0.5', '500ms', '20s', '5m', '1h', '1m30s'],
  connectionMode: ['http-keep-alive', 'http-server-close', 'httpclose', 'forceclose', 'http-tunnel'],
  httpsOnly: ['true', 'True', 'TRUE', '1', 't', 'false', '0', 'F'],
  compressionType: ['text/css text/html', 'text/css,text/html'],
  compressionAlgo: ['gzip', 'gzip deflate', 'gzip,deflate'],
  reqPathSearchReplace: ['/a/,/b/', '/a/,', '^/a(.*),/b\\1,g', '/a/,/b/:/c/,/d/'],
  allowFrom: ['local', '10.0.0.0/8', '192.0.2.1,2001:db8::/32', '::1'],
  rateLimit: ['100/10s', '20/s', '1/1h', '5 / 1m'],
  scaleUpBy: ['1', '50%'],
  scalePaused: ['up', 'down', 'all', 'true', 'false'],
  checkPath: ['auto', 'none', '/', '/healthz?full=1'],
  weight: ['0', '256'],
  port: ['1', '65535'],
  hsts: ['31536000', '180d'],
  users: ['a:b', 'a:b, c:d', 'a:b:c', 'alice', 'a:b\nc:d'],
  alertFor: ['30', '30s', '1h30m', '2d'],
  alertLabels: ['severity=high,receiver=system', 'a=b=c'],
  alertAnnotations: ['summary=more than 80%, or so', 'a="b", description=c'],
  addReqHeader: ['X-A b', 'X-A: b', 'X-A b,X-C d', 'X-A on if { ssl_fc }', 'X-A "b\\ c"'],
};

/** Values that are refused. Labels that take any text are not here, and the next test holds that. */
const bad: Partial<Record<LabelName, string[]>> = {
  servicePath: ['/a b', '/a"b', "/a'b", '/a#b', '/a?b', '/{id}', '/é', `/${'a'.repeat(1001)}`, ','],
  servicePathExclude: ['/a b', ','],
  pathType: ['path_begin', 'url_beg', 'path_beg /x', 'constructor', 'req_ssl_sni -m toString'],
  serviceDomain: ['acme .com', 'acme/com', '-acme.com', 'a..b', 'büro.de', '*.*.com', ','],
  serviceDomainAlgo: ['hdr', 'hdr_begin(host)', 'hdr(cookie)', 'path_beg'],
  serviceHeader: ['X-Version', ':3', 'X Version:3', 'X-Version:'],
  userAgent: [','],
  port: ['80a', '0', '65536', '-1', '80.5', '0x50', '٨٠'],
  httpsPort: ['https'],
  srcPort: ['tcp'],
  srcHttpsPort: ['70000'],
  reqMode: ['udp', 'HTTP'],
  outboundHostname: ['http://acme.com', 'acme.com:80', 'a b', '-acme.com'],
  aclName: ['a b', 'a/b', '', '-a'].filter(Boolean),
  isDefaultBackend: ['yes'],
  proxyInstanceName: ['a b'],
  allowedMethods: ['GET POST', 'G€T', ','],
  deniedMethods: ['GET;POST'],
  denyHttp: ['yes'],
  httpsOnly: ['yes', 'on', 'nope', 'truee'],
  httpsRedirectCode: ['200', '3011', 'moved'],
  redirectFromDomain: ['a b', 'http://acme.com'],
  reqPathSearchReplace: ['/a/', '/a/,/b/,x', '(,x', 'a,b,g,i', ',b'],
  timeoutServer: ['soon', '-1', '0', '25d', '20 s', '1e3'],
  timeoutTunnel: ['soon'],
  timeoutClient: ['5 minutes'],
  allowFrom: ['10.0.0.0/33', '300.0.0.1', 'everyone', '10.0.0.0/8;10.1.0.0/16', '::1]/64', '10.0.0.0/8 x'],
  weight: ['257', '-1', '10%'],
  rateLimit: ['100', '0/s', '10/0s', '10/2h', 'x/s', '100/10ms'],
  protocol: ['http3', 'H2'],
  maintenance: ['soon'],
  checkTcp: ['yes'],
  clitcpka: ['yes'],
  serviceGroup: ['a b'],
  balanceGroup: ['random(2)', 'uri'],
  connectionMode: ['keep-alive'],
  compressionAlgo: ['brotli', 'gzip\\nserver x'],
  compressionType: ['html', 'text/html;x'],
  checkPath: ['healthz', '/a b', '/a?b?c', '/a?b"c'],
  addReqHeader: [
    'X-A',
    ':b',
    'X-A "" if { ssl_fc }',
    'X-A b if { src 10.0.0.1 }',
    'X-A b if { ssl_fc } { src ::1 }',
    'X-A b unless {',
    'X(A) b',
  ],
  setReqHeader: ['X-A'],
  delReqHeader: ['X A', 'X-A:b'],
  addResHeader: ['X-A'],
  setResHeader: ['X-A'],
  delResHeader: ['X"A'],
  addHeader: ['X-A'],
  setHeader: ['X-A'],
  users: ['a b:c', ':c', 'a:b,:c', '{}:x'],
  usersSecret: ['../x', 'a b'],
  usersPassEncrypted: ['yes'],
  ignoreAuthorization: ['yes'],
  verifyClientSsl: ['required'],
  sslVerifyNone: ['none'],
  redirectWhenHttpProto: ['yes'],
  redirectUnlessHttpsProto: ['yes'],
  hsts: ['0', 'true', '99999d'],
  serviceCert: ['cert.pem', pem.split('\n').slice(0, 3).join('\n')],
  'letsencrypt.host': ['localhost', '*.acme.com', 'a b.com'],
  'letsencrypt.email': ['admin', 'a b@acme.com'],
  'letsencrypt.testing': ['maybe'],
  templateFePath: ['a b', '/', 'x;y'],
  templateBePath: ['a b'],
  shortName: ['yes'],
  scrapePort: ['metrics'],
  metricsPath: ['metrics', '/a b', '/"'],
  scrapeInterval: ['often'],
  scrapeTimeout: ['0'],
  scrapeType: ['static'],
  scrapeNetwork: ['a b'],
  alertName: ['a b', '{x}'],
  alertFor: ['a while', '30 s', '1.5m', 's'],
  alertLabels: ['high', '1a=b', 'a-b=c'],
  alertAnnotations: ['just text'],
  alertPersistent: ['yes'],
  scaleMin: ['-1', '1.5', 'few', '10001'],
  scaleMax: ['many'],
  scaleUpBy: ['0', '-1', '1001%', 'double'],
  scaleDownBy: ['0'],
  scaleCooldownUp: ['soon'],
  scaleCooldownDown: ['soon'],
  scaleStabilizationUp: ['soon'],
  scaleStabilizationDown: ['soon'],
  scaleStepLimit: ['0'],
  scalePaused: ['yes'],
  reschedule: ['yes'],
  scaleManagerNodeMin: ['x'],
  scaleManagerNodeMax: ['x'],
  scaleManagerNodeUpBy: ['x'],
  scaleManagerNodeDownBy: ['x'],
  scaleWorkerNodeMin: ['x'],
  scaleWorkerNodeMax: ['x'],
  scaleWorkerNodeUpBy: ['x'],
  scaleWorkerNodeDownBy: ['x'],
  serviceDomainMatchAll: ['yes'],
  reqPathSearch: ['('],
};

const base = { port: '8080', servicePath: '/x' };

t.test('a wrong value is refused with the label, the value and what is allowed, with and without index', async (t) => {
  for (const [name, values] of Object.entries(bad) as [LabelName, string[]][]) {
    const { indexed, secret, form, group } = definitionOf(name);
    for (const value of values)
      for (const written of indexed ? [name, `${name}.3`] : [name]) {
        const { description, problems } = describe({ ...base, ...company[name], [written]: value });
        const label = `com.df.${written}`;
        const error = problems.find((each) => each.severity === 'error' && each.label === label);
        t.ok(error, `${written}=${value}`);
        const costs = group === 'alerts' ? 'alert' : group === 'scrape' ? 'metrics' : undefined;
        t.equal(error?.costs, costs);
        t.equal(description === undefined, costs === undefined, 'a wrong alert or scrape label costs no route');
        t.match(error?.message, new RegExp(`^${label.replaceAll('.', '\\.')} `));
        t.ok(error!.message.length < 600);
        if (secret) t.notMatch(error?.message, value);
        else if (error!.message.includes('it must be')) t.ok(error!.message.endsWith(form.allowed));
      }
  }
});

t.test('every label that can be wrong has a wrong value above', async (t) => {
  const anything = labelNames.filter((name) => definitionOf(name).form.name === 'text');
  t.same(
    labelNames.filter((name) => !(name in bad) && !anything.includes(name)),
    [],
  );
});

t.test('a good value of every label is taken, the example of the reference among them', async (t) => {
  for (const name of labelNames) {
    const { indexed, remark, example } = definitionOf(name);
    for (const value of good[name] ?? [example])
      for (const written of indexed ? [name, `${name}.3`] : [name]) {
        const rest: Record<string, string> =
          written.endsWith('.3') && name.startsWith('alert') ? { 'alertName.3': 'a', 'alertIf.3': 'up' } : {};
        const { takesPart, description, problems } = describe({
          ...base,
          ...company[name],
          ...rest,
          [written]: value,
        });
        t.ok(takesPart && description, `${written}=${value} ${problems.map(({ message }) => message).join()}`);
        t.same(description?.others, {}, 'it is known');
        if (remark) t.match(problems, [{ severity: 'warning', message: new RegExp(remark.slice(0, 12)) }]);
      }
  }
});

t.test('what the editor is told to take has room for every good value', async (t) => {
  for (const name of labelNames) {
    const { form, example } = definitionOf(name);
    if (!form.pattern) continue;
    for (const value of good[name] ?? [example])
      t.match(value.trim(), new RegExp(`^(?:${form.pattern})$`), `${name}=${value}`);
  }
});

t.test('no form throws, whatever the text and the separator', async (t) => {
  await holds(
    t,
    fc.property(fc.constantFrom(...labelNames), fc.string({ unit: 'binary' }), fc.string(), (name, text, separator) => {
      const value = definitionOf(name).form.read(text, separator);
      return value instanceof Refusal || value !== undefined;
    }),
    { numRuns: 3000 },
  );
});

t.test('no text that may be written keeps a form busy', async (t) => {
  const begins = ['', 'x', 'a:b if { ', 'a b', '*', 'a.'];
  const parts = [' ', 'a', 'a ', '{', ' if {', 'if ', 'a.', '\t', ',', 'a=', '-', '1s', '(', '/', 'a-'];
  const texts = parts.flatMap((part) => begins.map((begin) => `${begin}${part.repeat(4000 / part.length)}\u0001`));
  const start = performance.now();
  for (const text of texts) {
    for (const name of labelNames) definitionOf(name).form.read(text, ',');
    for (const match of ['exact', 'suffix', 'regex'] as const) readDomain(text, match);
    for (const type of ['path_beg', 'path_reg'] as const) readPath(text, type);
  }
  const took = performance.now() - start;
  t.ok(took < 10_000, `${labelNames.length * texts.length} texts took ${took.toFixed(0)} ms`);
});

t.test('every line of the reference is whole', async (t) => {
  for (const name of labelNames) {
    const { meaning, example, form } = definitionOf(name);
    t.match(meaning, /^[A-Z].*\.$/, name);
    t.ok(example && form.name && form.allowed, name);
  }
});
