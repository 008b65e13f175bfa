import { createServer } from 'node:http';
import t, { type Test } from 'tap';
import type { AgentReport } from '../../runner/common/bundle';
import { sharedLab, uniqueName } from '../lab';
import { clientOf, eventually, fastClock, hasRoute, Site, startController, tokens } from '../controller/live';
import { badPort, route } from '../controller/support';
import { proxyEngine } from './engine-proxy';

const site = async (t: Test) => new Site(await sharedLab(t)).prepare(t);
t.test('labels that come, change and go are published at once, each as one revision', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  await live.pass();
  const name = uniqueName('shop');
  const took: Record<string, number> = {};
  const before = live.controller.bundles.published;
  await place.create(name, route('/first'));
  took.added = await eventually(() => hasRoute('/first')(live));
  await place.update(name, route('/second'));
  took.changed = await eventually(async () => !(await hasRoute('/first')(live)) && hasRoute('/second')(live));
  await place.update(name, {});
  took.unlabelled = await eventually(async () => !(await hasRoute('/second')(live)));
  await place.update(name, route('/third'));
  await eventually(() => hasRoute('/third')(live));
  await place.remove(name);
  took.removed = await eventually(async () => !(await hasRoute('/third')(live)));
  t.equal(live.controller.bundles.published - before, 5);
  for (const [what, milliseconds] of Object.entries(took)) t.ok(milliseconds < 1000, `${what}: ${milliseconds} ms`);
});

t.test('an agent that waits is told within moments, also when scaling changes nothing for it', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  const name = uniqueName('shop');
  await place.create(name, { ...route('/scaled'), 'com.df.scaleMax': '8' });
  await eventually(() => hasRoute('/scaled')(live));
  const { revision } = await live.bundle();
  const params = { have: revision, wait: 2 };
  const waiting = live.agent.get('/v1/bundles/haproxy', { params });
  await place.update(name, undefined, 8);
  await place.update(name, undefined, 3);
  t.equal((await waiting).status, 304, 'scaling is no change');
  t.match((await live.state(name))?.replicas, { wanted: 3 });
  const next = live.agent.get<{ revision: string }>('/v1/bundles/haproxy', { params: { have: revision, wait: 30 } });
  const start = performance.now();
  await place.update(name, undefined, 0);
  t.not((await next).data.revision, revision, 'but a service that is scaled to nothing has no route');
  t.ok(performance.now() - start < 1000, `after ${performance.now() - start} ms`);
  t.match(await live.state(name), { state: 'accepted', routes: [] });
});

t.test('a hundred services that come at once are few revisions', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  await live.pass();
  const before = live.controller.bundles.published;
  const start = performance.now();
  const names = Array.from({ length: 100 }, (_, index) => uniqueName(`many-${index}`));
  await Promise.all(names.map((name, index) => place.create(name, route(`/many/${index}/`))));
  const created = performance.now() - start;
  const all = async () => {
    const text = JSON.stringify((await live.bundle()).files);
    return names.every((name) => text.includes(name));
  };
  const late = await eventually(all);
  const published = live.controller.bundles.published - before;
  t.ok(published <= Math.ceil(created / 200) + 2, `${published} revisions for what took ${created} ms`);
  t.ok(late < 1000, `the last one came ${late} ms after it was made`);
});

t.test('labels that turn bad: the last good version stays, also for a controller that comes later', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  const name = uniqueName('shop');
  await place.create(name, route('/good'));
  await eventually(() => hasRoute('/good')(live));
  const { revision } = await live.bundle();
  await place.update(name, badPort('/worse'));
  await place.update(name, { ...badPort('/worse'), 'com.df.reqMode': 'nonsense' });
  await eventually(async () => (await live.state(name))?.state === 'quarantined');
  t.match(await live.state(name), { lastGood: true, problems: [{ severity: 'error', label: /com\.df\./ }] });
  t.equal((await live.bundle()).revision, revision);
  const second = await startController(t, place);
  await second.pass();
  t.equal((await second.bundle()).revision, revision, 'from the store, for the Swarm itself has forgotten it');
  t.match(await second.state(name), { state: 'quarantined', lastGood: true });
  t.match(live.written(), new RegExp(`${name} \\(its last good version is served\\): error: com\\.df\\.port`));
  await place.update(name, route('/better'));
  await eventually(async () => (await hasRoute('/better')(live)) && (await hasRoute('/better')(second)));
  await eventually(async () => (await storedRecords(place)) === 0);
});

