import { createServer, type IncomingMessage } from 'node:http';
import t, { type Test } from 'tap';
import { clientOf, eventually, Site, startController, type LiveController } from '../controller/live';
import { route } from '../controller/support';
import { sharedLab, uniqueName } from '../lab';

interface Heard {
  path: string;
  method: string;
  parameters: Record<string, string>;
}

/** Somebody who listens, as docker-flow-proxy does; `answer` gives the status of each notice. */
async function receiver(t: Test, answer: (heard: Heard, count: number) => number = () => 200) {
  const heard: Heard[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const url = new URL(request.url!, 'http://x');
    const notice = { path: url.pathname, method: request.method!, parameters: Object.fromEntries(url.searchParams) };
    heard.push(notice);
    response.writeHead(answer(notice, heard.length)).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { port: number };
  const of = (name: string) => heard.filter(({ parameters }) => parameters.serviceName === name);
  return { heard, of, url: (path: string) => `http://127.0.0.1:${port}${path}` };
}

const site = async (t: Test) => new Site(await sharedLab(t)).prepare(t);
const get = async (live: LiveController, name: string) =>
  (await live.reader.get<Record<string, string>[]>(`/v1/docker-flow-swarm-listener/${name}`)).data;

t.test('the addresses of docker-flow-swarm-listener answer what they did', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  const [shop, waits, stranger] = [uniqueName('shop'), uniqueName('waits'), uniqueName('stranger')];
  const image = await place.lab.image('busybox');
  await place.create(shop, route('/a'), { image });
  await place.create(waits, route('/b'));
  await place.create(stranger, { [place.label]: 'false', ...route('/c') });
  await eventually(async () => (await live.state(shop))?.replicas.running === 1, 30_000);
  t.same(await get(live, 'get-services'), [
    { serviceName: shop, port: '8080', servicePath: '/a', replicas: '1', distribute: 'true' },
  ]);
  const [node] = await get(live, 'get-nodes');
  t.match(node, { id: /^\w{25}$/, hostname: 'node1', address: /^\d/, state: 'ready', role: 'manager' });
  t.match(node, { availability: 'active', versionIndex: /^\d+$/ });
  t.same(await get(live, 'ping'), { Status: 'OK' });
  t.same(await get(live, 'notify-services'), { Status: 'OK' });
  const anonymous = clientOf(live.address);
  t.equal((await anonymous.get('/v1/docker-flow-swarm-listener/get-services')).status, 401);
  const open = await startController(t, place, { openListener: true });
  await open.pass();
  t.equal((await clientOf(open.address).get('/v1/docker-flow-swarm-listener/ping')).status, 200);
  t.equal((await clientOf(open.address).get('/v1/services')).status, 401);
});

t.test('services that come, change, go or lose their label are told of, by two addresses on one host', async (t) => {
  const place = await site(t);
  const ears = await receiver(t);
  const env = {
    DF_NOTIFY_CREATE_SERVICE_URL: `${ears.url('/one/create?x=y')},${ears.url('/two/create')}`,
    DF_NOTIFY_REMOVE_SERVICE_URL: ears.url('/one/remove'),
    DF_NOTIFY_REMOVE_SERVICE_METHOD: 'POST',
  };
  await startController(t, place, { env });
  const name = uniqueName('shop');
  const told = () => ears.of(name).map(({ method, path, parameters }) => `${method} ${path} ${parameters.servicePath}`);
  await place.create(name, route('/a'));
  await eventually(() => told().length === 2);
  t.same(told().sort(), ['GET /one/create /a', 'GET /two/create /a']);
  t.match(
    ears.of(name).find(({ path }) => path === '/one/create'),
    { parameters: { x: 'y', replicas: '1', distribute: 'true', port: '8080' } },
  );
  await place.update(name, route('/b'));
  await eventually(() => told().length === 4);
  await place.update(name, { [place.label]: 'false', ...route('/b') });
  await eventually(() => told().includes('POST /one/remove /b'));
  await place.update(name, route('/c'));
  await eventually(() => told().includes('GET /one/create /c'));
  await place.remove(name);
  await eventually(() => told().includes('POST /one/remove /c'));
});

