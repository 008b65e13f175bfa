import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { MasterSocket } from '../../runner/agent/haproxy/master-socket';
import { withdrawals } from '../../runner/agent/haproxy/withdraw';
import { systemClock } from '../../runner/common/clock';
import { createSocketAsk } from './master';
import { ask, scene, startAgent, startLoad, startTask, until } from './support';

const shop = 'shop.example.com';

t.test('serves a bundle within a moment, and tells the controller', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it asks', () => controller.asked.some((each) => each.startsWith('GET')));
  t.equal(await agent.pid(), undefined, 'before the first bundle it is not healthy');
  const revision = controller.publish(files());
  await until('it serves', () => agent.pid());
  t.equal((await ask(port, shop)).status, 200, 'the first request finds a task');
  t.equal((await ask(port, shop, '/local')).text, 'local');
  await until('it reports', () => controller.last?.running === revision);
  t.match(controller.last, { engine: 'haproxy', instance: '', agent: 'agent-1', node: 'node-1', reloads: 0 });
  t.match(controller.last?.engineVersion, /^\d+\.\d+\.\d+$/);
  const mode = async (...names: string[]) => (await stat(path.join(agent.folder, ...names))).mode & 0o777;
  t.equal(await mode('bundles', revision), 0o700);
  t.equal(await mode('bundles', revision, 'haproxy.cfg'), 0o600);
  t.match(await readFile(path.join(agent.folder, 'current/maps/local.lst'), 'utf8'), /^127\.0\.0\.0\/8\n/);
  t.match(await readFile(agent.accessLog, 'utf8'), /GET \/ HTTP/, 'the access log passes through');
  t.notMatch(agent.context.written(), /a-token-of-the-agents/);
});

t.test('twenty reloads under load: no request fails, and addresses known are used at once', async (t) => {
  const { controller, controllerUrl, port, files, names, taskPort } = await scene(t);
  controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it serves', () => agent.pid());
  await startTask(t, '127.0.0.4', taskPort);
  const load = startLoad(port, shop);
  for (let number = 1; number <= 20; number++) {
    // Tasks come and go meanwhile, so that slots before those in use are empty.
    names['tasks.shop'] = [['127.0.0.2', '127.0.0.3'], ['127.0.0.4'], ['127.0.0.3', '127.0.0.4']][number % 3]!;
    const revision = controller.publish(files(`# ${number}\n`));
    await until(`reload ${number}`, () => controller.last?.running === revision);
    if (number % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const { asked, failed, slowest } = await load.end();
  t.comment(`${asked} requests, slowest ${slowest.toFixed(0)} ms`);
  t.same(failed, []);
  t.ok(asked > 200);
  t.equal(controller.last?.reloads, 20);
  t.equal((await readdir(path.join(agent.folder, 'bundles'))).length, 3, 'the last three bundles are kept');
  await until(
    'old workers end',
    async () => /# old workers/.test(await createSocketAsk(agent.master)('show proc')) === false,
  );
});

t.test('routes to services that are gone are taken out of the running HAProxy, and no others', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  const bundle = files();
  const gone = 'backend gone\n    http-request return status 200 content-type text/plain string gone\n';
  const hosts = bundle['maps/hosts.map']!;
  const configuration = `${bundle['haproxy.cfg']}${gone}`;
  const map = `${hosts}gone.example.com gone\nodd;shutdown gone\nelsewhere.example.com not-a-backend\n`;
  const revision = controller.publish({ ...bundle, 'haproxy.cfg': configuration, 'maps/hosts.map': map });
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it serves', () => controller.last?.running === revision);
  t.equal((await ask(port, 'gone.example.com')).text, 'gone');
  const given = { configuration, maps: { 'maps/hosts.map': map } };
  const commands = withdrawals(given, bundle['haproxy.cfg']!);
  t.same(
    commands,
    ['@1 del map maps/hosts.map gone.example.com'],
    'a key that could be a command waits for the reload',
  );
  const socket = new MasterSocket(agent.master, systemClock);
  for (const command of commands) await socket.tell(command, new AbortController().signal);
  t.equal((await ask(port, 'gone.example.com')).status, 503, 'before any reload');
  t.equal((await ask(port, shop)).status, 200);
  await t.rejects(socket.tell(commands[0]!, new AbortController().signal), /not found/i);
  t.same(withdrawals(given, configuration), [], 'what has a backend stays');
  const many = Array.from({ length: 101 }, (_, number) => `${number}.example.com gone\n`).join('');
  t.same(withdrawals({ configuration, maps: { 'maps/hosts.map': many } }, ''), [], 'many are faster by the reload');
  const next = controller.publish(bundle);
  await until('the reload', () => controller.last?.running === next);
  t.equal((await ask(port, shop)).status, 200);
});

t.test('of bundles that come during a reload only the newest is taken', async (t) => {
  const { controller, controllerUrl, files } = await scene(t);
  const first = controller.publish(files());
  await startAgent(t, { controller: controllerUrl });
  await until('it serves', () => controller.last?.running === first);
  let newest = '';
  for (let number = 0; number < 10; number++) newest = controller.publish(files(`# ${number}\n`));
  await until('the newest runs', () => controller.last?.running === newest);
  t.ok(controller.last!.reloads <= 2);
});

t.test('a refused bundle changes nothing and is told in the words of HAProxy', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  const good = controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it serves', () => agent.pid());
  const pid = await agent.pid();
  const bad = controller.publish(files('backend broken\n    balance sometimes\n'));
  await until('it is refused', () => controller.last?.refused);
  t.match(controller.last, { running: good, reloads: 0, refused: { revision: bad } });
  t.match(controller.last?.refused?.message, /haproxy\.cfg:\d+\] : balance only supports/);
  t.ok(controller.last!.refused!.message.length <= 8000);
  t.equal((await ask(port, shop)).status, 200);
  t.equal(await agent.pid(), pid);
  t.same(await readdir(path.join(agent.folder, 'bundles')), [good], 'nothing is left of it');
  const asked = controller.asked.length;
  await new Promise((resolve) => setTimeout(resolve, 700));
  t.ok(controller.asked.length - asked <= 2, 'it is not tried again and again');
  controller.publish(files());
  await until('what runs is published again', () => controller.last?.running === good && !controller.last.refused);
  t.equal(controller.last?.reloads, 0, 'which needs no reload');
});

