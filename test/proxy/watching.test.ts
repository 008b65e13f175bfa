import t from 'tap';
import { basic, one } from './one-service';
import { ask, eventually, sleep } from './support';

t.test('the log has one line of JSON for each request, whatever is in it', async (t) => {
  const { port, log } = await one(t, {}, {}, { captureRequestHeaders: ['User-Agent'] });
  await ask(port, '/a"b\\c?secret=1', { host: 'shop.example.com', 'user-agent': '"}\\ \u00e4' });
  const lines = () =>
    log()
      .split('\n')
      .filter((line) => line.startsWith('{'));
  await eventually(() => lines().length > 0, 'it is logged');
  const entry = JSON.parse(lines()[0]!);
  t.match(entry, {
    host: 'shop.example.com',
    path: '/a"b\\c',
    status: 200,
    method: 'GET',
    backend: 'shop:0',
    client: '127.0.0.1',
  });
  t.type(entry['header:user-agent'], 'string');
  t.notMatch(lines()[0], 'secret', 'the query is not logged');
});

t.test('failures only are logged where that is set', async (t) => {
  const { port, log } = await one(t, { paths: ['/here'] }, {}, { accessLog: 'errors' });
  await ask(port, '/here');
  await ask(port, '/elsewhere');
  await eventually(() => log().includes('elsewhere'), 'it is logged');
  await sleep(100);
  t.notMatch(log(), '"path":"/here"');
});

t.test('metrics, health and statistics are on a port of their own', async (t) => {
  const { port, metricsPort } = await one(
    t,
    {},
    {},
    { stats: { user: 'admin', password: 'a b"$', path: '/admin?stats' } },
  );
  await ask(port, '/');
  t.match((await ask(metricsPort, '/metrics')).text, /haproxy_backend_http_responses_total\{proxy="shop:0"/);
  t.equal((await ask(metricsPort, '/healthz')).status, 200);
  t.equal((await ask(metricsPort, '/admin?stats')).status, 401);
  t.match((await ask(metricsPort, '/admin?stats', basic('admin', 'a b"$'))).text, 'shop:0');
  t.equal((await ask(metricsPort, '/x')).status, 404);
});