t.test('who does not answer well is told again, and who is not meant is left alone', async (t) => {
  const place = await site(t);
  const slow = await receiver(t, (_heard, count) => (count < 3 ? 500 : 200));
  const other = await receiver(t, () => 409);
  const env = {
    DF_NOTIFY_CREATE_SERVICE_URL: `${slow.url('/create')},${other.url('/create')}`,
    DF_RETRY_INTERVAL: '1',
  };
  const live = await startController(t, place, { env });
  const name = uniqueName('shop');
  await place.create(name, { ...route('/a'), 'com.df.users': 'anna:geheimnis' });
  await eventually(() => slow.of(name).length === 3);
  await live.pass();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  t.equal(slow.of(name).length, 3);
  t.equal(other.of(name).length, 1);
  t.notMatch(live.written(), /geheimnis/);
});

t.test('after a restart everything is told again, and what went meanwhile is removed', async (t) => {
  const place = await site(t);
  const ears = await receiver(t);
  const env = {
    DF_NOTIFY_CREATE_SERVICE_URL: ears.url('/create'),
    DF_NOTIFY_REMOVE_SERVICE_URL: ears.url('/remove'),
  };
  const first = await startController(t, place, { env });
  const [stays, goes] = [uniqueName('stays'), uniqueName('goes')];
  await place.create(stays, route('/a'));
  await place.create(goes, { ...route('/b'), 'com.df.aclName': '05-goes' });
  await eventually(() => ears.of(stays).length + ears.of(goes).length === 2);
  await first.close();
  await place.remove(goes);
  const second = await startController(t, place, { env });
  await eventually(() => ears.of(goes).length === 2 && ears.of(stays).length === 2);
  t.match(ears.of(goes)[1], {
    path: '/remove',
    parameters: { serviceName: goes, aclName: '05-goes', distribute: 'true' },
  });
  t.equal(ears.of(stays)[1]!.path, '/create');
  await get(second, 'notify-services');
  await eventually(() => ears.of(stays).length === 3);
  await second.close();
  await startController(t, place, { env });
  await eventually(() => ears.of(stays).length === 4);
  t.equal(ears.of(goes).length, 2, 'a removal that was taken is not told again');
});

t.test('removed and made anew while who listens is slow: he ends with what is there', async (t) => {
  const place = await site(t);
  let answers = 0;
  const ears = await receiver(t, () => (answers++ % 2 === 0 ? 500 : 200));
  const env = {
    DF_NOTIFY_CREATE_SERVICE_URL: ears.url('/create'),
    DF_NOTIFY_REMOVE_SERVICE_URL: ears.url('/remove'),
    DF_RETRY_INTERVAL: '1',
  };
  const live = await startController(t, place, { env });
  const name = uniqueName('shop');
  for (let round = 0; round < 4; round++) {
    await place.create(name, route(`/round-${round}`));
    await live.pass();
    if (round < 3) await place.remove(name);
    if (round < 3) await live.pass();
  }
  await eventually(() => ears.of(name).filter(({ parameters }) => parameters.servicePath === '/round-3').length >= 1);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  t.match(ears.of(name).at(-1), { path: '/create', parameters: { servicePath: '/round-3' } });
});

t.test(
  'services with scrapeNetwork are told of when their tasks run, with their places; and so are nodes',
  async (t) => {
    const place = await site(t);
    const ears = await receiver(t);
    const env = {
      DF_NOTIFY_CREATE_SERVICE_URL: ears.url('/create'),
      DF_NOTIFY_CREATE_NODE_URL: ears.url('/node'),
      DF_INCLUDE_NODE_IP_INFO: 'true',
    };
    await startController(t, place, { env });
    const name = uniqueName('shop');
    const image = await place.lab.image('busybox');
    await place.create(name, { ...route('/a'), 'com.df.scrapeNetwork': place.network }, { image });
    await eventually(() => ears.of(name).length > 0, 30_000);
    t.equal(ears.of(name).length, 1, 'once, and not before');
    t.match(JSON.parse(ears.of(name)[0]!.parameters.nodeInfo!), [['node1', /^10\.\d+\.\d+\.\d+$/, /^\w{25}$/]]);
    t.match(
      ears.heard.find(({ path }) => path === '/node'),
      { parameters: { hostname: 'node1', role: 'manager', state: 'ready' } },
    );
  },
);
