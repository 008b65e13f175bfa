import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import {
  advertiseAddress,
  clusterArguments,
  defaultInterfaces,
  type LocalAddress,
} from '../../runner/agent/alertmanager/cluster';
import { AlertmanagerEngine } from '../../runner/agent/alertmanager/engine';
import { guiltyServices } from '../../runner/alerting/guilty';
import { jobAddress, program, scaleUp, scene, soon, startAlertmanager } from '../alerting/live';
import { folderFor, render, scaled, settingsOf, writeFiles } from '../alerting/support';
import { failureOf, holds } from '../common/support';
import { realContext } from '../lab/context';
import { TestController } from './controller';
import { freePort, startAgent } from './support';

const names = (text: string) => text.split(' ').map((name) => scaled(name));
const filesFor = (services: string) => render({ services: names(services) }).files;

async function world(t: Test, folder?: string) {
  const controller = new TestController('alertmanager');
  const controllerUrl = `http://127.0.0.1:${await controller.listen()}`;
  t.teardown(() => controller.close());
  const listen = `127.0.0.1:${await freePort()}`;
  const start = () =>
    startAgent(t, {
      controller: controllerUrl,
      ...(folder === undefined ? {} : { folder }),
      engine: (folder, output, context) =>
        new AlertmanagerEngine({ folder, program, checker: 'amtool', output, checkLimit: 30_000, listen }, context),
    });
  const running = async (): Promise<string> => {
    const answer = await fetch(`http://${listen}/api/v2/status`).catch(() => undefined);
    return answer ? ((await answer.json()) as { config: { original: string } }).config.original : '';
  };
  return { controller, start, running, url: `http://${listen}` };
}

t.test('a program that is not there is said so', async (t) => {
  const folder = await folderFor(t);
  const settings = { folder, program: 'no-such-program', checker: 'amtool', output: 2, checkLimit: 1000, listen: ':1' };
  const { code } = await failureOf(() => new AlertmanagerEngine(settings, realContext()).version());
  t.equal(code, 'CLI_MISSING');
});

t.test('a bundle that amtool refuses: what ran goes on, and the service is named', async (t) => {
  const { controller, start, running } = await world(t);
  const good = controller.publish(filesFor('shop pay'));
  await start();
  await soon('it runs', () => controller.last?.running === good);
  const files = filesFor('shop pay other');
  const text = files['alertmanager.yml']!.replace('name: homeostat/scale/pay/up', 'name: homeostat/scale/gone/up');
  const bad = controller.publish({ ...files, 'alertmanager.yml': text });
  await soon('it is refused', () => controller.last?.refused?.revision === bad);
  t.same(guiltyServices(text, controller.last!.refused!.message), ['pay']);
  t.equal(controller.last?.running, good);
  t.notMatch(await running(), /other/);
  const next = controller.publish(filesFor('shop other'));
  await soon('the next one runs', () => controller.last?.running === next);
  t.equal(controller.last?.refused, undefined);
  t.match(await running(), /homeostat\/scale\/other\/up/);
});

t.test('what only Alertmanager itself finds wrong: what ran goes on', async (t) => {
  const { controller, start, running } = await world(t);
  const good = controller.publish(filesFor('shop'));
  const agent = await start();
  await soon('it runs', () => controller.last?.running === good);
  const env = {
    HOMEOSTAT_ALERTING_JOB_URL: 'https://jobs.example',
    HOMEOSTAT_ALERTING_JOB_CA_FILE: '/no/such/file',
  };
  const bad = controller.publish(render({ services: names('shop pay'), settings: settingsOf(env) }).files);
  await soon('it is refused', () => controller.last?.refused?.revision === bad);
  t.match(controller.last?.refused?.message, /\/no\/such\/file/);
  t.match(agent.context.written(), /\/no\/such\/file cannot be read/);
  t.equal(controller.last?.running, good);
  t.notMatch(await running(), /homeostat\/scale\/pay/);
  t.match(
    await readFile(path.join(agent.folder, 'current/alertmanager.yml'), 'utf8'),
    new RegExp(`# revision: ${good}`),
  );
});

t.test('twenty bundles one after the other: each that is told to run does', async (t) => {
  const { controller, start, running } = await world(t);
  controller.publish(filesFor('shop'));
  await start();
  await soon('it runs', () => controller.last?.running);
  for (let number = 0; number < 20; number++) {
    // Templates alone change the revision, too.
    const files = number % 2 ? filesFor(`shop s${number}`) : { ...filesFor('shop'), 'templates/x.tmpl': `${number}` };
    const revision = controller.publish(files);
    await soon(`bundle ${number}`, () => controller.last?.running === revision);
    t.equal(/scale\/s\d+\/up/.exec(await running())?.[0], number % 2 ? `scale/s${number}/up` : undefined);
  }
  t.equal(controller.last?.reloads, 20);
});