t.test('a port that is taken is found before HAProxy lets go of all others for it', async (t) => {
  const { controller, controllerUrl, port, files, taskPort } = await scene(t);
  const good = controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it serves', () => agent.pid());
  const load = startLoad(port, shop);
  controller.publish(files(`listen taken\n    bind 127.0.0.2:${taskPort}\n`));
  await until('it is refused', () => controller.last?.refused);
  const { failed, slowest } = await load.end();
  t.comment(`slowest ${slowest.toFixed(0)} ms`);
  t.same(failed, []);
  t.match(controller.last?.refused?.message, /cannot bind socket/);
  t.equal(controller.last?.running, good);
  const mended = controller.publish(files('# mended\n'));
  await until('the next one runs', () => controller.last?.running === mended);
  t.equal((await ask(port, shop)).status, 200);
});

t.test('a new port, TLS or weight of a service is not overridden by what ran before', async (t) => {
  const { controller, controllerUrl, port, files, names } = await scene(t);
  controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it serves', () => agent.pid());
  await ask(port, shop);
  const other = await startTask(t, '127.0.0.2');
  names['tasks.shop'] = ['127.0.0.2', '127.0.0.3'];
  const changed = files();
  changed['haproxy.cfg'] = changed['haproxy.cfg']!.replace(/(tasks\.shop):\d+ check/, `$1:${other} check weight 77`);
  const revision = controller.publish(changed);
  await until('it is reloaded', () => controller.last?.running === revision);
  const rows = (await createSocketAsk(agent.master)('@1 show servers state'))
    .split('\n')
    .filter((row) => / shop 1 /.test(row));
  t.equal(rows[0]?.split(' ')[18], String(other));
  t.equal(rows[0]?.split(' ')[8], '77');
});

t.test(
  'a service that is new in a bundle is served at once, another whose name never answers costs little',
  async (t) => {
    const { controller, controllerUrl, port, files, names, taskPort } = await scene(t);
    names['tasks.cart'] = ['127.0.0.2'];
    names['tasks.mute'] = 'silent';
    const template = (name: string) => `backend ${name}\n    server-template s- 1-3 tasks.${name}:${taskPort} check\n`;
    const first = controller.publish(files());
    const agent = await startAgent(t, { controller: controllerUrl });
    await until('it serves', () => controller.last?.running === first);
    const next = files(template('cart') + template('mute'));
    next['maps/hosts.map'] += 'cart.example.com cart\nmute.example.com mute\n';
    const start = performance.now();
    controller.publish(next);
    let answer = { status: 0 };
    let tries = 0;
    // Before the reload the host is not known, which is a 503 too; from the first answer on there must be no other.
    while (answer.status !== 200 && performance.now() - start < 5000) {
      answer = await ask(port, 'cart.example.com');
      tries++;
    }
    t.comment(`served after ${(performance.now() - start).toFixed(0)} ms, ${tries} tries`);
    t.ok(performance.now() - start < 1500);
    t.equal((await ask(port, 'mute.example.com')).status, 503);
    await agent.stop();
  },
);

