import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { startClients } from '../e2e/clients';
import { healthFlags, withDoor, type Door, type Question } from '../e2e/door';
import { createAtOnce } from './at-once';
import { firstAnswer, firstRequests, load, loadTarget, runningTask, sharesOf, tasksOf } from './door-measures';
import { handWritten } from './hand-written';
import { noteInto, pause, type Series } from './measure';
import { writeSection } from './report';
import { buildTraefik, traefikVersion } from './traefik-build';

const rounds = Number(process.env.ROUNDS ?? 20);
const series: Series[] = [];
const note = noteInto(series);

/** Labels of a service for both doors. */
const labels = (name: string) => ({
  'com.df.notify': 'true',
  'com.df.port': '8080',
  'com.df.servicePath': `/${name}`,
  'com.df.scaleMax': '6',
  'traefik.enable': 'true',
  [`traefik.http.routers.${name}.rule`]: `PathPrefix(\`/${name}\`)`,
  [`traefik.http.services.${name}.loadbalancer.server.port`]: '8080',
  [`traefik.http.services.${name}.loadbalancer.healthcheck.path`]: '/health',
  [`traefik.http.services.${name}.loadbalancer.healthcheck.interval`]: '1s',
  [`traefik.http.routers.${name}.middlewares`]: `${name}-retry`,
  [`traefik.http.middlewares.${name}-retry.retry.attempts`]: '3',
});

/** Traefik as a careful person sets it up, beside ours: it looks each second, logs, checks and tries again. */
async function startTraefik({ lab }: Door, program: string): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-traefik-'));
  copyFileSync(program, path.join(folder, 'traefik'));
  writeFileSync(path.join(folder, 'Dockerfile'), 'FROM scratch\nCOPY traefik /traefik\nENTRYPOINT ["/traefik"]\n');
  await lab.docker(1, 'build', '--quiet', '--tag', 'bench/traefik', folder);
  rmSync(folder, { recursive: true });
  const mount = 'type=bind,source=/var/run/docker.sock,target=/var/run/docker.sock';
  const swarm = ['endpoint=unix:///var/run/docker.sock', 'refreshSeconds=1', 'network=proxy', 'exposedByDefault=false'];
  const flags = [
    '--entrypoints.web.address=:80',
    '--accesslog=true',
    '--providers.providersThrottleDuration=100ms',
    '--serversTransport.forwardingTimeouts.dialTimeout=500ms',
    ...swarm.map((each) => `--providers.swarm.${each}`),
  ];
  const service = ['--name', 'traefik', '--network', 'proxy', '--endpoint-mode', 'dnsrr', '--mount', mount];
  const port = ['--publish', 'mode=host,published=8082,target=80'];
  await lab.docker(
    1,
    'service',
    'create',
    '--detach',
    '--no-resolve-image',
    ...service,
    ...port,
    'bench/traefik',
    ...flags,
  );
  return 'traefik';
}

