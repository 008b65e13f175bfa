import t from 'tap';
import { nameServer } from './name-server';
import { ask, door, eventually, freePorts, service, sleep, start, task } from './support';

type T = Parameters<typeof task>[0];
type Handle = Parameters<typeof task>[2];

/** Tasks of one service at addresses of their own, all on one port, as in a Swarm. */
async function tasks(t: T, names: string[], handle?: (name: string) => Handle) {
  const [port] = (await freePorts(1)) as [number];
  const all = new Map<string, Awaited<ReturnType<typeof task>> & { address: string }>();
  for (const [index, name] of names.entries()) {
    const address = `127.0.1.${index + 1}`;
    all.set(name, { ...(await task(t, name, handle?.(name), { host: address, port })), address });
  }
  return { port, all };
}

/** A task that dies as by SIGKILL: nobody listens, and what is open is reset. */
function kill(server: Awaited<ReturnType<typeof task>>['server']): void {
  server.close();
  server.closeAllConnections();
}

const found = (port: number, more: Parameters<typeof service>[3] = {}, part = {}, proxy = {}) =>
  service('shop', [{ port, ...part }], proxy, { address: undefined as never, slots: 8, ...more });

t.test('a new task gets requests at once and one that leaves gets none, without a reload', async (t) => {
  const dns = await nameServer(t);
  const { port, all } = await tasks(t, ['a', 'b']);
  dns.addresses.set('tasks.shop', [all.get('a')!.address]);
  const { port: at } = await door(t, [found(port)], { resolvers: [dns.resolver] });
  await eventually(async () => (await ask(at, '/')).by === 'a', 'the first task answers');
  dns.addresses.set(
    'tasks.shop',
    ['a', 'b'].map((name) => all.get(name)!.address),
  );
  const added = Date.now();
  await eventually(async () => (await ask(at, '/')).by === 'b', 'the new task answers');
  t.ok(Date.now() - added < 400, `the new task had its first request after ${Date.now() - added} ms`);
  dns.addresses.set('tasks.shop', [all.get('b')!.address]);
  await sleep(400);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(at, '/')));
  t.ok(answers.every(({ by }) => by === 'b'));
});

t.test('nobody notices when a task dies under load', async (t) => {
  const dns = await nameServer(t);
  const { port, all } = await tasks(t, ['a', 'b', 'c'], () => (_request, response) => {
    setTimeout(() => response.end('{}'), 30);
    return true;
  });
  dns.addresses.set(
    'tasks.shop',
    [...all.values()].map(({ address }) => address),
  );
  const { port: at } = await door(t, [found(port)], { resolvers: [dns.resolver] });
  await eventually(async () => (await ask(at, '/')).status === 200, 'it answers');
  const statuses: Promise<number>[] = [];
  for (let count = 0; count < 300; count++) {
    statuses.push(ask(at, '/').then(({ status }) => status));
    if (count === 100) kill(all.get('a')!.server);
    await sleep(5);
  }
  const failed = (await Promise.all(statuses)).filter((status) => status !== 200);
  t.same(failed, [], 'of 300 requests, some of them waiting at the task that died');
});

t.test('a request that a task may have begun is repeated only if that does no harm', async (t) => {
  const dns = await nameServer(t);
  let dying = true;
  const { port, all } = await tasks(t, ['a', 'b'], (name) => (request) => {
    if (name !== 'a' || !dying) return false;
    request.socket.destroy();
    return true;
  });
  dns.addresses.set('tasks.shop', [all.get('a')!.address]);
  const { port: at } = await door(t, [found(port)], { resolvers: [dns.resolver] });
  await eventually(async () => (await ask(at, '/')).status === 502, 'the dying task is asked');
  const before = all.get('a')!.asked.length;
  t.equal((await ask(at, '/', {}, 'POST')).status, 502);
  t.equal(all.get('a')!.asked.length, before + 1, 'a POST is sent once');
  dns.addresses.set(
    'tasks.shop',
    [...all.values()].map(({ address }) => address),
  );
  await eventually(async () => (await ask(at, '/')).by === 'b', 'the other one is known');
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(at, '/')));
  t.ok(
    answers.every(({ by }) => by === 'b'),
    'a GET goes on to the other',
  );
  dying = false;
});

