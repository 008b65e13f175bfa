import t from 'tap';
import { proxyEngine } from '../e2e/engine-proxy';
import { withLab } from '../lab';
import { noFolders, promtoolSays, startExporter, until, withoutCadvisorsNames } from './support';

const hostile = 'a "quoted" name\\ with\na newline} 1\n# TYPE x counter';

t.test('the containers of a node', async (t) => {
  const lab = await withLab(t);
  const image = await lab.image('busybox');
  const run = (...words: string[]) => lab.docker(1, 'run', '--detach', ...words);

  await t.test('without containers there are only its own metrics', async (t) => {
    const exporter = await startExporter(t, lab);
    await until('the Engine is known', async () => (await exporter.value('homeostat_exporter_up')) === 1);
    const text = await exporter.text();
    t.notMatch(text, /container_memory/);
    t.equal(promtoolSays(text), '');
  });

  await run(...['--name', 'plain', image, 'sh', '-c', 'dd if=/dev/zero of=/tmp/kept bs=1M count=4; sleep 100000']);
  await run(...['--name', 'limited', '--memory', '32m', '--cpus', '0.5'], image, 'sleep', '100000');
  await run(...['--name', 'quota', '--cpu-quota', '20000', '--cpu-period', '50000'], image, 'sleep', '100000');
  await run(
    ...['--name', 'odd.name_1-2', '--label', `com.docker.stack.namespace=${hostile}`],
    image,
    'sleep',
    '100000',
  );
  await run(...['--name', 'of-the-node', '--network', 'host'], image, 'sleep', '100000');
  await run(...['--name', 'beside', '--network', 'container:plain'], image, 'sleep', '100000');
  await run(...['--name', 'busy'], image, 'sh', '-c', 'while :; do :; done');
  const all = ['beside', 'busy', 'limited', 'odd.name_1-2', 'of-the-node', 'plain', 'quota'];
  t.teardown(() => lab.docker(1, 'rm', '--force', ...all));

  await t.test('are told of with their limits, and what they use', async (t) => {
    const exporter = await startExporter(t, lab);
    await until('all are known', async () => (await exporter.containers()).length === all.length);
    t.same((await exporter.containers()).sort(), all);
    t.equal(await exporter.value('container_spec_memory_limit_bytes', 'plain'), 0);
    t.equal(await exporter.value('container_spec_cpu_quota', 'plain'), undefined);
    t.equal(await exporter.value('container_spec_memory_limit_bytes', 'limited'), 32 * 2 ** 20);
    t.equal(await exporter.value('container_spec_cpu_quota', 'limited'), 50_000);
    t.equal(await exporter.value('container_spec_cpu_period', 'limited'), 100_000);
    t.equal(await exporter.value('container_spec_cpu_quota', 'quota'), 20_000);
    t.equal(await exporter.value('container_spec_cpu_period', 'quota'), 50_000);
    await lab.docker(1, 'update', '--memory', '64m', '--memory-swap', '-1', 'limited');
    await until(
      'a new limit is seen',
      async () => (await exporter.value('container_spec_memory_limit_bytes', 'limited')) === 64 * 2 ** 20,
    );
    const before = (await exporter.value('container_cpu_usage_seconds_total', 'busy'))!;
    await until(
      'processor time is counted',
      async () => (await exporter.value('container_cpu_usage_seconds_total', 'busy'))! > before + 0.3,
    );
    const started = (await exporter.value('container_start_time_seconds', 'plain'))!;
    t.ok(Math.abs(started - Date.now() / 1000) < 600, 'in seconds');
    t.equal(await exporter.value('homeostat_exporter_unread_containers'), 0);
  });

  await t.test('whatever their labels say, the text stays one that Prometheus reads', async (t) => {
    const exporter = await startExporter(t, lab);
    await until('all are known', async () => (await exporter.containers()).length === all.length);
    const text = await exporter.text();
    t.equal(withoutCadvisorsNames(promtoolSays(text)), '');
    const odd = (await exporter.samples()).find(({ labels }) => labels.name === 'odd.name_1-2');
    t.equal(odd?.labels.container_label_com_docker_stack_namespace, hostile);
    t.notMatch(text, /^# TYPE x/m);
  });

  await t.test('the files of the node and the Engine say the same', async (t) => {
    const files = await startExporter(t, lab);
    const engine = await startExporter(t, lab, { folders: noFolders });
    for (const exporter of [files, engine])
      await until('all are known', async () => (await exporter.containers()).length === all.length);
    const series = async (exporter: typeof files) =>
      (await exporter.samples())
        .filter(({ name }) => name.startsWith('container_') || name.startsWith('homeostat_container'))
        .map(({ name, labels }) => JSON.stringify([name, labels]))
        .sort();
    t.same(await series(files), await series(engine));
    const read = async (exporter: typeof files) =>
      (await exporter.samples()).find(
        ({ name, labels }) => name === 'homeostat_exporter_containers' && labels.source === 'files',
      )?.value;
    t.equal(await read(files), all.length);
    t.equal(await read(engine), 0);
    t.match(engine.written(), /read by the Docker Engine/, 'what costs much is said');
    const traffic = (exporter: typeof files, metric: string) =>
      exporter.value(`container_network_${metric}_total`, 'plain') as Promise<number>;
    for (const metric of ['receive_bytes', 'receive_packets', 'transmit_bytes', 'transmit_packets']) {
      const [before, asked, after] = [
        await traffic(files, metric),
        await traffic(engine, metric),
        await traffic(files, metric),
      ];
      t.ok(before <= asked && asked <= after, `${metric}: ${before}, ${asked}, ${after}`);
    }
    t.ok((await traffic(files, 'receive_bytes')) > 0);
    for (const metric of ['container_memory_usage_bytes', 'container_memory_cache', 'container_memory_rss']) {
      const [one, other] = [(await files.value(metric, 'plain'))!, (await engine.value(metric, 'plain'))!];
      t.ok(Math.abs(one - other) < 2 ** 20, `${metric}: ${one} and ${other}`);
    }
    const [first, second] = [
      (await files.value('container_cpu_usage_seconds_total', 'plain'))!,
      (await engine.value('container_cpu_usage_seconds_total', 'plain'))!,
    ];
    t.ok(Math.abs(first - second) < 0.1);
    for (const name of ['of-the-node', 'beside'])
      t.equal(await files.value('container_network_receive_bytes_total', name), undefined, 'not its own network');
  });

  await t.test('one that the Engine does not answer for loses only itself', async (t) => {
    const silent = (await lab.docker(1, 'inspect', '--format', '{{.Id}}', 'quota')).trim();
    const host = await proxyEngine(t, lab.socket(), {
      request: (path) => path.includes(silent) && path.includes('/stats'),
    });
    const exporter = await startExporter(t, lab, { folders: noFolders, host });
    await until('all others are known', async () => (await exporter.containers()).length === all.length - 1);
    t.notOk((await exporter.containers()).includes('quota'));
    t.equal(await exporter.value('homeostat_exporter_unread_containers'), 1);
    t.equal(await exporter.value('homeostat_exporter_up'), 1);
  });

  await t.test('who asks at the same time is given the same reading', async (t) => {
    let asked = 0;
    const host = await proxyEngine(t, lab.socket(), {
      request: (path) => {
        if (path.includes('/stats')) asked++;
        return false;
      },
    });
    const exporter = await startExporter(t, lab, { folders: noFolders, host });
    await until('all are known', async () => (await exporter.containers()).length === all.length);
    asked = 0;
    const texts = await Promise.all(Array.from({ length: 10 }, () => exporter.text()));
    t.equal(new Set(texts).size, 1);
    t.equal(asked, all.length);
  });

  await t.test('come and go while they are read', async (t) => {
    const exporters = [await startExporter(t, lab), await startExporter(t, lab, { folders: noFolders })];
    let ended = false;
    const scrapes = exporters.map(async (exporter) => {
      while (!ended) await exporter.samples();
    });
    for (let round = 0; round < 4; round++) {
      await run('--name', 'short', image, 'sleep', '100000');
      if (round % 2 === 0) await lab.docker(1, 'kill', 'short');
      await lab.docker(1, 'rm', '--force', 'short');
    }
    ended = true;
    await Promise.all(scrapes);
    for (const exporter of exporters) {
      await until('it is gone', async () => !(await exporter.containers()).includes('short'));
      t.equal(await exporter.value('homeostat_exporter_up'), 1);
      t.same((await exporter.containers()).sort(), all);
    }
  });

  await t.test('are healthy or not, and are restarted', async (t) => {
    const exporter = await startExporter(t, lab);
    const check = ['--health-interval', '1s', '--health-retries', '1', '--health-cmd', 'test -e /tmp/good'];
    await run('--name', 'checked', ...check, image, 'sh', '-c', 'touch /tmp/good; sleep 100000');
    await run('--name', 'restarted', '--restart', 'on-failure:3', image, 'sh', '-c', 'sleep 1; exit 1');
    t.teardown(() => lab.docker(1, 'rm', '--force', 'checked', 'restarted'));
    const health = () => exporter.value('homeostat_container_health', 'checked');
    await until('it is healthy', async () => (await health()) === 1);
    await lab.docker(1, 'exec', 'checked', 'rm', '/tmp/good');
    await until('it is not healthy', async () => (await health()) === 0);
    t.equal(await exporter.value('homeostat_container_health', 'plain'), undefined, 'without a check');
    const restarts = () => exporter.value('homeostat_container_restarts_total', 'restarted');
    await until('it was restarted', async () => ((await restarts()) ?? 0) >= 2);
    await until('it is given up', async () => (await restarts()) === undefined);
    await lab.docker(1, 'restart', '--time', '0', 'checked');
    await until('it is read again', async () => (await exporter.value('container_memory_usage_bytes', 'checked'))! > 0);
    t.equal(await exporter.value('homeostat_exporter_unread_containers'), 0);
  });

  await t.test('are told of to nobody who asks wrongly', async (t) => {
    const exporter = await startExporter(t, lab);
    const asked = async (where: string, method = 'GET') => (await fetch(`${exporter.url}${where}`, { method })).status;
    t.equal(await asked('/healthz'), 200);
    t.equal(await asked('/metrics?anything'), 200);
    t.equal(await asked('/metrics', 'HEAD'), 200);
    t.equal(await asked('/metrics', 'POST'), 405);
    t.equal(await asked('/'), 404);
    t.match((await fetch(`${exporter.url}/metrics`)).headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  });
});
