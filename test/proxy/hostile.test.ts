import fc from 'fast-check';
import t from 'tap';
import type { Destination, NamedValue, ProxyOptions } from '../../runner/labels/description';
import type { ProxiedService } from '../../runner/proxy/model';
import { guiltyServices } from '../../runner/proxy/guilty';
import { hasControlCharacter } from '../../runner/proxy/text';
import { holds } from '../common/support';
import { check, complaints, render, service } from './support';

/** What could end a word, a line, a section or an expression. */
const bits = [
  '"',
  "'",
  '\\',
  '#',
  '$',
  '${HOME}',
  '%',
  '%[env(PATH)]',
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ',',
  ' ',
  '--',
  '-f',
  '|',
  '!',
  'or',
  'if',
  'global',
  'ü',
  '\u2028',
  '/',
  'a',
  '0',
  ';',
  '`',
];
const hostile = fc.array(fc.constantFrom(...bits), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
/** The same, with what no line may hold. */
const worse = fc.oneof(
  { weight: 9, arbitrary: hostile },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('\n', 'a\nglobal\n', '\0', 'a\r', '\u0007')
      .chain((bad) => hostile.map((text) => text + bad)),
  },
);
const escapeExpression = (text: string) => text.replace(/[\\^$.*+?()[\]{}|#]/g, '\\$&');

const named = (text: fc.Arbitrary<string>): fc.Arbitrary<NamedValue[]> =>
  fc.array(fc.record({ name: fc.constantFrom('X-A', "X'A", 'X#$`|~!%&*+^_.-'), value: text }), { maxLength: 2 });

const part = (text: fc.Arbitrary<string>): fc.Arbitrary<Partial<Destination>> =>
  fc.record(
    {
      paths: fc.array(text, { minLength: 1, maxLength: 3 }),
      pathType: fc.constantFrom('path', 'path_beg', 'path_dir', 'path_dom', 'path_end', 'path_sub'),
      excludedPaths: fc.array(text, { maxLength: 2 }),
      domains: fc.array(
        fc.record({ match: fc.constantFrom('exact', 'suffix', 'prefix', 'contains', 'domain'), value: text }),
        { maxLength: 3 },
      ),
      headers: named(text),
      userAgents: fc.array(text, { maxLength: 2 }),
      allowedMethods: fc.array(text, { maxLength: 2 }),
      redirectFrom: fc.array(fc.record({ match: fc.constantFrom('exact', 'suffix'), value: text }), { maxLength: 1 }),
      rewrites: fc.array(
        fc.record({
          search: text.map(escapeExpression),
          replace: text,
          flags: fc.constantFrom('g', 'i', text as never),
        }),
        { maxLength: 2 },
      ),
      userDefined: text,
      group: text,
      balanceGroup: text,
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Partial<Destination>>;

const options = (text: fc.Arbitrary<string>): fc.Arbitrary<Partial<ProxyOptions>> =>
  fc.record(
    {
      connectionMode: text,
      users: fc.uniqueArray(fc.record({ name: text, password: text, encrypted: fc.boolean() }), {
        maxLength: 2,
        selector: ({ name }) => name,
      }),
      backendExtra: text,
      templates: fc.record({ frontend: text, backend: text }),
      sticky: fc.boolean(),
      headers: fc.record({
        request: fc.record({ add: named(text), set: named(text), delete: fc.array(text, { maxLength: 2 }) }),
        response: fc.record({ add: named(text), set: named(text), delete: fc.array(text, { maxLength: 2 }) }),
      }),
    },
    { requiredKeys: [] },
  );

const hostileService = (index: number, text: fc.Arbitrary<string>): fc.Arbitrary<ProxiedService> =>
  fc
    .record({ parts: fc.array(part(text), { minLength: 1, maxLength: 2 }), proxy: options(text), check: text })
    .map(({ parts, proxy, check }) =>
      service(
        `s${index}`,
        parts.map((each) => ({ ...each, headers: each.headers ?? [] })),
        proxy,
        { check: { path: `/${check}` } },
      ),
    );

const services = (count: number, text: fc.Arbitrary<string>) =>
  fc.tuple(...Array.from({ length: count }, (_, index) => hostileService(index, text)));

/** First words that a line of ours may have. */
const words = new Set(
  'global default-path fd-hard-limit hard-stop-after spread-checks httpclient.ssl.verify log resolvers nameserver accepted_payload_size resolve_retries timeout hold defaults mode log-format option load-server-state-from-file balance retries srvtcpka-idle srvtcpka-intvl srvtcpka-cnt default-server http-reuse retry-on frontend bind http-request http-response backend server server-template acl use_backend default_backend userlist user cookie dynamic-cookie-key http-check #'.split(
    ' ',
  ),
);

t.test('no text of a label puts a directive into the file', async (t) => {
  await holds(
    t,
    fc.property(services(2, worse), (all) => {
      const { files } = render(all);
      const strange = files['haproxy.cfg']!.split('\n')
        .map((line) => line.trim().split(' ')[0]!)
        .filter((word) => word !== '' && !words.has(word));
      if (strange.length > 0) throw new Error(`unexpected: ${strange.join(', ')}`);
      return Object.values(files).every((text) => !hasControlCharacter(text.replaceAll('\n', '')));
    }),
    { numRuns: 1000 },
  );
});

t.test('HAProxy takes the file, whatever is in the labels', async (t) => {
  const [all] = fc.sample(services(150, hostile), { numRuns: 1, seed: 7 });
  const output = render(all!);
  t.same(await complaints(t, output), []);
  t.ok(output.routes.length > 100, 'and most of them are served');
});

t.test('a line break or a control character refuses the service, by name', (t) => {
  for (const text of ['a\nglobal', 'a\0', 'a\r\n']) {
    const { refusals, routes } = render([service('bad', [{ paths: [text] }]), service('good')]);
    t.match(refusals, [{ service: 'bad', severity: 'error', message: /paths has a line break or another control/ }]);
    t.same(
      routes.map((route) => route.service).filter((name) => name !== 'good'),
      [],
    );
  }
  t.end();
});

t.test('lines of the operator’s kind are for services that the operator lists', (t) => {
  const own = service('own', [{}], { backendExtra: 'option httpclose', templates: { frontend: 'x' } });
  const left = render([own]);
  t.match(left.refusals, [{ service: 'own', severity: 'warning', message: /TRUSTED_SERVICES/ }]);
  t.notMatch(left.files['haproxy.cfg'], /option httpclose/);
  t.equal(left.routes.length, 1, 'it is served without them');
  const trusted = render([own], { trustedServices: ['own'] });
  t.match(trusted.files['haproxy.cfg'], /option httpclose/);
  t.match(trusted.refusals, [{ message: /no template 'x'/ }]);
  t.end();
});

t.test('HAProxy’s message leads to the service whose label it refuses', async (t) => {
  const bad = {
    'bad-regex': { paths: ['(?<x'], pathType: 'path_reg' as const },
    'bad-rewrite': { paths: ['/r'], rewrites: [{ search: '(?<n>a)(?<n>b', replace: '' }] },
    'bad-domain': { paths: ['/r'], domains: [{ match: 'regex' as const, value: '(?<x' }] },
  };
  let config = '';
  for (const [name, part] of Object.entries(bad)) {
    const output = render([service('a'), service(name, [part]), service('z', [{ paths: ['/z'], userAgents: ['x'] }])]);
    const { valid, said } = await check(t, output);
    t.notOk(valid);
    config = output.files['haproxy.cfg']!;
    t.same(guiltyServices(config, said), [name], said);
  }
  t.same(guiltyServices(config, 'something else'), []);
  const lines = config.split('\n');
  const at = (text: string) => lines.findIndex((line) => line.includes(text)) + 1;
  t.same(guiltyServices(config, `[ALERT] (1) : config : parsing [/x/haproxy.cfg:${at('use_backend %[')}] : no`), []);
  t.same(
    guiltyServices(
      config,
      `[WARNING] (1) : [/x/haproxy.cfg:${at('backend z:0')}]\n[ALERT] (1) : [/x/haproxy.cfg:1] : no`,
    ),
    [],
  );
  t.same(guiltyServices(config, `[ALERT] (1) : [/x/haproxy.cfg:${at('backend z:0') + 1}] : no`), ['z']);
  t.same(guiltyServices(config, "[ALERT] (1) : config : Proxy 'z:0': no"), ['z']);
  t.same(guiltyServices(config, '[ALERT] (1) : unable to load certs/service-a.pem and certs/service-other.pem'), ['a']);
  await holds(
    t,
    fc.property(fc.string(), fc.string(), (text, message) => guiltyServices(text, message).length >= 0),
  );
});