const storedRecords = async ({ engine, label }: Site) =>
  (await engine.listConfigs({ filters: JSON.stringify({ label: [`com.homeostat.scope=${label}`] }) })).length;

t.test('hostile labels harm nobody else', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  const bad: Record<string, string>[] = [
    badPort('/p'),
    route('/x\nbackend evil'),
    route('/"}{\'\\'),
    { ...route('/('), 'com.df.pathType': 'path_reg' },
    route(`/${'x'.repeat(60_000)}`),
    {
      ...route('/i'),
      ...Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`com.df.servicePath.${i}`, `/i${i}`])),
    },
    { 'com.df.port': '99999999999999999999', 'com.df.servicePath': '/' },
    Object.fromEntries(['__proto__', 'constructor', 'toString'].map((each) => [`com.df.${each}`, 'x'])),
  ];
  const names = bad.map((_, index) => uniqueName(`bad-${index}`));
  for (const [index, labels] of bad.entries()) await place.create(names[index]!, labels);
  const away = uniqueName('away');
  await place.create(away, route('/away'), { network: null });
  const good = uniqueName('good');
  await place.create(good, route('/good-one'));
  const took = await eventually(() => hasRoute('/good-one')(live));
  t.ok(took < 1000, `a good one is published after ${took} ms`);
  t.match(await live.state(away), { state: 'quarantined', problems: [{ message: new RegExp(place.network) }] });
  for (const index of [0, 1, 3, 4, 6])
    t.match(
      await live.state(names[index]!),
      { state: 'quarantined', problems: [{ severity: 'error' }] },
      `bad ${index}`,
    );
  t.notMatch((await live.bundle()).files['haproxy.cfg'], /^backend evil/m);
});

const report = (running: string, refused?: { revision: string; message: string }): AgentReport => ({
  ...{ engine: 'haproxy', instance: '', agent: 'proxy-1', node: 'node1', version: '1', engineVersion: '3.0.11' },
  ...{ running, reloads: 1, ...(refused ? { refused } : {}) },
});

t.test('a bundle that an agent refuses: who is to blame is quarantined, and it is published again', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  const [shop, good] = [uniqueName('shop'), uniqueName('good')];
  await place.create(shop, route('/version-one'));
  await eventually(() => hasRoute('/version-one')(live));
  const first = (await live.bundle()).revision;
  t.equal((await live.agent.put('/v1/agents', report(first))).status, 204);
  await place.update(shop, route('/version-two'));
  await eventually(() => hasRoute('/version-two')(live));
  const { revision, files } = await live.bundle();
  const line = files['haproxy.cfg']!.split('\n').findIndex((text) => text.includes(`# service: ${shop}`)) + 1;
  const message = `[ALERT] (1) : config : parsing [/x/haproxy.cfg:${line}] : 'server' : something odd`;
  await live.agent.put('/v1/agents', report(first, { revision, message }));
  await eventually(() => hasRoute('/version-one')(live));
  t.match(await live.state(shop), { state: 'quarantined', lastGood: true, problems: [{ message: /something odd/ }] });
  t.match((await live.reader.get('/v1/proxies')).data, [{ agent: 'proxy-1', refused: { revision } }]);
  const second = await startController(t, place);
  await second.pass();
  t.equal((await second.bundle()).revision, (await live.bundle()).revision, 'another controller knows it too');
  await place.create(good, route('/good-two'));
  await eventually(() => hasRoute('/good-two')(live));
  await place.update(shop, route('/version-three'));
  await eventually(() => hasRoute('/version-three')(live));
  t.match(await live.state(shop), { state: 'accepted', problems: [] });
  t.equal(await storedRecords(place), 1, 'what was refused is known while a rollback may lead to it');
  await place.update(shop, route('/version-four'));
  await eventually(async () => (await storedRecords(place)) === 0);
});

