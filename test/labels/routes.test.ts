import t from 'tap';
import { errors, route, routes, warnings } from './support';

const shape = (labels: Record<string, string>) =>
  routes(labels).map(({ index, port, paths, domains }) => [
    index,
    port,
    paths.join(),
    domains.map((d) => d.value).join(),
  ]);

t.test('a route without the port of its tasks is refused, and says which label is missing', async (t) => {
  t.same(errors({ servicePath: '/' }), ['com.df.port is missing: a route needs the port of the tasks']);
  t.same(errors({ 'servicePath.1': '/a', 'servicePath.2': '/b', 'port.1': '80' }), [
    'com.df.port.2 is missing: a route needs the port of the tasks',
  ]);
  t.same(errors({ servicePath: '/', port: '80a' }).length, 1, 'a wrong port is not missing as well');
  t.match(routes({ servicePath: '/', httpsPort: '443' }), [{ port: undefined, httpsPort: 443 }]);
});

t.test('a port without path and domain is not for the proxy', async (t) => {
  t.same(routes({ port: '9100', scrapePort: '9100' }), []);
  t.same(warnings({ port: '9100' }), []);
  t.match(warnings({ port: '9100', isDefaultBackend: 'true' }), [/isDefaultBackend has no effect without/]);
});

t.test('a domain without path takes every path; a star alone takes every domain', async (t) => {
  t.match(routes({ port: '80', serviceDomain: 'acme.com' }), [{ paths: ['/'], domains: [{ value: 'acme.com' }] }]);
  t.same(shape({ port: '80', serviceDomain: '*' }), [[0, 80, '/', '']]);
});

t.test('indexes are the union over the labels, in order of number, each with the values without index', async (t) => {
  t.same(
    shape({
      'port.1': '1',
      'port.2': '2',
      'port.3': '3',
      'port.4': '4',
      'serviceDomain.1': 'one.com',
      'serviceDomain.3': 'three.com',
      'servicePath.2': '/two',
      'servicePath.4': '/four',
    }),
    [
      [1, 1, '/', 'one.com'],
      [2, 2, '/two', ''],
      [3, 3, '/', 'three.com'],
      [4, 4, '/four', ''],
    ],
  );
  t.same(shape({ port: '80', 'servicePath.10': '/ten', 'servicePath.9': '/nine', 'servicePath.25': '/more' }), [
    [9, 80, '/nine', ''],
    [10, 80, '/ten', ''],
    [25, 80, '/more', ''],
  ]);
  t.same(
    routes({ port: '80', servicePath: '/', 'srcPort.1': '80', 'srcPort.2': '443' }).map((each) => each.sourcePort),
    [80, 443],
  );
});

t.test('with indexes, what has none only fills in; it is no route of its own', async (t) => {
  t.same(shape({ port: '80', servicePath: '/all', 'servicePath.1': '/one', 'port.2': '81' }), [
    [1, 80, '/one', ''],
    [2, 81, '/all', ''],
  ]);
  const [first, second] = routes({
    port: '80',
    servicePath: '/',
    httpsOnly: 'true',
    'httpsOnly.2': 'false',
    'port.1': '81',
  });
  t.match([first?.httpsOnly, second?.httpsOnly], [true, false]);
  t.match(routes({ port: '80', 'servicePath.1': '/a', 'servicePath.2': '' }).length, 1, 'an empty label is absent');
  const lost = { port: '80', servicePath: '/all', 'servicePath.1': '/one' };
  t.match(warnings(lost), [/^com\.df\.servicePath has no effect/], 'which nobody sees who is not told');
  t.same(warnings({ ...lost, 'port.2': '81' }), [], 'it fills in');
});

t.test('an index on what takes none, and one that is no number, are told', async (t) => {
  t.match(warnings({ 'backendExtra.1': 'x' }), [
    /com\.df\.backendExtra\.1 has an index, which backendExtra does not take/,
  ]);
  for (const label of ['port.0', 'port.01', 'port.10000'])
    t.match(warnings({ [label]: '80' }), [/an index is a number from 1 to 9999/], label);
});

