import t from 'tap';
import { describeService } from '../../runner/labels/describe';
import { renderProxy } from '../../runner/proxy/render';
import { defaultProxySettings } from '../../runner/proxy/settings';
import { startClients } from '../e2e/clients';
import { healthFlags, statusOf, withDoor, type Question } from '../e2e/door';
import { until } from '../e2e/support';
import { createAtOnce } from './at-once';
import {
  containerOf,
  firstAnswer,
  firstRequests,
  load,
  loadTarget,
  memoryOf,
  runningTask,
  sharesOf,
  tasksOf,
} from './door-measures';
import { handWritten } from './hand-written';
import { noteInto, pause, percentile, type Series } from './measure';
import { writeSection } from './report';

const series: Series[] = [];
const note = noteInto(series);
const labels = (more: Record<string, string>) => ({ 'com.df.notify': 'true', 'com.df.port': '8080', ...more });

t.test('a full pass over 1,000 services: labels read and rendered', (t) => {
  const spent: number[] = [];
  for (let round = 0; round < 20; round++) {
    const before = process.cpuUsage();
    const services = Array.from({ length: 1000 }, (_, count) => {
      const more = {
        'com.df.serviceDomain': `s${count}.example.com`,
        'com.df.servicePath': `/,/v${round}`,
        'com.df.scaleMax': '6',
      };
      const { description } = describeService({ name: `s${count}`, labels: labels(more) });
      return { description: description!, createdAt: '', slots: 8 };
    });
    renderProxy({ services, certificates: [], settings: defaultProxySettings });
    const { user, system } = process.cpuUsage(before);
    spent.push((user + system) / 1000);
  }
  note('labels of 1,000 services read, configuration rendered', 'ms CPU', '≤ 100 to render', spent);
  t.end();
});