t.test('a refusal that nobody can be named for: the bundle that ran is served again, and it is said', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  await live.pass();
  const first = (await live.bundle()).revision;
  await live.agent.put('/v1/agents', report(first));
  const name = uniqueName('shop');
  await place.create(name, route('/blocked'));
  await eventually(() => hasRoute('/blocked')(live));
  const { revision } = await live.bundle();
  await live.agent.put('/v1/agents', report(first, { revision, message: 'out of memory' }));
  t.equal((await live.bundle()).revision, first);
  t.match((await live.reader.get('/v1/status')).data, { bundles: [{ blocked: { message: 'out of memory' } }] });
  t.match(live.written(), /error: proxy-1 refused revision .* no service can be named/);
  await place.update(name, route('/unblocked'));
  await eventually(() => hasRoute('/unblocked')(live));
});

t.test('who has no token learns nothing; who has one learns what is his', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  await live.pass();
  for (const client of [clientOf(live.address), clientOf(live.address, 'wrong')])
    for (const path of ['/v1/bundles/haproxy', '/v1/services', '/v1/status', '/metrics', '/nothing']) {
      const { status, data } = await client.get<unknown>(path);
      t.same([status, data], [401, {}], path);
    }
  t.equal((await clientOf(live.address).put('/v1/agents', report(''))).status, 401);
  t.equal((await clientOf(live.address).get('/v1/ping')).status, 200);
  t.equal((await live.reader.get('/v1/bundles/haproxy')).status, 403);
  t.equal((await live.agent.get('/v1/services')).status, 403);
  t.equal((await live.agent.get('/v1/bundles/nginx')).status, 404);
  t.equal((await live.agent.get('/v1/bundles/haproxy', { params: { instance: '../x' } })).status, 400);
  t.equal((await live.agent.put('/v1/agents', { nonsense: true })).status, 400);
  const inside = await live.agent.get('/v1/bundles/haproxy', { params: { instance: 'inside', wait: 5 } });
  t.match(inside.data, { instance: 'inside' }, 'an instance that is asked for is made');
  const metrics = String((await live.reader.get<string>('/metrics')).data);
  for (const name of ['passes_total{result="published"}', 'pass_duration_seconds_bucket'])
    t.match(metrics, `homeostat_controller_${name}`);
  t.match(metrics, /^homeostat_bundle_info\{engine="haproxy",instance="",revision="[0-9a-f]+"\} 1$/m);
  t.notMatch(live.written(), tokens.reader);
});

t.test('two controllers publish the same bytes, whatever happens', async (t) => {
  const place = await site(t);
  const [one, two] = [await startController(t, place), await startController(t, place)];
  const names = Array.from({ length: 5 }, (_, index) => uniqueName(`twin-${index}`));
  for (const [index, name] of names.entries()) await place.create(name, route(`/twin-${index}`));
  for (let round = 0; round < 4; round++)
    await Promise.all(
      names.map((name, index) =>
        place.update(name, (index + round) % 3 === 0 ? badPort(`/r${round}`) : route(`/${name}-r${round}`)),
      ),
    );
  await Promise.all([one.pass(), two.pass()]);
  await eventually(async () => (await one.bundle()).revision === (await two.bundle()).revision);
  await Promise.all([one.pass(), two.pass()]);
  t.same((await one.bundle()).files, (await two.bundle()).files);
  const fresh = await startController(t, place);
  await fresh.pass();
  t.same((await fresh.bundle()).files, (await one.bundle()).files, 'and so does a third one that saw nothing of it');
});