t.test('a task that does not listen is passed over', async (t) => {
  const dns = await nameServer(t);
  const { port, all } = await tasks(t, ['a', 'b']);
  kill(all.get('a')!.server);
  dns.addresses.set(
    'tasks.shop',
    [...all.values()].map(({ address }) => address),
  );
  const { port: at } = await door(t, [found(port)], { resolvers: [dns.resolver] });
  await eventually(async () => (await ask(at, '/')).by === 'b', 'the other answers');
  for (const method of ['GET', 'POST']) {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(at, '/', {}, method)));
    t.ok(
      answers.every(({ status }) => status === 200),
      `${method}, for nothing was sent to the first`,
    );
  }
});

t.test('a client stays at its task, on every proxy, until that is gone', async (t) => {
  const dns = await nameServer(t);
  const { port, all } = await tasks(t, ['a', 'b', 'c']);
  const addresses = () => [...all.values()].map(({ address }) => address);
  dns.addresses.set('tasks.shop', addresses());
  const sticky = found(port, {}, {}, { sticky: true });
  const { port: at, output } = await door(t, [sticky], { resolvers: [dns.resolver] });
  await eventually(async () => (await ask(at, '/')).status === 200, 'it answers');
  await sleep(300);
  const first = await ask(at, '/');
  const cookie = first.headers['set-cookie']![0]!.split(';')[0]!;
  t.match(first.headers['set-cookie']![0], /^shop=\w+; path=\/; HttpOnly/i);
  t.notMatch(cookie, /127|7f00/, 'the address cannot be read from it');
  const same = async (where: number) =>
    (await Promise.all(Array.from({ length: 12 }, () => ask(where, '/', { cookie })))).map(({ by }) => by);
  t.same(new Set(await same(at)), new Set([first.by]));
  const [other, metrics] = (await freePorts(2)) as [number, number];
  dns.addresses.set('tasks.shop', addresses().reverse());
  const files = Object.fromEntries(
    Object.entries(output.files).map(([name, text]) => [
      name,
      text.replaceAll(`:${at}\n`, `:${other}\n`).replace(/(homeostat:metrics\n +bind :)\d+/, `$1${metrics}`),
    ]),
  );
  await start(t, { ...output, files }, other);
  await eventually(async () => (await ask(other, '/')).status === 200, 'the other proxy answers');
  await sleep(300);
  t.same(new Set(await same(other)), new Set([first.by]), 'the cookie holds wherever the task stands in the list');
  dns.addresses.set(
    'tasks.shop',
    [...all].filter(([name]) => name !== first.by).map(([, { address }]) => address),
  );
  await sleep(400);
  t.ok(
    (await same(at)).every((by) => by !== '' && by !== first.by),
    'another task takes over',
  );
});

t.test(
  'while no task runs a request waits, whatever its method, and is answered by the first that comes',
  async (t) => {
    const dns = await nameServer(t);
    const { port, all } = await tasks(t, ['a', 'b']);
    const at = all.get('a')!.address;
    dns.addresses.set('tasks.shop', [at]);
    const { port: door1 } = await door(t, [found(port)], { resolvers: [dns.resolver] });
    await eventually(async () => (await ask(door1, '/')).status === 200, 'it answers');
    kill(all.get('a')!.server);
    dns.addresses.delete('tasks.shop');
    const waiting = [ask(door1, '/'), ask(door1, '/', {}, 'POST')];
    await sleep(1500);
    waiting.push(ask(door1, '/'));
    dns.addresses.set('tasks.shop', [all.get('b')!.address]);
    t.same(
      (await Promise.all(waiting)).map(({ status, by }) => [status, by]),
      [
        [200, 'b'],
        [200, 'b'],
        [200, 'b'],
      ],
    );
  },
);

