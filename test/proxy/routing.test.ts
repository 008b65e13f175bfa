import fc from 'fast-check';
import t from 'tap';
import type { Destination, Domain } from '../../runner/labels/description';
import type { ProxiedService } from '../../runner/proxy/model';
import { ask, door, exact, freePorts, render, service, task } from './support';

const suffix = (value: string): Domain => ({ match: 'suffix', value });

/** Who answers a request. */
const asker =
  (port: number) =>
  async (host: string, path: string, headers: Record<string, string> = {}) => {
    const answer = await ask(port, path, { host, ...headers });
    return answer.status === 200 ? String(answer.headers['x-by']) : String(answer.status);
  };

/** A service that is told apart by a header of its answers, whoever is behind it. */
const marked = (name: string, port: number, parts: Partial<Destination>[], more: Partial<ProxiedService> = {}) =>
  service(
    name,
    parts.map((part) => ({ port, ...part })),
    {
      headers: {
        request: { add: [], set: [], delete: [] },
        response: { add: [], set: [{ name: 'X-By', value: name }], delete: [] },
      },
    },
    more,
  );

t.test('the most specific route wins: domain, wildcard, none, and then the longest path', async (t) => {
  const { port } = await task(t, 'task');
  const { port: at } = await door(t, [
    marked('any', port, [{ paths: ['/'] }]),
    marked('any-api', port, [{ paths: ['/api/v1'] }]),
    marked('wild', port, [{ domains: [suffix('.example.com')] }]),
    marked('wild-deep', port, [{ domains: [suffix('.example.com')], paths: ['/deep'] }]),
    marked('wilder', port, [{ domains: [suffix('.shop.example.com')], paths: ['/only'] }]),
    marked('shop', port, [{ domains: exact('shop.example.com'), paths: ['/shop', '/api'] }]),
    marked('exactly', port, [{ domains: exact('shop.example.com'), paths: ['/shop'], pathType: 'path' }]),
  ]);
  const who = asker(at);
  t.equal(await who('shop.example.com', '/shop/1'), 'shop');
  t.equal(await who('shop.example.com', '/shop'), 'exactly', 'a whole path before a begin');
  t.equal(await who('shop.example.com', '/api/v1'), 'shop', 'the domain before the longer path');
  t.equal(await who('shop.example.com', '/other'), 'wild', 'no path of the domain fits, so the wildcard does');
  t.equal(await who('a.shop.example.com', '/only'), 'wilder', 'the longer wildcard');
  t.equal(
    await who('a.shop.example.com', '/deep/1'),
    'wild-deep',
    'the shorter wildcard, where the longer has no path',
  );
  t.equal(await who('a.shop.example.com', '/'), 'wild');
  t.equal(await who('example.com', '/'), 'any', 'a wildcard is not the domain itself');
  t.equal(await who('elsewhere.org', '/api/v1/x'), 'any-api');
  t.equal(await who('elsewhere.org', '/api'), 'any');
});

t.test('case, port and a dot at the end of the host make no difference; a slash in it is refused', async (t) => {
  const { port } = await task(t, 'task');
  const { port: at } = await door(t, [
    marked('shop', port, [{ domains: exact('shop.example.com'), paths: ['/public'] }]),
  ]);
  const who = asker(at);
  for (const host of ['SHOP.example.COM', 'shop.example.com:8080', 'shop.example.com.', 'Shop.Example.com.:1'])
    t.equal(await who(host, '/public'), 'shop', host);
  t.equal(await who('shop.example.com/public', '/private'), '400', 'no path is smuggled in by the host');
  t.equal(await who('shop.example.com', '/private'), '404', 'where nothing fits');
  t.equal(await who('', '/public'), '404');
});