t.test('killed, it is there again with what it had; without a controller, too', async (t) => {
  const folder = await folderFor(t);
  const { controller, start, running } = await world(t, folder);
  const revision = controller.publish(filesFor('shop'));
  const agent = await start();
  await soon('it runs', () => controller.last?.running === revision);
  await controller.close();
  const before = (await agent.pid())!;
  process.kill(before, 'SIGKILL');
  await soon('it runs again', async () => {
    const pid = await agent.pid();
    return pid !== undefined && pid !== before && (await running()).includes('scale/shop/up');
  });
  await agent.stop();
  t.equal(await running(), '', 'it is stopped with its agent');
  const again = await start();
  await soon(
    'the last good one is served',
    async () => (await again.pid()) && (await running()).includes('scale/shop/up'),
  );
});

t.test('killed after it has sent: it does not send again, and sends what is new', async (t) => {
  const { job, files } = await scene(t, names('shop pay'));
  const alertmanager = await startAlertmanager(t, files());
  await alertmanager.send(scaleUp('shop'));
  await soon('it is sent', () => job.door.urls.length > 0);
  await soon('that it was sent is on disk', async () =>
    (await readFile(path.join(alertmanager.folder, 'data/nflog'), 'utf8').catch(() => '')).includes('scale/shop/up'),
  );
  await alertmanager.kill();
  await alertmanager.start();
  await alertmanager.send(scaleUp('shop'), scaleUp('pay'));
  await soon('the new one is sent', () => job.door.urls.includes(jobAddress('pay')));
  await wait(7000);
  t.same(job.door.urls, [jobAddress('shop'), jobAddress('pay')]);
});

t.test('an address that is taken: it says why it does not run', async (t) => {
  const { files } = await scene(t, []);
  const first = await startAlertmanager(t, files());
  const listen = new URL(first.url).host;
  const folder = await folderFor(t);
  await writeFiles(path.join(folder, 'current'), filesFor('shop'));
  const settings = { folder, program, checker: 'amtool', output: 2, checkLimit: 30_000, listen };
  await t.rejects(new AlertmanagerEngine(settings, realContext()).start(''), /exit code 1[^]*address already in use/);
});

t.test('two Alertmanagers that know each other send once, and when one dies the other sends', async (t) => {
  const { job, files } = await scene(t, names('shop pay'));
  const port = await freePort();
  const hosts = ['127.0.0.1', '127.0.0.2'];
  const both = await Promise.all(
    hosts.map((host) =>
      startAlertmanager(t, files(), { host, cluster: { peers: hosts, port, near: [], address: host } }),
    ),
  );
  const [first, second] = both;
  const members = async () => {
    const answer = await fetch(`${first!.url}/api/v2/status`);
    return ((await answer.json()) as { cluster: { status: string; peers: unknown[] } }).cluster;
  };
  await soon('they have found each other', async () => {
    const { status, peers } = await members();
    return status === 'ready' && peers.length === 2;
  });
  for (const each of both) await each.send(scaleUp('shop'));
  await soon('it is sent', () => job.door.urls.length > 0);
  // The one that waits for the other does so for 15 s.
  await wait(25_000);
  t.same(job.door.urls, [jobAddress('shop')]);
  await first!.kill();
  await second!.send(scaleUp('pay'));
  await soon('the other one sends', () => job.door.urls.includes(jobAddress('pay')));
});

t.test('arguments of the cluster', async (t) => {
  t.same(clusterArguments(undefined), ['--cluster.listen-address=']);
  t.same(clusterArguments({ peers: [], port: 9094 }), ['--cluster.listen-address=']);
  t.match(clusterArguments({ peers: ['tasks.a', '10.0.0.1:9000'], port: 9094, advertise: '10.0.0.2' }), [
    '--cluster.listen-address=0.0.0.0:9094',
    '--cluster.advertise-address=10.0.0.2:9094',
    '--cluster.peer=tasks.a:9094',
    '--cluster.peer=10.0.0.1:9000',
  ]);
});

t.test('the address for the others is the one on their network', async (t) => {
  const address = (name: string, address: string, netmask = '255.255.255.0'): LocalAddress => ({
    ...{ name, address, netmask },
    internal: name === 'lo',
  });
  const local = [
    address('lo', '127.0.0.1', '255.0.0.0'),
    address('eth2', '172.18.0.4', '255.255.0.0'),
    address('eth0', '10.0.1.7'),
    address('eth1', '10.0.2.9'),
  ];
  t.equal(advertiseAddress(local, ['10.0.2.3'], ['eth2']), '10.0.2.9');
  t.equal(advertiseAddress(local, ['192.168.0.1', '10.0.1.1'], ['eth2']), '10.0.1.7');
  t.equal(advertiseAddress(local, [], ['eth2']), undefined, 'there are two, and nobody says which');
  t.equal(advertiseAddress(local.slice(0, 3), [], ['eth2']), '10.0.1.7');
  t.equal(advertiseAddress(local.slice(0, 2), ['127.0.0.2'], ['eth2']), undefined);
  const routes = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth2\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0001000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`;
  t.same(defaultInterfaces(routes), ['eth2']);
  const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((all) => all.join('.'));
  const property = fc.property(octets, fc.array(octets), fc.string(), (own, known, text) => {
    const found = advertiseAddress([address('eth0', own), address('lo', '127.0.0.1')], known, defaultInterfaces(text));
    if (found !== own && found !== undefined) throw new Error(found);
  });
  await holds(t, property);
});
