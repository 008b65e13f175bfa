import fc from 'fast-check';
import t from 'tap';
import type { ProxyOptions } from '../../runner/labels/description';
import { holds } from '../common/support';
import { basic, one } from './one-service';
import { ask, door, exact, service, task } from './support';
import { headerFormat, headerProblem } from '../../runner/proxy/header-format';

const noHeaders: ProxyOptions['headers'] = {
  request: { add: [], set: [], delete: [] },
  response: { add: [], set: [], delete: [] },
};

t.test('paths are rewritten part by part, in order', async (t) => {
  const { port } = await one(t, {
    rewrites: [
      { search: '^/old/', replace: '/new/' },
      { search: '/v([0-9]+)/', replace: '/version-\\1/' },
      { search: 'X', replace: '', flags: 'gi' },
    ],
  });
  t.equal((await ask(port, '/old/v2/axbX?q=/old/X')).asked.url, '/new/version-2/ab?q=/old/X', 'the query stays');
});

t.test('whatever is in a rewrite, it is a rewrite', async (t) => {
  const searches = ["a'b", 'a"b', 'a,b', 'a\\)b', 'a\\]b', 'a\\$b', 'a%b', 'a}b', 'a#b'];
  const rewrites = searches.map((search, index) => ({ search, replace: `/${index}'",)]%$#{}` }));
  const { port } = await one(t, { rewrites });
  for (const [index, search] of searches.entries()) {
    const plain = search.replaceAll('\\', '');
    if (/["#]/.test(plain)) continue;
    const { asked } = await ask(port, `/${plain}`);
    t.equal(asked.url, `//${index}'",)]%$#{}`, plain);
  }
});

t.test('headers are added, set and deleted on both ways', async (t) => {
  const { port } = await one(
    t,
    {},
    {
      headers: {
        request: {
          add: [{ name: 'X-Added', value: 'one "quoted" $HOME \\ 100%' }],
          set: [
            { name: 'X-Client', value: 'at %[src] %ci' },
            { name: 'X-Tls', value: 'yes', when: 'tls' },
            { name: 'X-Plain', value: 'yes', when: 'plain' },
          ],
          delete: ['X-Secret'],
        },
        response: {
          add: [{ name: 'X-Answer', value: 'a' }],
          set: [{ name: 'Cache-Control', value: 'no-store' }],
          delete: ['Server'],
        },
      },
    },
  );
  const { headers, asked } = await ask(port, '/', { 'x-secret': '1', 'x-client': 'forged' });
  t.match(asked.headers, {
    'x-added': 'one "quoted" $HOME \\ 100%',
    'x-client': 'at 127.0.0.1 127.0.0.1',
    'x-plain': 'yes',
    'x-secret': undefined,
    'x-tls': undefined,
  });
  t.match(headers, { 'x-answer': 'a', 'cache-control': 'no-store', server: undefined });
});

t.test('a header’s value may ask for parts of the request, and for nothing else', async (t) => {
  for (const value of [
    '%[src]',
    '%[req.hdr(host),lower]',
    '%{+Q}[path]',
    '%ci',
    '100%',
    '%%',
    'plain',
    '50% of %[src]',
  ])
    t.equal(headerProblem(value), undefined, value);
  for (const value of [
    '%[env(SECRET)]',
    '%[src,map(/etc/passwd)]',
    '%[var(proc.x)]',
    '%[lua.x]',
    '%{+Q}[env(A)]',
    'a %[nbsrv(x)]',
    '%[path,regsub(a,b)]',
    '%[req.hdr(host),concat(,env)]',
  ])
    t.match(headerProblem(value), /may not have/, value);
  await holds(
    t,
    fc.property(
      fc.string({ unit: fc.constantFrom('%', '[', ']', 's', 'r', 'c', 'e', 'n', 'v', '(', ')', '{', '}', ',', '+') }),
      (value) => {
        const format = headerFormat(value);
        const open = format.replaceAll('%%', '').match(/%./g) ?? [];
        return headerProblem(value) !== undefined || open.every((each) => /^%[[{cifpTbs]/.test(each));
      },
    ),
    { numRuns: 2000 },
  );
});

t.test('only allowed methods come in', async (t) => {
  const allowed = await one(t, { allowedMethods: ['GET', 'POST'] });
  t.equal((await ask(allowed.port, '/', {}, 'GET')).status, 200);
  t.equal((await ask(allowed.port, '/', {}, 'DELETE')).status, 405);
  const denied = await one(t, { deniedMethods: ['DELETE', 'PURGE'] });
  t.equal((await ask(denied.port, '/', {}, 'DELETE')).status, 405);
  t.equal((await ask(denied.port, '/', {}, 'PUT')).status, 200);
});

t.test('passwords, plain and hashed, of labels, of a secret and of everybody', async (t) => {
  const { port: taskPort, asked } = await task(t, 'task');
  // mkpasswd -m sha-256 -S saltsalt wonder
  const hash = '$5$saltsalt$JuNF5Ru7okVD58N6eh6DVtqbCYLabS26H.Uw.jynqu/';
  const { port } = await door(
    t,
    [
      service(
        'own',
        [
          { port: taskPort, paths: ['/own'] },
          { port: taskPort, paths: ['/own/open'], ignoreAuthorization: true },
        ],
        { users: [{ name: 'ann', password: 'p:a s"$s', encrypted: false }] },
      ),
      service(
        'secret',
        [{ port: taskPort, paths: ['/secret'] }],
        { usersSecret: 'x' },
        {
          secretUsers: [{ name: 'eve', password: 'apple' }],
        },
      ),
      service(
        'named',
        [{ port: taskPort, paths: ['/named'] }],
        { usersSecret: 'x', userNames: ['eve', 'all'] },
        {
          secretUsers: [
            { name: 'eve', password: 'apple' },
            { name: 'adam', password: 'rib' },
          ],
        },
      ),
      service('hashed', [{ port: taskPort, paths: ['/hashed'] }], {
        users: [{ name: 'ann', password: hash, encrypted: true }],
      }),
      service('rest', [{ port: taskPort, paths: ['/rest'] }]),
    ],
    { users: [{ name: 'all', password: 'open', encrypted: false }] },
  );
  const status = async (path: string, headers = {}) => (await ask(port, path, headers)).status;
  t.equal(await status('/own'), 401);
  t.equal(await status('/own', basic('ann', 'wrong')), 401);
  t.equal(await status('/own', basic('all', 'open')), 401, 'a service’s own users instead of everybody’s');
  t.equal(await status('/own', basic('ann', 'p:a s"$s')), 200);
  t.equal(asked.at(-1)!.headers.authorization, undefined, 'the task does not see the password');
  t.equal(await status('/own/open'), 200);
  t.equal(await status('/secret', basic('eve', 'apple')), 200);
  t.equal(await status('/named', basic('eve', 'apple')), 200);
  t.equal(await status('/named', basic('all', 'open')), 200);
  t.equal(await status('/named', basic('adam', 'rib')), 401, 'only those that are named');
  t.equal(await status('/hashed', basic('ann', 'wonder')), 200);
  t.equal(await status('/hashed', basic('ann', hash)), 401, 'the hash is no password');
  t.equal(await status('/rest'), 401);
  t.equal(await status('/rest', basic('all', 'open')), 200);
  t.match((await ask(port, '/own')).headers['www-authenticate'], 'own');
});

t.test('plain HTTP is redirected or refused', async (t) => {
  const redirected = await one(t, { httpsOnly: true, httpsRedirectCode: 308 });
  const { status, headers } = await ask(redirected.port, '/a?b=c', { host: 'Shop.example.com:80' });
  t.equal(status, 308);
  t.equal(headers.location, `https://shop.example.com:${redirected.tlsPort}/a?b=c`);
  t.equal(
    (await ask(redirected.port, '/', { 'x-forwarded-proto': 'https' })).status,
    308,
    'a client cannot say so itself',
  );
  const denied = await one(t, { denyHttp: true });
  t.equal((await ask(denied.port, '/')).status, 403);
  const everybody = await one(t, {}, {}, { httpsOnly: true });
  t.equal((await ask(everybody.port, '/')).status, 301);
});

t.test('behind a load balancer what it says of the protocol decides', async (t) => {
  const when = await one(t, {}, { redirectWhenHttpProto: true });
  t.equal((await ask(when.port, '/', { 'x-forwarded-proto': 'http' })).status, 302);
  t.equal((await ask(when.port, '/', { 'x-forwarded-proto': 'https' })).status, 200);
  t.equal((await ask(when.port, '/')).status, 200);
  const unless = await one(t, {}, { redirectUnlessHttpsProto: true });
  t.equal((await ask(unless.port, '/')).status, 302);
  t.equal((await ask(unless.port, '/', { 'x-forwarded-proto': 'https' })).status, 200);
});

t.test('a domain of old leads to the one of now', async (t) => {
  const { port } = await one(t, {
    domains: exact('new.example.com'),
    redirectFrom: [...exact('old.example.com'), { match: 'suffix', value: '.old.example.com' }],
  });
  const { status, headers } = await ask(port, '/a?b', { host: 'www.old.example.com' });
  t.equal(status, 301);
  t.equal(headers.location, 'http://new.example.com/a?b');
  t.equal((await ask(port, '/', { host: 'new.example.com' })).status, 200);
});

t.test('the maintenance page is for every request, and says when to come again', async (t) => {
  const { port, asked } = await one(t, { maintenance: true }, { headers: noHeaders });
  const answer = await ask(port, '/', {}, 'POST');
  t.equal(answer.status, 503);
  t.match(answer.headers, { 'retry-after': '120', 'content-type': /text\/html/ });
  t.match(answer.text, /Maintenance/);
  t.equal(asked.length, 0);
});

t.test('the operator’s own pages are used', async (t) => {
  const { port } = await one(t, { paths: ['/here'] }, {}, { errorPages: { '404': '<h1>Nothing here: 100% ü</h1>' } });
  const { status, text } = await ask(port, '/elsewhere');
  t.equal(status, 404);
  t.equal(text, '<h1>Nothing here: 100% ü</h1>');
});

t.test('answers are compressed where the service says so', async (t) => {
  const { port } = await one(t, {}, { compression: { algorithms: ['gzip'], types: ['application/json'] } });
  t.equal((await ask(port, '/', { 'accept-encoding': 'gzip' })).headers['content-encoding'], 'gzip');
  t.equal((await ask(port, '/')).headers['content-encoding'], undefined);
});

t.test('a client that asks too often is told so, and others are not', async (t) => {
  const { port } = await one(t, { rateLimit: { requests: 5, period: 60_000 } });
  const statuses = [];
  for (let count = 0; count < 8; count++) statuses.push((await ask(port, '/')).status);
  t.same(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
  t.equal((await ask(port, '/', {}, 'GET', { localAddress: '127.0.0.2' })).status, 200);
});

t.test('only allowed networks come in', async (t) => {
  const { port } = await one(t, { allowFrom: ['192.0.2.0/24', '127.0.0.2'] });
  t.equal((await ask(port, '/')).status, 403);
  t.equal((await ask(port, '/', { 'x-forwarded-for': '192.0.2.1' })).status, 403, 'whatever the client says');
  t.equal((await ask(port, '/', {}, 'GET', { localAddress: '127.0.0.2' })).status, 200);
  const local = await one(t, { allowFrom: ['local'] });
  t.equal((await ask(local.port, '/')).status, 200);
});