t.test('a condition that does not fit lets the request fall through', async (t) => {
  const { port } = await task(t, 'task');
  const header = (value: string) => ({ headers: [{ name: 'X-Version', value }] });
  const { port: at } = await door(t, [
    marked('plain', port, [{ domains: exact('shop.example.com'), paths: ['/api'] }]),
    marked('beta', port, [{ domains: exact('shop.example.com'), paths: ['/api'], ...header('beta') }]),
    marked('phones', port, [{ domains: exact('shop.example.com'), paths: ['/'], userAgents: ['iPhone', 'Android'] }]),
    marked('any-beta', port, [{ paths: ['/api/long/path'], ...header('beta') }]),
    marked('most', port, [
      { domains: [suffix('.com')], paths: ['/files'], excludedPaths: ['/files/secret', '/files/no'] },
    ]),
    marked('images', port, [{ paths: ['\\.(png|jpg)$'], pathType: 'path_reg' }]),
    marked('numbered', port, [{ domains: [{ match: 'regex', value: '^shop-[0-9]+\\.example\\.com$' }], paths: ['/'] }]),
    marked('certs', port, [{ paths: ['/.well-known/acme-challenge'] }]),
  ]);
  const who = asker(at);
  t.equal(await who('shop.example.com', '/api', { 'x-version': '2-beta' }), 'beta', 'conditions before none');
  t.equal(await who('shop.example.com', '/api/long/path', { 'x-version': 'beta' }), 'beta', 'domain before path');
  t.equal(await who('shop.example.com', '/api'), 'plain');
  t.equal(
    await who('shop.example.com', '/api', { 'user-agent': 'my iphone' }),
    'plain',
    'the longer path, without conditions',
  );
  t.equal(await who('shop.example.com', '/', { 'user-agent': 'my iphone' }), 'phones');
  t.equal(await who('shop.example.com', '/'), '404');
  t.equal(await who('elsewhere.com', '/api/long/path/1', { 'x-version': 'beta' }), 'any-beta');
  t.equal(await who('elsewhere.com', '/files/1'), 'most');
  t.equal(await who('elsewhere.com', '/files/secret/1'), '404');
  t.equal(await who('elsewhere.com', '/files/1.png'), 'most');
  t.equal(await who('elsewhere.com', '/files/no/1.png'), 'images');
  t.equal(await who('SHOP-12.example.com:80', '/'), 'numbered');
  t.equal(await who('shop.example.com', '/.well-known/acme-challenge/x'), 'certs', 'first of all, as in Docker Flow');
});

t.test('of two services on one place the older has it, and the younger is told', async (t) => {
  const { port } = await task(t, 'task');
  const { port: at, output } = await door(t, [
    marked('a-younger', port, [{ domains: exact('shop.example.com'), paths: ['/api', '/own'] }], {
      createdAt: '2026-02-01T00:00:00Z',
    }),
    marked('z-older', port, [{ domains: exact('shop.example.com'), paths: ['/api'] }], {
      createdAt: '2026-01-01T00:00:00Z',
    }),
  ]);
  const who = asker(at);
  t.equal(await who('shop.example.com', '/api'), 'z-older');
  t.equal(await who('shop.example.com', '/own'), 'a-younger', 'only the one route is refused');
  t.equal(output.refusals.length, 1, 'once, though there may be more ports');
  t.match(output.refusals[0], {
    service: 'a-younger',
    severity: 'error',
    message: /shop\.example\.com\/api belongs to z-older/,
  });
});

t.test('services with weights share a place', async (t) => {
  const { port } = await task(t, 'task');
  const at = { domains: exact('shop.example.com') };
  const { port: door1, output } = await door(t, [
    marked('blue', port, [{ ...at, weight: 80 }]),
    marked('green', port, [{ ...at, weight: 20 }]),
    marked('none', port, [{ ...at, weight: 0 }]),
  ]);
  t.same(output.refusals, []);
  const counts: Record<string, number> = {};
  for (let count = 0; count < 400; count++) {
    const by = await asker(door1)('shop.example.com', '/');
    counts[by] = (counts[by] ?? 0) + 1;
  }
  t.equal(counts.none, undefined);
  t.ok(counts.green! > 40 && counts.green! < 130, `green had ${counts.green} of 400`);
  t.equal(counts.blue! + counts.green!, 400);
});

t.test('a weight on one of them only shares nothing', (t) => {
  const { refusals } = render([service('blue', [{ weight: 80 }]), service('green')]);
  t.match(refusals, [{ service: 'green', severity: 'error' }]);
  t.end();
});

t.test('a default backend answers where nothing fits', async (t) => {
  const { port } = await task(t, 'task');
  const standard = marked('standard', port, [{ paths: ['/standard'] }]);
  standard.description.proxy.defaultBackend = true;
  const { port: at } = await door(t, [standard, marked('shop', port, [{ paths: ['/shop'] }])]);
  t.equal(await asker(at)('x', '/elsewhere'), 'standard');
  t.equal(await asker(at)('x', '/shop'), 'shop');
});

t.test('a route with a port of its own is there and nowhere else', async (t) => {
  const { port } = await task(t, 'task');
  const [own] = await freePorts(1);
  const { port: at } = await door(t, [
    marked('shop', port, [{ paths: ['/shop'] }]),
    marked('own', port, [{ paths: ['/'], sourcePort: own! }]),
  ]);
  t.equal(await asker(at)('x', '/'), '404');
  t.equal(await asker(own!)('x', '/shop'), 'own');
});