t.test('an event stream that is cut or silent loses no change', async (t) => {
  const place = await site(t);
  let mode: 'cut' | 'silent' = 'cut';
  let opened = 0;
  const dockerHost = await proxyEngine(t, place.lab.socket(), {
    request: (url, response) => {
      if (!url.startsWith('/events')) return false;
      opened++;
      if (mode === 'silent') response.writeHead(200).flushHeaders();
      return mode === 'silent';
    },
    answer: (url, _piece, response) => {
      if (!url.startsWith('/events')) return false;
      response.destroy();
      return true;
    },
  });
  const live = await startController(t, place, { dockerHost, clock: fastClock(20) });
  await live.pass();
  const name = uniqueName('shop');
  for (let round = 0; round < 5; round++) {
    if (round === 0) await place.create(name, route('/cut-0'));
    else await place.update(name, route(`/cut-${round}`));
    t.ok((await eventually(() => hasRoute(`/cut-${round}`)(live))) < 1000, 'cut at every event');
  }
  t.ok(opened > 3, `opened ${opened} times`);
  mode = 'silent';
  await place.update(name, route('/cut-last'));
  await eventually(() => hasRoute('/cut-last')(live));
  const before = opened;
  // A pass that something else had called for may find the change, and then nothing is wrong with the stream.
  for (let round = 0; opened === before && round < 10; round++) {
    await place.update(name, route(`/silent-${round}`));
    const took = (await eventually(() => hasRoute(`/silent-${round}`)(live))) * 20;
    t.ok(took < 66_000, `a silent stream costs at most the time to the next full pass (${Math.round(took)} ms)`);
    await eventually(() => opened > before, 500).catch(() => undefined);
  }
  t.ok(opened > before, 'and is opened anew when a change came that it had not told of');
});

t.test('an Engine that answers nonsense or nothing leaves what is published alone', async (t) => {
  const place = await site(t);
  let answer: { status: number; body: string } | 'hang' | undefined;
  const dockerHost = await proxyEngine(t, place.lab.socket(), {
    request: (url, response) => {
      if (!answer || !url.startsWith('/services')) return false;
      if (answer !== 'hang') response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(answer.body);
      return true;
    },
  });
  const live = await startController(t, place, { dockerHost });
  const name = uniqueName('shop');
  await place.create(name, route('/kept'));
  await eventually(() => hasRoute('/kept')(live));
  const noLeader = JSON.stringify({ message: 'rpc error: code = Unknown desc = The swarm does not have a leader.' });
  for (const [status, body] of [
    [500, noLeader],
    [200, '[{"ID":'],
    [200, '{}'],
    [503, 'This node is not a swarm manager.'],
  ] as const) {
    answer = { status, body };
    await live.pass();
    t.ok(await hasRoute('/kept')(live), body.slice(0, 40));
    t.match((await live.reader.get('/v1/status')).data, { failing: { since: /T/ } });
  }
  answer = 'hang';
  const start = performance.now();
  t.equal((await live.reader.get('/v1/services')).status, 200);
  t.ok(performance.now() - start < 2000, 'who asks is not kept waiting');
  t.equal(live.written().match(/cannot be read, and what is published stays/g)?.length, 1, 'it is told once');
  answer = undefined;
});

t.test('a client that sends half a request or goes away leaves nothing behind', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  await live.pass();
  const { revision } = await live.bundle();
  const leaving = new AbortController();
  const polls = Array.from({ length: 50 }, () =>
    live.agent.get('/v1/bundles/haproxy', { params: { have: revision, wait: 60 }, signal: leaving.signal }),
  );
  const waiting = async () => /^homeostat_controller_polls 50$/m.test((await live.reader.get<string>('/metrics')).data);
  await eventually(waiting);
  leaving.abort();
  await Promise.allSettled(polls);
  await eventually(async () =>
    /^homeostat_controller_polls 0$/m.test((await live.reader.get<string>('/metrics')).data),
  );
});

t.test('at its end all who wait are answered, soon', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  await live.pass();
  const { revision } = await live.bundle();
  const poll = live.agent.get('/v1/bundles/haproxy', { params: { have: revision, wait: 60 } });
  await eventually(async () =>
    /^homeostat_controller_polls 1$/m.test((await live.reader.get<string>('/metrics')).data),
  );
  const start = performance.now();
  await live.close();
  t.equal((await poll).status, 503);
  t.ok(performance.now() - start < 3000, `${performance.now() - start} ms`);
});

t.test('an address that is taken is an error with a remedy', async (t) => {
  const place = await site(t);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  await t.rejects(startController(t, place, { port }), { code: 'CONTROLLER_LISTEN' });
});