t.test('mode tcp needs a port of the proxy; a route by HTTP beside it does not', async (t) => {
  t.same(errors({ reqMode: 'tcp', port: '6379' }), ['com.df.srcPort is missing: mode tcp needs a port of the proxy']);
  t.match(routes({ reqMode: 'tcp', port: '6379', srcPort: '6378' }), [{ mode: 'tcp', sourcePort: 6378, paths: [] }]);
  t.match(routes({ 'port.1': '80', 'servicePath.1': '/', 'reqMode.2': 'tcp', 'port.2': '9000', 'srcPort.2': '9000' }), [
    { mode: 'http', sourcePort: undefined },
    { mode: 'tcp', sourcePort: 9000, domains: [] },
  ]);
  t.match(warnings({ reqMode: 'tcp', port: '1', srcPort: '1', servicePath: '/x' }), [/servicePath has no effect/]);
});

t.test(
  'mode sni chooses by server name, from serviceDomain or as Docker Flow writes it, on 443 by default',
  async (t) => {
    t.match(errors({ reqMode: 'sni', port: '443' }), [/serviceDomain is missing: mode sni chooses by server name/]);
    t.match(routes({ reqMode: 'sni', port: '8443', serviceDomain: 'api.acme.com' }), [
      { mode: 'sni', port: 8443, sourcePort: 443, domains: [{ match: 'exact', value: 'api.acme.com' }] },
    ]);
    const sni = { reqMode: 'sni', port: '443', srcPort: '8443' };
    t.match(routes({ ...sni, pathType: 'req_ssl_sni -i -m reg', servicePath: '^(api\\.)' }), [
      { sourcePort: 8443, domains: [{ match: 'regex', value: '^(api\\.)' }], paths: [] },
    ]);
    t.match(routes({ ...sni, pathType: 'req.ssl_sni -m beg', servicePath: 'test.' }), [
      { domains: [{ match: 'prefix', value: 'test.' }] },
    ]);
    t.match(errors({ port: '80', servicePath: '/x', pathType: 'req_ssl_sni -i' }), [/for reqMode sni only/]);
  },
);

t.test('domains are compared as serviceDomainAlgo says, stars at their end', async (t) => {
  const domains = (serviceDomain: string, more = {}) => route({ serviceDomain, ...more }).domains;
  t.same(domains('Acme.com,*.Acme.org,acme.com.'), [
    { match: 'exact', value: 'acme.com' },
    { match: 'suffix', value: '.acme.org' },
  ]);
  t.same(domains('acme.com:8080'), [{ match: 'exact', value: 'acme.com' }]);
  t.match(domains('acme.com,*.b.com', { serviceDomainAlgo: 'hdr_dom(host)' }), [
    { match: 'domain' },
    { match: 'suffix' },
  ]);
  t.match(domains('api.', { serviceDomainAlgo: 'hdr_beg(host)' }), [{ match: 'prefix', value: 'api.' }]);
  t.match(domains('^api[0-9]+\\.', { serviceDomainAlgo: 'hdr_reg(host)' }), [
    { match: 'regex', value: '^api[0-9]+\\.' },
  ]);
  t.match(domains('acme.com', { serviceDomainMatchAll: 'true' }), [{ match: 'domain' }]);
  t.match(errors({ port: '80', serviceDomain: '(', serviceDomainAlgo: 'hdr_reg(host)' }), [/no regular expression/]);
});