t.test('servers put in at a start are checked like all others', async (t) => {
  const { controller, controllerUrl, port, files, names } = await scene(t);
  names['tasks.shop'] = ['127.0.0.2', '127.0.0.9'];
  controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it serves', () => agent.pid());
  const rows = async () => (await createSocketAsk(agent.master)('@1 show servers state')).split('\n');
  await until('the one that does not answer is down', async () =>
    (await rows()).some((row) => row.split(' ')[4] === '127.0.0.9' && row.split(' ')[5] === '0'),
  );
  for (let number = 0; number < 6; number++) t.equal((await ask(port, shop)).text, '127.0.0.2');
});

t.test('starts from the last good bundle when the controller is away', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  const revision = controller.publish(files());
  const folder = t.testdir();
  const before = await startAgent(t, { controller: controllerUrl, folder });
  await until('it serves', () => before.pid());
  await before.stop();
  t.equal(await before.pid(), undefined, 'it is not healthy any more');
  await controller.close();
  const start = performance.now();
  const agent = await startAgent(t, { controller: controllerUrl, folder });
  await until('it serves', () => agent.pid());
  t.comment(`served after ${(performance.now() - start).toFixed(0)} ms`);
  t.equal((await ask(port, shop)).status, 200, 'the first request is served');
  t.match(agent.context.written(), new RegExp(`serving revision ${revision}, the last good one`));
});

t.test('a last bundle that was damaged on disk is passed over for an older one', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  const folder = t.testdir();
  const before = await startAgent(t, { controller: controllerUrl, folder });
  const older = controller.publish(files());
  await until('the first runs', () => controller.last?.running === older);
  const newer = controller.publish(files('# newer\n'));
  await until('the second runs', () => controller.last?.running === newer);
  await before.stop();
  await controller.close();
  const record = path.join(folder, 'bundles', newer, '.bundle.json');
  await writeFile(record, (await readFile(record, 'utf8')).slice(0, 100));
  await rm(path.join(folder, 'bundles', older, 'maps'), { recursive: true });
  const agent = await startAgent(t, { controller: controllerUrl, folder });
  await until('it serves', () => agent.pid());
  t.equal((await ask(port, shop)).status, 200);
  t.match(agent.context.written(), new RegExp(`serving revision ${older}`), 'and its missing files are there again');
});

t.test('without any bundle and without the controller it waits, and serves when it comes', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  await controller.close();
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it tells', () => /cannot be reached/.test(agent.context.written()));
  t.equal(await agent.pid(), undefined);
  controller.publish(files());
  await controller.listen(Number(new URL(controllerUrl).port));
  await until('it serves', () => agent.pid());
  t.equal((await ask(port, shop)).status, 200);
  t.equal(agent.context.written().match(/cannot be reached/g)?.length, 1, 'and tells the same only once');
});

t.test('HAProxy killed, the master or a worker, is there again in a moment', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it serves', () => agent.pid());
  const first = (await agent.pid())!;
  process.kill(first, 'SIGKILL');
  const start = performance.now();
  await until('a new one serves', async () => ![undefined, first].includes(await agent.pid()));
  t.comment(`after kill -9 of the master: ${(performance.now() - start).toFixed(0)} ms`);
  t.equal((await ask(port, shop)).status, 200);
  const second = (await agent.pid())!;
  const processes = await createSocketAsk(agent.master)('show proc');
  process.kill(Number(/^(\d+)\s+worker/m.exec(processes)![1]), 'SIGKILL');
  await until('a new one serves', async () => ![undefined, second].includes(await agent.pid()));
  t.equal((await ask(port, shop)).status, 200);
  const all = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  t.equal(all.filter((line) => line.includes(agent.master)).length, 2, 'one master and one worker, nothing left over');
  process.kill((await agent.pid())!, 'SIGKILL');
  await until('an end that comes again and again is told', () => /ended 3 times/.test(controller.last?.problem ?? ''));
});

t.test('a slow request is finished when the agent is stopped', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl });
  await until('it serves', () => agent.pid());
  const pid = (await agent.pid())!;
  const slow = ask(port, shop, '/slow/1000');
  await new Promise((resolve) => setTimeout(resolve, 200));
  const start = performance.now();
  const stopped = agent.stop();
  await until('nothing new is taken', () =>
    ask(port, shop).then(
      () => false,
      () => true,
    ),
  );
  t.match(await slow, { status: 200 });
  await stopped;
  t.ok(performance.now() - start < 3000);
  t.notOk(existsSync(`/proc/${pid}`));
});

t.test('a request that takes longer than the drain is cut', async (t) => {
  const { controller, controllerUrl, port, files } = await scene(t);
  controller.publish(files());
  const agent = await startAgent(t, { controller: controllerUrl, settings: { drain: 300 } });
  await until('it serves', () => agent.pid());
  const slow = ask(port, shop, '/slow/8000').catch((error: Error) => error.message);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const start = performance.now();
  await agent.stop();
  t.ok(performance.now() - start < 3000);
  t.type(await slow, 'string');
});