t.test('who waits for a task and goes is forgotten', async (t) => {
  const dns = await nameServer(t);
  const { port, log } = await door(t, [found(1)], { resolvers: [dns.resolver] });
  await t.rejects(ask(port, '/', {}, 'GET', { signal: AbortSignal.timeout(300) }));
  await eventually(
    () => Promise.resolve(/"status":499|"termination":"C/.test(log())),
    'the log says that he went',
    4000,
  );
});

t.test('a request waits no longer than is set', async (t) => {
  const dns = await nameServer(t);
  for (const [waitForTask, least, most] of [
    [0, 0, 5000],
    [2000, 1000, 8000],
  ] as const) {
    const { port } = await door(t, [found(1)], { resolvers: [dns.resolver], waitForTask });
    const start = Date.now();
    t.equal((await ask(port, '/')).status, 503);
    t.ok(Date.now() - start >= least && Date.now() - start < most, `${waitForTask}: after ${Date.now() - start} ms`);
  }
});

t.test('who has no task yet is asked for more often than who has, and the first task is found soon', async (t) => {
  const dns = await nameServer(t);
  const { port, all } = await tasks(t, ['a']);
  const at = all.get('a')!.address;
  const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
  for (const name of names.slice(1)) dns.addresses.set(`tasks.${name}`, [at]);
  const { port: entrance } = await door(
    t,
    names.map((name, index) =>
      service(
        name,
        [{ port, paths: [`/${name}`] }],
        {},
        {
          address: undefined as never,
          createdAt: `2026-01-01T00:00:${10 + index}Z`,
        },
      ),
    ),
    { resolvers: [dns.resolver], waitForTask: 0 },
  );
  const answers = (name: string) => async () => (await ask(entrance, `/${name}`)).status === 200;
  await eventually(answers('s39'), 'the newest answers');
  dns.asked.clear();
  await sleep(2000);
  const [absent, present, newest] = ['s0', 's1', 's39'].map((name) => dns.asked.get(`tasks.${name}`)!);
  // For IPv4 and, where there is no answer, for IPv6.
  t.ok(absent! / 2 > 2 * present!, `${absent} and ${present} questions`);
  t.ok(newest! < 2 * present!, `${newest} and ${present} questions`);
  dns.addresses.set('tasks.s0', [at]);
  const came = Date.now();
  await eventually(answers('s0'), 'its first task answers');
  t.ok(Date.now() - came < 300, `after ${Date.now() - came} ms`);
});

t.test(
  'where the last task of a service is gone, its address is given up, for another service may get it',
  async (t) => {
    const dns = await nameServer(t);
    const { port, all } = await tasks(t, ['a']);
    dns.addresses.set('tasks.shop', [all.get('a')!.address]);
    const { port: entrance } = await door(t, [found(port)], { resolvers: [dns.resolver], waitForTask: 0 });
    await eventually(async () => (await ask(entrance, '/')).status === 200, 'it answers');
    dns.addresses.delete('tasks.shop');
    await eventually(async () => (await ask(entrance, '/')).status === 503, 'what is there now is not asked', 13_000);
  },
);

t.test('a task that fails its check gets no request until it is well again', async (t) => {
  const dns = await nameServer(t);
  let well = true;
  const { port, all } = await tasks(t, ['a', 'b'], (name) => (request, response) => {
    if (request.url !== '/health') return false;
    response.statusCode = name === 'a' && !well ? 503 : 200;
    response.end();
    return true;
  });
  dns.addresses.set(
    'tasks.shop',
    [...all.values()].map(({ address }) => address),
  );
  const { port: at } = await door(t, [found(port, { check: { path: '/health' } })], { resolvers: [dns.resolver] });
  const who = async () => new Set(await Promise.all(Array.from({ length: 12 }, async () => (await ask(at, '/')).by)));
  await eventually(async () => (await who()).size === 2, 'both answer');
  well = false;
  await eventually(async () => !(await who()).has('a'), 'the sick one is left out');
  t.same(await who(), new Set(['b']));
  well = true;
  await eventually(async () => (await who()).size === 2, 'both answer again');
  t.match(all.get('a')!.asked.find(({ url }) => url === '/health')!.headers, { host: 'localhost' });
});

t.test('a service whose name is never answered harms no other', async (t) => {
  const dns = await nameServer(t);
  const { port, all } = await tasks(t, ['a']);
  dns.addresses.set('tasks.good', [all.get('a')!.address]);
  dns.silent.add('tasks.silent');
  const { port: at } = await door(
    t,
    ['good', 'silent', 'unknown'].map((name) =>
      service(name, [{ port, paths: [`/${name}`] }], {}, { address: undefined as never }),
    ),
    { resolvers: [dns.resolver], waitForTask: 0 },
  );
  await eventually(async () => (await ask(at, '/good')).status === 200, 'the good one answers', 1000);
  t.equal((await ask(at, '/silent')).status, 503);
  t.equal((await ask(at, '/unknown')).status, 503);
});
