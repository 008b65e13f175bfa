import path from 'node:path';
import t from 'tap';
import { startClients } from './clients';
import { answers, ask, healthFlags, statusOf, webCommand, withDoor, type Question } from './door';
import { until } from './support';

const labels = (more: Record<string, string>) => ({ 'com.df.notify': 'true', 'com.df.port': '8080', ...more });

/** As its users wrote them: list form, defaults of their time, a virtual IP, labels that are no longer needed. */
const dockerFlowStack = (image: string) => `
version: '3'
services:
  main:
    image: ${image}
    command: ${JSON.stringify(webCommand())}
    healthcheck:
      disable: true
    networks:
      - proxy
      - default
    deploy:
      replicas: 2
      labels:
        - com.df.notify=true
        - com.df.distribute=true
        - com.df.reqMode=http
        - com.df.port=8080
        - com.df.servicePath.1=/demo
        - com.df.servicePath.2=/old
        - com.df.reqPathSearchReplace.2=/old/,/demo/
        - com.df.setResHeader=X-Who demo
      update_config:
        parallelism: 1
        delay: 10s
networks:
  default:
    external: false
  proxy:
    external: true
`;

t.test('one door for all services of a node', async (t) => {
  const door = await withDoor(t);
  const { lab } = door;
  const address = lab.address(1);
  const at = (path: string, host?: string): Question => ({ address, path, ...(host ? { host } : {}) });
  const update = (...words: string[]) => lab.docker(1, 'service', 'update', '--no-resolve-image', ...words);
  const hostOf = async (question: Question) => (JSON.parse((await ask(question)).text) as { host: string }).host;

  await t.test('nothing is routed at first, and the controller answers nobody without a token', async (t) => {
    t.equal(await statusOf(at('/')), 404);
    await t.rejects(
      lab.exec(1, 'wget', '-q', '-O', '-', '--no-check-certificate', 'https://127.0.0.1:7080/v1/services'),
    );
    await t.rejects(ask({ address, port: 7080 }), 'and nobody from outside at all');
    t.match(await door.proxies(), [{ behind: false, engineVersion: /^\d/ }]);
  });

  await t.test(
    'a service is reached by domain and by path as soon as it runs, and no longer than its label',
    async (t) => {
      await door.serve(
        'shop',
        labels({
          'com.df.serviceDomain.1': 'shop.example.com',
          'com.df.servicePath.2': '/shop',
          'com.df.scaleMax': '6',
        }),
        ['--replicas', '2', '--update-monitor', '1s', ...healthFlags()],
      );
      t.ok(await answers(at('/', 'shop.example.com')));
      t.equal(await statusOf(at('/shop/x')), 200);
      t.equal(await statusOf(at('/')), 404);
      t.match(
        (await door.services()).find(({ name }) => name === 'shop'),
        {
          state: 'accepted',
          routes: [/shop\.example\.com/, /\/shop/],
        },
      );
      const seen = new Set<string>();
      for (let count = 0; count < 20; count++) seen.add(await hostOf(at('/shop')));
      t.equal(seen.size, 2, 'both tasks answer');
      await update('--detach', '--label-add', 'com.df.servicePath.2=/store', 'shop');
      t.ok(await answers(at('/store'), 200, 5));
      t.equal(await statusOf(at('/shop')), 404);
    },
  );

  await t.test('scaling never reloads, and new tasks are asked as soon as they are healthy', async (t) => {
    const before = await door.reloads();
    await update('--replicas', '5', 'shop');
    const seen = new Set<string>();
    t.ok(await until(async () => seen.add(await hostOf(at('/store'))).size === 5, 20), 'all five answer');
    await update('--replicas', '2', 'shop');
    t.equal(await door.reloads(), before);
  });

  await t.test('a killed task, rollouts, scaling: nobody who asks notices', async (t) => {
    await update(
      '--replicas',
      '4',
      '--update-order',
      'start-first',
      '--update-delay',
      '0s',
      '--stop-grace-period',
      '10s',
      'shop',
    );
    const clients = startClients([at('/store'), at('/', 'shop.example.com')], { rate: 50 });
    const [victim] = (await lab.docker(1, 'ps', '-q', '--filter', 'label=com.docker.swarm.service.name=shop')).split(
      '\n',
    );
    await lab.docker(1, 'kill', '-s', 'KILL', victim!);
    await until(
      async () =>
        /4\/4/.test(await lab.docker(1, 'service', 'ls', '--filter', 'name=shop', '--format', '{{.Replicas}}')),
      30,
    );
    await update('--update-parallelism', '2', '--env-add', 'A=1', 'shop');
    await update('--update-order', 'stop-first', '--env-add', 'A=2', 'shop');
    await update('--replicas', '2', 'shop');
    await update('--replicas', '4', 'shop');
    const met = await clients.stop();
    t.ok(met.requests > 500, `${met.requests} requests`);
    t.same(met.reasons, {}, `${met.failed} of ${met.requests} failed`);
  });

  await t.test('the only task of a service dies, and is then replaced: who asks meanwhile waits', async (t) => {
    const flags = ['--update-order', 'stop-first', '--restart-delay', '0s', '--stop-grace-period', '10s'];
    await door.serve('solo', labels({ 'com.df.servicePath': '/solo' }), [...flags, ...healthFlags()]);
    t.ok(await answers(at('/solo')));
    // A busy machine may need longer for a task than people would wait.
    await update('--env-add', 'HOMEOSTAT_PROXY_WAIT_FOR_TASK=60', 'homeostat-controller_controller');
    const config = () => lab.docker(1, 'exec', proxy, 'cat', '/var/lib/homeostat/haproxy/current/haproxy.cfg');
    const [proxy = ''] = (
      await lab.docker(1, 'ps', '-q', '--filter', 'label=com.docker.swarm.service.name=homeostat-proxy_proxy')
    ).split('\n');
    t.ok(await until(async () => /retries 120\n/.test(await config()), 60));
    const clients = startClients([{ ...at('/solo'), timeout: 60_000 }], { rate: 10 });
    const task = async () =>
      (await lab.docker(1, 'ps', '-q', '--filter', 'label=com.docker.swarm.service.name=solo')).split('\n');
    const [first] = await task();
    await lab.docker(1, 'kill', '-s', 'KILL', first!);
    t.ok(await until(async () => (await task()).some((id) => id !== '' && id !== first), 60), 'another task runs');
    t.ok(await answers(at('/solo')));
    await update('--env-add', 'A=1', 'solo');
    t.ok(await answers(at('/solo')));
    const met = await clients.stop();
    t.same(met.reasons, {}, `${met.failed} of ${met.requests} failed, the slowest took ${met.slowest.toFixed(0)} ms`);
    await lab.docker(1, 'service', 'rm', 'solo');
  });

  await t.test('a bad neighbour harms nobody but itself, and says what is wrong with it', async (t) => {
    const bad: [string, Record<string, string>, RegExp][] = [
      ['bad-port', { 'com.df.port': '80a', 'com.df.servicePath': '/a' }, /com\.df\.port/],
      ['bad-regex', { 'com.df.pathType': 'path_reg', 'com.df.servicePath': '/(' }, /com\.df\.servicePath/],
      ['bad-lines', { 'com.df.servicePath': '/x\nbackend evil' }, /com\.df\.servicePath/],
      ['bad-extra', { 'com.df.servicePath': '/y', 'com.df.backendExtra': 'http-request deny' }, /backendExtra/],
      ['bad-size', { 'com.df.servicePath': `/${'x'.repeat(60_000)}` }, /com\.df\.servicePath/],
      ['same-path', { 'com.df.servicePath': '/store' }, /shop/],
    ];
    for (const [name, wrong] of bad) await door.serve(name, labels(wrong), ['--replicas', '0']);
    for (const [name] of bad) await update('--detach', '--replicas', '1', name);
    await door.serve('good', labels({ 'com.df.servicePath': '/good' }), healthFlags());
    t.ok(await answers(at('/good')), 'a good one is routed');
    t.equal(await statusOf(at('/store')), 200, 'and an old one still is');
    const services = await door.services();
    for (const [name, , reason] of bad) {
      const told = services.find((service) => service.name === name);
      t.match(JSON.stringify(told?.problems), reason, `${name}: ${JSON.stringify(told)}`);
    }
    t.match(await door.proxies(), [{ behind: false, refused: undefined }]);
    await lab.docker(1, 'service', 'rm', 'good', ...bad.map(([name]) => name));
    t.ok(await answers(at('/good'), 404), 'removed services are gone');
  });

  await t.test('labels that turn bad keep the last good version', async (t) => {
    await update('--detach', '--label-add', 'com.df.port=http', 'shop');
    t.ok(
      await until(async () => (await door.services()).find(({ name }) => name === 'shop')?.state === 'quarantined', 10),
    );
    t.equal(await statusOf(at('/store')), 200);
    await update('--detach', '--label-add', 'com.df.port=8080', 'shop');
    t.ok(
      await until(async () => (await door.services()).find(({ name }) => name === 'shop')?.state === 'accepted', 10),
    );
  });

  await t.test('without its controller the proxy goes on, even when it is started anew', async (t) => {
    await lab.docker(1, 'service', 'scale', '--detach', 'homeostat-controller_controller=0');
    t.ok(
      await until(async () => (await lab.docker(1, 'ps', '-q', '--filter', 'name=homeostat-controller')) === '', 20),
    );
    t.equal(await statusOf(at('/store')), 200);
    const [proxy] = (await lab.docker(1, 'ps', '-q', '--filter', 'name=homeostat-proxy')).split('\n');
    await lab.docker(1, 'kill', '-s', 'KILL', proxy!);
    t.ok(await until(async () => (await statusOf(at('/store'))) === 200, 30), 'from the bundle on its volume');
    await lab.docker(1, 'service', 'scale', '--detach', 'homeostat-controller_controller=1');
    await door.serve('late', labels({ 'com.df.servicePath': '/late' }), healthFlags());
    t.ok(await answers(at('/late'), 200, 40), 'and what came meanwhile is routed when it is back');
  });

  await t.test('scaled to nothing, a service is gone; scaled up, it is back', async (t) => {
    await update('--detach', '--replicas', '0', 'late');
    t.ok(await answers(at('/late'), 404, 10));
    await update('--detach', '--replicas', '1', 'late');
    t.ok(await answers(at('/late'), 200));
  });

  await t.test('a stack file written for Docker Flow runs unchanged', async (t) => {
    const file = path.join(t.testdir({ 'stack.yml': dockerFlowStack(door.image) }), 'stack.yml');
    await lab.docker(1, 'stack', 'deploy', '--resolve-image', 'never', '--compose-file', file, 'demo');
    t.ok(await answers(at('/demo/hello')));
    t.match(JSON.parse((await ask(at('/old/hello'))).text), { url: '/demo/hello' }, 'the path is rewritten');
    t.match((await ask(at('/demo/hello'))).headers, { 'x-who': 'demo' });
    t.match((await door.services()).find(({ name }) => name === 'demo_main')?.problems, []);
    await lab.docker(1, 'stack', 'rm', 'demo');
    t.ok(await answers(at('/demo/hello'), 404));
  });

  await t.test('a service on none of the proxy’s networks is told', async (t) => {
    await lab.docker(1, 'network', 'create', '--driver', 'overlay', 'elsewhere');
    await door.serve('apart', labels({ 'com.df.servicePath': '/apart' }), ['--network', 'elsewhere'], webCommand());
    const problems = async () => (await door.services()).find(({ name }) => name === 'apart')?.problems;
    t.ok(await until(async () => /network/.test(JSON.stringify(await problems())), 10));
  });
});