t.test('paths are compared as pathType says; a slash that was left out is put before', async (t) => {
  t.same(route({ servicePath: '/a, /b,/a' }).paths, ['/a', '/b']);
  t.same(route({ servicePath: 'shop' }).paths, ['/shop']);
  t.match(warnings({ port: '80', servicePath: 'shop' }), [
    /'shop' begins without a slash, so it is taken for '\/shop'/,
  ]);
  t.same(route({ servicePath: '.png', pathType: 'path_end' }).paths, ['.png']);
  t.match(route({ servicePath: '^/(a|b)/[^/]{2}', pathType: 'path_reg' }), { paths: ['^/(a|b)/[^/]{2}'] });
  t.match(route({ servicePath: '(?i)^/shop', pathType: 'path_reg' }), { paths: ['(?i)^/shop'] });
  t.match(errors({ port: '80', servicePath: '^/(', pathType: 'path_reg' }), [/'\^\/\(' is no regular expression: /]);
  t.match(errors({ port: '80', servicePath: 'a'.repeat(501), pathType: 'path_reg' }), [/more than 500 characters/]);
  t.same(route({ servicePathExclude: '/x,/y' }).excludedPaths, ['/x', '/y']);
  t.match(errors({ port: '80', servicePath: 'x', pathType: 'path_len' }), [/'x' is not a length/]);
});

t.test('rules of a route: methods, redirects, rewrites, clients', async (t) => {
  t.match(route({ allowedMethods: 'get,Post', deniedMethods: 'PUT' }), {
    allowedMethods: ['GET', 'POST'],
    deniedMethods: ['PUT'],
    httpsRedirectCode: 302,
  });
  t.match(route({ serviceDomain: 'a.com', redirectFromDomain: 'www.a.com,*.b.com' }), {
    redirectFrom: [{ value: 'www.a.com' }, { match: 'suffix', value: '.b.com' }],
  });
  t.match(warnings({ port: '80', servicePath: '/', redirectFromDomain: 'www.a.com' }), [
    /redirectFromDomain has no effect/,
  ]);
  t.same(route({ reqPathSearchReplace: '/a/,/b/:^/c,:/d/,/,g' }).rewrites, [
    { search: '/a/', replace: '/b/' },
    { search: '^/c', replace: '' },
    { search: '/d/', replace: '/', flags: 'g' },
  ]);
  const rewritten = route({ reqPathSearch: '/x/', reqPathReplace: '/y/', reqPathSearchReplace: '/a/,/b/' });
  t.same(rewritten.rewrites, [
    { search: '/x/', replace: '/y/' },
    { search: '/a/', replace: '/b/' },
  ]);
  t.match(route({ serviceHeader: 'X-Version:3,X-Url: http://a' }), {
    headers: [
      { name: 'X-Version', value: '3' },
      { name: 'X-Url', value: 'http://a' },
    ],
  });
  t.same(route({ userAgent: 'amiga,Mozilla/5\\ .0' }).userAgents, ['amiga', 'Mozilla/5 .0']);
  t.match(route({ rateLimit: '100/10s', weight: '0', timeoutServer: '20', timeoutTunnel: '5m' }), {
    rateLimit: { requests: 100, period: 10_000 },
    weight: 0,
    timeouts: { server: 20_000, tunnel: 300_000, client: undefined },
  });
});

t.test('paths, each with each domain, are counted as routes', async (t) => {
  const list = (count: number, item: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => item(i)).join();
  const labels = (paths: number, domains: number) => ({
    port: '80',
    servicePath: list(paths, (i) => `/p${i}`),
    serviceDomain: list(domains, (i) => `d${i}.com`),
  });
  t.equal(errors(labels(30, 10)).length, 0);
  t.match(errors(labels(43, 7)), [
    'com.df.servicePath belongs to 301 routes (paths, each with each domain); a service may have 300',
  ]);
  const indexed = Object.fromEntries(Array.from({ length: 301 }, (_, i) => [`servicePath.${i + 1}`, `/${i}`]));
  t.match(errors({ port: '80', ...indexed }), [/com\.df\.servicePath\.1 belongs to 301 routes/]);
});