t.test('the door beside Traefik and a hand-written HAProxy', async (t) => {
  const program = await buildTraefik();
  if (!program) return;
  const door = await withDoor(t);
  const { lab } = door;
  const traefik = await startTraefik(door, program);
  const address = lab.address(1);
  const doors = { ours: 80, Traefik: 8082 };
  const at = (port: number, name: string): Question => ({ address, port, path: `/${name}` });
  const both = <T>(work: (port: number) => Promise<T>) => Promise.all(Object.values(doors).map(work));
  const update = (...words: string[]) => lab.docker(1, 'service', 'update', '--no-resolve-image', ...words);
  const tell = (what: string, unit: string, values: number[][]) =>
    Object.keys(doors).forEach((name, index) =>
      note(
        `${what}: ${name}`,
        unit,
        '',
        values.map((pair) => pair[index]!),
      ),
    );
  const serve = (name: string, replicas: number, ...flags: string[]) =>
    door.serve(name, labels(name), ['--replicas', String(replicas), ...flags, ...healthFlags()]);

  const come: number[][] = [];
  const gone: number[][] = [];
  for (let round = 0; round < rounds; round++) {
    const name = `route${round}`;
    await serve(name, 1);
    const answered = await both((port) => firstAnswer(at(port, name), 200));
    const task = await runningTask(door, name);
    come.push(answered.map((time) => (time - Date.parse(task.Status.Timestamp)) / 1000));
    const removed = Date.now();
    await update('--detach', '--label-rm', 'com.df.notify', '--label-rm', 'traefik.enable', name);
    const ended = await both((port) => firstAnswer(at(port, name), 404));
    gone.push(ended.map((time) => (time - removed) / 1000));
    await lab.docker(1, 'service', 'rm', name);
  }
  tell('task runs → first 200 of a new service', 's', come);
  tell('label removed → no longer routed', 's', gone);

  await serve('shop', 4, '--stop-grace-period', '10s', '--update-delay', '0s', '--restart-delay', '0s');
  await both((port) => firstAnswer(at(port, 'shop'), 200));
  await pause(5000);
  const failing = async (what: string, work: () => Promise<unknown>) => {
    const clients = Object.values(doors).map((port) => startClients([at(port, 'shop')], { rate: 50 }));
    await work();
    const met = await Promise.all(clients.map((each) => each.stop()));
    tell(`${what}: failed of ${met[0]!.requests} each`, 'requests', [met.map(({ failed }) => failed)]);
  };
  const scaled: number[][] = [];
  for (let round = 0; round < Math.ceil(rounds / 4); round++) {
    await update('--replicas', '2', 'shop');
    const [ours, theirs] = await firstRequests(
      door,
      'shop',
      Object.values(doors).map((port) => at(port, 'shop')),
      6,
    );
    scaled.push(...ours!.map((time, index) => [time, theirs![index]!]));
  }
  tell('scaled up: task is healthy → its first request', 's', scaled);
  await update('--replicas', '4', 'shop');
  await failing('`kill -9` of a task, 6 times', async () => {
    for (let count = 0; count < 6; count++) {
      await pause(2000);
      const [task] = await tasksOf(door, 'shop');
      await lab.docker(1, 'kill', '-s', 'KILL', task!.Status.ContainerStatus!.ContainerID);
      await pause(8000);
    }
  });
  for (const order of ['start-first', 'stop-first'])
    await failing(`5 rollouts ${order} of 4 replicas`, async () => {
      for (let round = 0; round < 5; round++)
        await update('--update-order', order, '--update-monitor', '1s', '--env-add', `ROUND=${order}${round}`, 'shop');
    });
  await lab.docker(1, 'service', 'rm', 'shop');

  await serve('fast', 2);
  const other = await handWritten(door, 'fast');
  await both((port) => firstAnswer(at(port, 'fast'), 200));
  const proxies = [
    ['hand-written', await loadTarget(door, other, 'haproxy', '/fast')],
    ['ours', await loadTarget(door, 'homeostat-proxy_proxy', 'haproxy', '/fast')],
    ['Traefik', await loadTarget(door, traefik, 'traefik', '/fast')],
  ] as const;
  const found = new Map(proxies.map(([name]) => [name, [] as { rate: number; cost: number }[]]));
  for (let round = 0; round < rounds; round++)
    for (const [name, target] of round % 2 === 0 ? proxies : [...proxies].reverse())
      found.get(name)!.push(await load(door, target));
  for (const [name, list] of found)
    note(
      `throughput: ${name}`,
      'requests/s',
      '',
      list.map(({ rate }) => rate),
    );
  for (const [name, list] of found)
    note(
      `processor time a request: ${name}`,
      'µs',
      '',
      list.map(({ cost }) => cost),
    );
  await lab.docker(1, 'service', 'rm', 'fast', other);

  const names = Array.from({ length: 100 }, (_, count) => `s${count + 1}`);
  const routed: number[][] = [];
  for (let round = 0; round < Math.ceil(rounds / 4); round++) {
    if (round > 0) await lab.docker(1, 'service', 'rm', ...names);
    await pause(8000);
    const questions = Object.values(doors).map((port) => ({ address, port }));
    routed.push((await createAtOnce(door, names, labels, questions)).routed);
  }
  tell('100 services created at once: last one routed after the last one runs', 's', routed);

  await pause(10_000);
  const container = Object.fromEntries(proxies.map(([name, target]) => [name, target.container]));
  const idle = [
    ['ours: HAProxy', container.ours!, 'haproxy'],
    ['ours: agent', container.ours!, 'node'],
    ['Traefik', container.Traefik!, 'traefik'],
  ] as const;
  const shares = await Promise.all(idle.map(([, where, name]) => sharesOf(where, name)));
  idle.forEach(([who], index) => note(`idle with 100 services: ${who}`, '% of a core', '', shares[index]!));
});

t.teardown(() => {
  if (series.length > 0)
    writeSection(
      'The door beside Traefik',
      `One node, one run; Traefik ${traefikVersion}, built from its Go module, looks each second, checks each second and tries again. Clients as above, at both doors at once.`,
      series,
    );
});