t.test('the door', async (t) => {
  const door = await withDoor(t);
  const { lab } = door;
  const address = lab.address(1);
  const at = (path: string): Question => ({ address, path });
  const update = (...words: string[]) => lab.docker(1, 'service', 'update', '--no-resolve-image', ...words);

  /** Services one after the other: seconds until each is routed, and until it is not when it lost its label. */
  const comeAndGo = async (rounds: number, prefix: string) => {
    const come: number[] = [];
    const gone: number[] = [];
    for (let count = 0; count < rounds; count++) {
      const name = `${prefix}${count}`;
      await door.serve(name, labels({ 'com.df.servicePath': `/${name}` }), healthFlags());
      const answered = await firstAnswer(at(`/${name}`), 200);
      const task = await runningTask(door, name);
      come.push((answered - Date.parse(task.Status.Timestamp)) / 1000);
      const removed = Date.now();
      await update('--detach', '--label-rm', 'com.df.notify', name);
      gone.push(((await firstAnswer(at(`/${name}`), 404)) - removed) / 1000);
      await lab.docker(1, 'service', 'rm', name);
    }
    return { come, gone };
  };

  await t.test('routes come and go', async () => {
    const { come, gone } = await comeAndGo(20, 'route');
    note('task runs → first 200 of a new service', 's', 'p95 ≤ 0.12 (Traefik 0.93, Docker Flow 0.14)', come);
    note('label removed → no longer routed', 's', 'p95 ≤ 0.3 (Traefik 0.61, Docker Flow never)', gone);
    t.ok(percentile(come, 0.95) <= 0.12);
    t.ok(percentile(gone, 0.95) <= 0.3);
  });

  await t.test('a good service beside a broken one', async () => {
    await door.serve(
      'broken',
      labels({ 'com.df.servicePath': '/(', 'com.df.pathType': 'path_reg', 'com.df.port': 'no' }),
    );
    const took: number[] = [];
    for (let count = 0; count < 20; count++) {
      const name = `good${count}`;
      await door.serve(name, labels({ 'com.df.servicePath': `/${name}` }), healthFlags());
      const answered = await firstAnswer(at(`/${name}`), 200);
      const task = await runningTask(door, name);
      took.push((answered - Date.parse(task.Status.Timestamp)) / 1000);
      await lab.docker(1, 'service', 'rm', name);
    }
    await lab.docker(1, 'service', 'rm', 'broken');
    note('the same while a broken service is there', 's', 'p95 ≤ 0.3 (Docker Flow 19)', took);
    t.ok(percentile(took, 0.95) <= 0.3);
  });

  await t.test('scaling and kills under traffic', async () => {
    const grace = ['--stop-grace-period', '10s', '--update-delay', '0s', '--restart-delay', '0s'];
    await door.serve('shop', labels({ 'com.df.servicePath': '/shop', 'com.df.scaleMax': '6' }), [
      '--replicas',
      '2',
      ...grace,
      ...healthFlags(),
    ]);
    await firstAnswer(at('/shop'), 200);
    const before = await door.reloads();
    const first: number[] = [];
    for (let round = 0; round < 5; round++) {
      first.push(...(await firstRequests(door, 'shop', [at('/shop')], 6))[0]!);
      await update('--replicas', '2', 'shop');
    }
    note('scaled up: task is healthy → its first request', 's', 'p95 ≤ 0.4 (Traefik 0.97, Docker Flow 1.11)', first);
    note('reloads for it', 'count', '0 (others one a step)', [(await door.reloads()) - before]);
    t.equal(await door.reloads(), before);
    t.ok(percentile(first, 0.95) <= 0.4);

    await update('--replicas', '4', 'shop');
    const kills = startClients([at('/shop')], { rate: 50 });
    const killed: number[] = [];
    for (let count = 0; count < 6; count++) {
      await pause(4000);
      const [task] = await tasksOf(door, 'shop');
      await lab.docker(1, 'kill', '-s', 'KILL', task!.Status.ContainerStatus!.ContainerID);
      await pause(20_000);
    }
    const met = await kills.stop();
    killed.push(met.failed);
    note(
      `\`kill -9\` of a task, 6 times: failed of ${met.requests}`,
      'requests',
      '0 (Traefik 11, Docker Flow 60)',
      killed,
    );
    t.equal(met.failed, 0, JSON.stringify(met.reasons));

    await lab.docker(1, 'service', 'rm', 'shop');
  });

  await t.test('a hundred rollouts under traffic', async () => {
    const names = Array.from({ length: 5 }, (_, count) => `rolled${count}`);
    const flags = ['--replicas', '2', '--stop-grace-period', '10s', '--update-delay', '0s', '--update-monitor', '1s'];
    for (const name of names)
      await door.serve(name, labels({ 'com.df.servicePath': `/${name}` }), [...flags, ...healthFlags()]);
    await Promise.all(names.map((name) => firstAnswer(at(`/${name}`), 200)));
    for (const order of ['start-first', 'stop-first']) {
      const rounds = Array.from({ length: 10 }, (_, count) => `ROUND=${order}${count}`);
      const roll = async (name: string) => {
        const clients = startClients([at(`/${name}`)], { rate: 20 });
        for (const round of rounds) await update('--update-order', order, '--env-add', round, name);
        return clients.stop();
      };
      const met = await Promise.all(names.map(roll));
      const failed = met.reduce((sum, each) => sum + each.failed, 0);
      const requests = met.reduce((sum, each) => sum + each.requests, 0);
      const count = rounds.length * names.length;
      note(`${count} rollouts ${order} of 2 replicas, 5 at a time: failed of ${requests}`, 'requests', '0', [failed]);
      t.equal(failed, 0, JSON.stringify(met.map(({ reasons }) => reasons)));
    }
    await lab.docker(1, 'service', 'rm', ...names);
  });

  await t.test('throughput, beside a hand-written HAProxy', async () => {
    await door.serve('fast', labels({ 'com.df.servicePath': '/fast' }), ['--replicas', '2', ...healthFlags()]);
    const other = await handWritten(door, 'fast');
    await firstAnswer(at('/fast'), 200);
    const ours = await loadTarget(door, 'homeostat-proxy_proxy', 'haproxy', '/fast');
    const theirs = await loadTarget(door, other, 'haproxy', '/fast');
    const rounds = async (title: string) => {
      const us: { rate: number; cost: number }[] = [];
      const them: { rate: number; cost: number }[] = [];
      // In pairs, and in turn first: the machine itself is not always as fast.
      for (let round = 0; round < 20; round++) {
        if (round % 2 === 0) them.push(await load(door, theirs));
        us.push(await load(door, ours));
        if (round % 2 === 1) them.push(await load(door, theirs));
      }
      note(
        `throughput, ${title}: hand-written`,
        'requests/s',
        '',
        them.map(({ rate }) => rate),
      );
      note(
        `throughput, ${title}: ours`,
        'requests/s',
        '',
        us.map(({ rate }) => rate),
      );
      note(
        `throughput, ${title}: ours by hand-written, in pairs`,
        'ratio',
        'median ≥ 0.97',
        us.map(({ rate }, round) => rate / them[round]!.rate),
      );
      note(
        `processor time a request, ${title}: hand-written`,
        'µs',
        '',
        them.map(({ cost }) => cost),
      );
      note(
        `processor time a request, ${title}: ours`,
        'µs',
        '',
        us.map(({ cost }) => cost),
      );
    };
    await rounds('1 route');
    for (let group = 0; group < 4; group++) {
      const paths = Array.from({ length: 250 }, (_, count) => `/many${group}x${count}`).join(',');
      await door.serve(`many${group}`, labels({ 'com.df.servicePath': paths }), healthFlags());
    }
    await firstAnswer(at('/many3x249'), 200);
    await rounds('1,000 routes');
    await lab.docker(1, 'service', 'rm', 'many0', 'many1', 'many2', 'many3', 'fast', other);
  });

  await t.test('500 services that have no tasks, and one more', async () => {
    const names = Array.from({ length: 1000 }, (_, count) => `none${count}`);
    await lab.docker(1, 'network', 'create', '--driver', 'overlay', '--subnet', '10.200.0.0/20', 'wide');
    const networks = ['--env-add', 'HOMEOSTAT_PROXY_NETWORKS=homeostat,proxy,wide'];
    await update(...networks, 'homeostat-controller_controller');
    const create = async (some: string[]) => {
      for (const name of some)
        await door.engine.createService({
          Name: name,
          Labels: labels({ 'com.df.servicePath': `/${name}` }),
          TaskTemplate: {
            ContainerSpec: { Image: door.image },
            // Their tasks would take all addresses of a network of the usual size.
            Networks: [{ Target: 'wide' }],
            Placement: { Constraints: ['node.labels.nowhere == true'] },
          },
          EndpointSpec: { Mode: 'dnsrr' },
        } as never);
      const isRouted = async () =>
        (await door.services()).some(({ name, routes }) => name === some.at(-1) && routes.length > 0);
      t.ok(await until(isRouted, 60));
      t.ok(await until(async () => (await door.proxies()).every(({ behind }) => !behind), 60));
      await pause(5000);
    };
    await create(names.slice(0, 500));
    const { come, gone } = await comeAndGo(20, 'beside500x');
    note('beside 500 services: task runs → first 200', 's', 'p95 ≤ 0.24', come);
    note('beside 500 services: label removed → no longer routed', 's', 'p95 ≤ 0.6', gone);
    await create(names.slice(500));
    const controller = await containerOf(door, 'homeostat-controller_controller');
    const memory: number[] = [];
    for (let round = 0; round < 20; round++) {
      memory.push(memoryOf(controller, 'node'));
      await pause(3000);
    }
    note('1,000 services: memory of the controller', 'MB', '≤ 120', memory);
    for (const name of names) await door.engine.getService(name).remove();
    await firstAnswer(at('/none999'), 404);
  });

  await t.test('100 services at once, and idle with them', async () => {
    const names = Array.from({ length: 100 }, (_, count) => `s${count + 1}`);
    const removed = async () => {
      await lab.docker(1, 'service', 'rm', ...names);
      t.ok(await until(async () => (await statusOf(at('/s1/'))) === 404));
    };
    const found = { run: [] as number[], routed: [] as number[], reloads: [] as number[] };
    for (let round = 0; round < 5; round++) {
      if (round > 0) await removed();
      await pause(8000);
      const before = await door.reloads();
      const { ran, routed } = await createAtOnce(door, names, (name) => labels({ 'com.df.servicePath': `/${name}` }), [
        at('/'),
      ]);
      found.run.push(ran);
      found.routed.push(routed[0]!);
      found.reloads.push((await door.reloads()) - before);
    }
    note('100 services created at once: last task runs after', 's', '', found.run);
    note('last one routed after the last one runs', 's', '≤ 0.3', found.routed);
    note('reloads for them', 'count', '≤ 3 (Docker Flow 100)', found.reloads);
    await pause(10_000);
    const proxy = await containerOf(door, 'homeostat-proxy_proxy');
    const controller = await containerOf(door, 'homeostat-controller_controller');
    const [haproxy, agent, decider] = await Promise.all([
      sharesOf(proxy, 'haproxy'),
      sharesOf(proxy, 'node'),
      sharesOf(controller, 'node'),
    ]);
    note('idle with 100 services: HAProxy', '% of a core', '≤ 2 with its agent (Traefik 9.2)', haproxy);
    note('idle with 100 services: agent', '% of a core', '', agent);
    note('idle with 100 services: controller', '% of a core', '< 0.5', decider);
    await removed();
  });
});

t.teardown(() =>
  writeSection(
    'The door',
    'One node. Clients open a new connection for each request, never try again, and every tenth request lasts 0.7 s. Figures of others were measured on a machine like this one.',
    series,
  ),
);