t.test('a service of another instance is not served', (t) => {
  const inner = service('inner', [{}], { instance: 'internal' });
  t.same(render([inner]).routes, []);
  t.equal(render([inner], { instance: 'internal' }).routes.length, 1);
  t.same(render([service('shop')], { instance: 'internal' }).routes, []);
  t.end();
});

interface Request {
  host: string;
  path: string;
  version: string;
}

interface Rule {
  domain: Domain | undefined;
  path: string;
  whole: boolean;
  version: string | undefined;
  excluded: string | undefined;
}

const fits = ({ domain, path, whole, version, excluded }: Rule, request: Request): boolean =>
  (!domain || (domain.match === 'exact' ? request.host === domain.value : request.host.endsWith(domain.value))) &&
  (whole ? request.path === path : request.path.startsWith(path)) &&
  (version === undefined || request.version.includes(version)) &&
  (excluded === undefined || (whole ? request.path !== excluded : !request.path.startsWith(excluded)));

/** The order of docs/routing.md, said in another way than the code does. */
const rank = ({ domain, path, whole, version, excluded }: Rule): number[] => [
  domain === undefined ? 0 : domain.match === 'exact' ? 2 : 1,
  domain?.match === 'suffix' ? domain.value.length : 0,
  path.length,
  whole ? 1 : 0,
  version !== undefined || excluded !== undefined ? 1 : 0,
];

const higher = (a: number[], b: number[]): number => {
  const at = a.findIndex((each, index) => each !== b[index]);
  return at < 0 ? 0 : b[at]! - a[at]!;
};

t.test('HAProxy chooses as the documented order says, whatever the routes', async (t) => {
  const { port } = await task(t, 'task');
  const hosts = ['b.a.x.com', 'a.x.com', 'x.com', 'y.org', 'ba.x.com'];
  const paths = ['/', '/a', '/a/b', '/ab', '/a/b/c', '/b'];
  const rule: fc.Arbitrary<Rule> = fc.record({
    domain: fc.option(
      fc.oneof(
        fc.constantFrom(...hosts).map((value): Domain => ({ match: 'exact', value })),
        fc.constantFrom('.x.com', 'a.x.com', '.a.x.com', '.org', 'x.com').map(suffix),
      ),
      { nil: undefined },
    ),
    path: fc.constantFrom(...paths),
    whole: fc.boolean(),
    version: fc.option(fc.constantFrom('1', '2'), { nil: undefined, freq: 2 }),
    excluded: fc.option(fc.constantFrom('/a/b', '/ab'), { nil: undefined, freq: 1 }),
  });
  for (const seed of [1, 2, 3]) {
    const [sample] = fc.sample(
      fc.uniqueArray(rule, { minLength: 25, maxLength: 25, selector: (each) => JSON.stringify(each) }),
      { numRuns: 1, seed },
    );
    const rules = new Map(sample!.map((each, index) => [`s${index}`, each]));
    const services = [...rules].map(([name, { domain, path, whole, version, excluded }]) =>
      marked(name, port, [
        {
          ...(domain ? { domains: [domain] } : {}),
          paths: [path],
          pathType: whole ? 'path' : 'path_beg',
          ...(version === undefined ? {} : { headers: [{ name: 'X-Version', value: version }] }),
          ...(excluded === undefined ? {} : { excludedPaths: [excluded] }),
        },
      ]),
    );
    const { port: at } = await door(t, services);
    for (const host of [...hosts, 'z.y.org', 'nowhere']) {
      for (const path of [...paths, '/a/bc', '/z']) {
        for (const version of ['1', '2', '']) {
          const request = { host, path, version };
          const best = [...rules]
            .filter(([, each]) => fits(each, request))
            .sort(([, a], [, b]) => higher(rank(a), rank(b)));
          const equal = best.filter(([, each]) => higher(rank(each), rank(best[0]![1])) === 0).map(([name]) => name);
          const got = await asker(at)(host, path, { 'x-version': version });
          const wanted = equal.length > 0 ? equal : ['404'];
          if (!wanted.includes(got))
            t.fail(`seed ${seed}: ${JSON.stringify(request)} went to ${got}, not ${wanted.join(' or ')}`);
        }
      }
    }
    t.pass(`seed ${seed}`);
  }
});
