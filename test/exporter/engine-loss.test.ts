import t from 'tap';
import { proxyEngine } from '../e2e/engine-proxy';
import { withLab } from '../lab';
import { startExporter, until } from './support';

t.test('an Engine that is away', async (t) => {
  const lab = await withLab(t);
  const image = await lab.image('busybox');
  const run = (name: string) =>
    lab.docker(1, 'run', '--detach', '--restart', 'always', '--name', name, image, 'sleep', '100000');
  await run('shop');

  await t.test('is told of, and nothing of its containers; when it is back, all is as before', async (t) => {
    const exporter = await startExporter(t, lab);
    await until('it is known', async () => (await exporter.containers()).length === 1);
    await lab.stopEngine(1);
    await until('it is away', async () => (await exporter.value('homeostat_exporter_up')) === 0);
    t.notMatch(await exporter.text(), /^container_/m, 'no stale numbers');
    t.equal((await fetch(`${exporter.url}/healthz`)).status, 200, 'a restart of the exporter would not help');
    await lab.startEngine(1);
    await until('it is back', async () => (await exporter.value('homeostat_exporter_up')) === 1);
    await until(
      'its container too',
      async () => ((await exporter.value('container_memory_usage_bytes', 'shop')) ?? 0) > 0,
    );
    await run('other');
    await until('and new ones', async () => (await exporter.containers()).includes('other'));
  });

  await t.test('is waited for at the begin', async (t) => {
    await lab.stopEngine(1);
    const exporter = await startExporter(t, lab);
    t.equal(await exporter.value('homeostat_exporter_up'), 0);
    await lab.startEngine(1);
    await until('it is there', async () => (await exporter.value('homeostat_exporter_up')) === 1);
  });

  await t.test('or hangs: that is seen at the next listing', async (t) => {
    let hangs = false;
    const host = await proxyEngine(t, lab.socket(), { request: () => hangs });
    const exporter = await startExporter(t, lab, { host, interval: 1000 });
    await until('it is known', async () => (await exporter.value('homeostat_exporter_up')) === 1);
    hangs = true;
    await until('it hangs', async () => (await exporter.value('homeostat_exporter_up')) === 0);
    t.notMatch(await exporter.text(), /^container_/m);
    hangs = false;
    await until('it answers again', async () => (await exporter.value('homeostat_exporter_up')) === 1);
    t.match(exporter.written(), /the Docker Engine cannot be asked/);
  });

  await t.test('loses an event: the next listing makes up for it', async (t) => {
    const host = await proxyEngine(t, lab.socket(), { answer: (path) => path.includes('/events') });
    const exporter = await startExporter(t, lab, { host, interval: 1000 });
    await until('it is known', async () => (await exporter.value('homeostat_exporter_up')) === 1);
    const check = ['--health-interval', '1s', '--health-cmd', 'test -e /tmp/good'];
    await lab.docker(1, 'run', '--detach', '--name', 'untold', ...check, image, 'sleep', '100000');
    await until('it is seen', async () => (await exporter.containers()).includes('untold'));
    await lab.docker(1, 'exec', 'untold', 'touch', '/tmp/good');
    const health = () => exporter.value('homeostat_container_health', 'untold');
    await until('its health is seen', async () => (await health()) === 1);
    await lab.docker(1, 'rm', '--force', 'untold');
    await until('it is gone', async () => !(await exporter.containers()).includes('untold'));
  });
});
