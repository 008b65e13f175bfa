import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { bundle } from '../../build/bundle';
import { TestController, token } from '../agent/controller';
import { ask, filesFor, startLoad, until } from '../agent/support';
import { sharedLab, uniqueName, type Lab } from '../lab';

const images = path.join(__dirname, '../../resources/images/proxy');
const published = 18_080;
const server = `const task = require('http').createServer((request, response) => {
  const wait = Number(/^.slow.(\\d+)/.exec(request.url)?.[1] ?? 0);
  setTimeout(() => response.end(require('os').hostname()), wait);
}).listen(8080);
process.on('SIGTERM', () => { task.close(() => process.exit()); task.closeIdleConnections(); });`;

/** The proxy's image as its Dockerfile says, on the lab's image in place of the runner's: what takes long is there already. */
async function buildProxy(t: Test, lab: Lab): Promise<string> {
  const folder = t.testdir();
  const base = path.join(folder, 'base');
  await mkdir(base);
  await bundle(base);
  await writeFile(path.join(base, 'homeostat'), '#!/bin/sh\nexec node /usr/local/lib/homeostat.cjs "$@"\n', {
    mode: 0o755,
  });
  const lines = [
    `FROM ${await lab.image('proxy')}`,
    'COPY homeostat.cjs /usr/local/lib/',
    'COPY homeostat /usr/local/bin/',
    'ENTRYPOINT ["tini", "--"]',
  ];
  await writeFile(path.join(base, 'Dockerfile'), lines.join('\n'));
  const name = uniqueName('proxy');
  await lab.docker(1, 'build', '-q', '-t', `${name}-base`, base);
  const context = path.join(folder, 'proxy');
  await mkdir(context);
  await copyFile(path.join(images, 'Dockerfile'), path.join(context, 'Dockerfile'));
  await lab.docker(1, 'build', '-q', '-t', name, '--build-arg', `RUNNER=${name}-base`, context);
  return name;
}

t.test('HAProxy 3.0 in its container, over a real service of a Swarm', async (t) => {
  const lab = await sharedLab(t);
  const proxy = await buildProxy(t, lab);
  const shop = uniqueName('shop');
  const host = `${shop}.example.com`;
  await lab.docker(1, 'network', 'create', '--driver', 'overlay', '--attachable', shop);
  await lab.docker(
    ...([1, 'service', 'create', '-q', '--name', shop, '--network', shop, '--endpoint-mode', 'dnsrr'] as const),
    ...[
      '--replicas',
      '2',
      '--stop-grace-period',
      '5s',
      '--no-resolve-image',
      await lab.image('node'),
      'node',
      '-e',
      server,
    ],
  );
  const controller = new TestController();
  const port = await controller.listen(0, lab.gateway);
  const container = `${shop}-proxy`;
  t.teardown(async () => {
    await controller.close();
    await lab.docker(1, 'rm', '-f', '-v', container);
    await lab.docker(1, 'service', 'rm', shop);
    await lab.docker(1, 'volume', 'rm', '-f', container);
    await until('the network is gone', () =>
      lab.docker(1, 'network', 'rm', shop).then(
        () => true,
        () => false,
      ),
    );
  });
  const folder = t.testdir({ token });
  const start = () =>
    lab.docker(
      ...([1, 'run', '-d', '--name', container, '--network', shop, '-p', `${published}:80`] as const),
      ...[
        '-v',
        `${container}:/var/lib/homeostat`,
        '-v',
        `${folder}/token:/token:ro`,
        '-e',
        'HOMEOSTAT_TOKEN_FILE=/token',
      ],
      ...['-e', `HOMEOSTAT_CONTROLLER=http://${lab.gateway}:${port}`, '-e', 'HOMEOSTAT_NODE=node1', proxy],
    );
  const health = () => lab.docker(1, 'inspect', '-f', '{{.State.Health.Status}}', container);
  const inside = (...words: string[]) => lab.docker(1, 'exec', container, ...words);
  const master = (command: string) => inside('sh', '-c', `echo '${command}' | socat -t5 - /run/homeostat/master.sock`);
  const files = (more = '') => filesFor(80, '127.0.0.11:53', [{ name: shop, port: 8080 }], more, '');
  const get = (url = '/') => ask(published, host, url, lab.address());

  await start();
  await until('it asks', () => controller.asked.length > 0);
  t.not(await health(), 'healthy', 'without a configuration it is not healthy');
  const first = controller.publish(files());
  await until('it serves', () => controller.last?.running === first);
  t.equal((await get()).status, 200, 'the first request finds a task');
  t.match(controller.last?.engineVersion, /^3\./);
  t.equal(controller.last?.node, 'node1');
  await until('it is healthy', async () => (await health()) === 'healthy');

  const load = startLoad(published, host, lab.address());
  for (let number = 1; number <= 20; number++) {
    if (number === 5) await lab.docker(1, 'service', 'scale', '-d', `${shop}=4`);
    if (number === 12) await lab.docker(1, 'service', 'scale', '-d', `${shop}=1`);
    const revision = controller.publish(files(`# ${number}\n`));
    await until(`reload ${number}`, () => controller.last?.running === revision);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const { asked, failed, slowest } = await load.end();
  t.comment(`20 reloads: ${asked} requests, slowest ${slowest.toFixed(0)} ms`);
  t.same(failed, [], 'no request fails during twenty reloads while the service is scaled up and down');
  t.equal(controller.last?.reloads, 20);

  const good = controller.last?.running;
  controller.publish(files('backend broken\n    server here 127.0.0.1:x\n'));
  await until('it is refused', () => controller.last?.refused);
  t.match(controller.last?.refused?.message, /haproxy\.cfg:\d+\]/);
  t.equal(controller.last?.running, good);

  const worker = /^(\d+)\s+worker/m.exec(await master('show proc'))![1]!;
  t.notMatch(await inside('grep', '^Uid:', `/proc/${worker}/status`), /^Uid:\s+0/, 'workers are not root');
  await inside('sh', '-c', `kill -9 ${worker}`);
  await until('a killed worker is replaced', async () => (await get().catch(() => undefined))?.status === 200);
  await until('a killed master is replaced', async () => {
    const pid = await inside('cat', '/run/homeostat/serving').catch(() => '');
    return (
      pid !== '' &&
      inside('sh', '-c', `kill -9 ${pid}`).then(
        () => true,
        () => false,
      )
    );
  });
  await until('a killed master is replaced', async () => (await get().catch(() => undefined))?.status === 200);

  const slow = get('/slow/1500');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await lab.docker(1, 'stop', '-t', '20', container);
  t.equal((await slow).status, 200, 'a stop lets a slow request end');
  t.equal(await lab.docker(1, 'inspect', '-f', '{{.State.ExitCode}}', container), '143');
  t.match(await lab.docker(1, 'logs', container), /"GET \/ HTTP/, 'the access log is the output of the container');

  await controller.close();
  await lab.docker(1, 'rm', container);
  await start();
  await until('it is healthy', async () => (await health()) === 'healthy');
  t.equal((await get()).status, 200, 'without the controller the last good configuration serves');
});
