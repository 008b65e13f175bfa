import t, { type Test } from 'tap';
import { startClients, type Met } from './clients';
import { makeCheck } from '../../runner/system/checks/check';
import { readFacts } from '../../runner/system/checks/facts';
import { nodeImagesCheck } from '../../runner/system/checks/node-images';
import { answers, copyImage, healthFlags, withDoor, type Question } from './door';
import { until } from './support';

/** Requests that were on their way to a node at the moment it vanished may last until the client gives up. */
const limit = 8000;

t.test('three nodes, each of them a door', async (t) => {
  const door = await withDoor(t, { nodes: 3, managers: 3 });
  const { lab } = door;
  const at = (node: number): Question => ({ address: lab.address(node), path: '/shop', timeout: limit });
  /** Waits until all tasks run, none of them on that node. */
  const running = async (t: Test, wanted: number, without = 'none') => {
    let told = '';
    const done = await until(async () => {
      const list = ['service', 'ps', 'shop', '--filter', 'desired-state=running'];
      told = await lab.docker(1, ...list, '--format', '{{.Node}} {{.CurrentState}}').catch(String);
      const tasks = told.split('\n').filter((line) => / Running /.test(line));
      return tasks.length === wanted && !tasks.some((line) => line.startsWith(without));
    }, 60);
    t.ok(done, `${wanted} tasks run, none on ${without}: ${told.replaceAll('\n', ', ')}`);
  };
  /** Waits until the proxy of a node that came back is the one that the Swarm wants there: it replaces the one of before. */
  const doorOpens = async (t: Test, node: number) => {
    const wanted = ['service', 'ps', 'homeostat-proxy_proxy', '-q', '--no-trunc', '--filter', 'desired-state=running'];
    const alone = async () => {
      const task = await lab.docker(1, ...wanted, '--filter', `node=node${node}`).catch(() => 'none');
      const names = ['ps', '--filter', 'name=homeostat-proxy', '--filter', 'health=healthy', '--format', '{{.Names}}'];
      const running = await lab.docker(node, ...names).catch(() => '');
      return task !== '' && !running.includes('\n') && running.endsWith(task);
    };
    t.ok(await until(alone, 90), `node ${node} has its new proxy`);
    t.ok(await answers(at(node), 200, 90), 'it is a door again');
  };
  /** Clients of the doors that stay, while something happens. */
  const during = async (nodes: number[], happen: () => Promise<unknown>): Promise<Met> => {
    const clients = startClients(nodes.map(at), { rate: 20 });
    await happen();
    return clients.stop();
  };
  const none = (t: { same: typeof import('tap').same }, met: Met) =>
    t.same(met.reasons, {}, `${met.failed} of ${met.requests} failed, the slowest took ${Math.round(met.slowest)} ms`);

  await t.test('each node leads to the tasks on all nodes', async (t) => {
    await door.serve(
      'shop',
      { 'com.df.notify': 'true', 'com.df.port': '8080', 'com.df.servicePath': '/shop', 'com.df.scaleMax': '6' },
      ['--replicas', '6', '--restart-delay', '0s', '--update-order', 'start-first', ...healthFlags()],
    );
    for (const node of [1, 2, 3]) t.ok(await answers(at(node), 200, 60), `node ${node}`);
    t.ok(await until(async () => (await door.proxies()).filter(({ behind }) => !behind).length === 3, 30));
    await running(t, 6);
  });

  await t.test('a node that is drained', async (t) => {
    // Its proxy goes with it, so the other doors are asked.
    none(
      t,
      await during([1, 2], async () => {
        await lab.docker(1, 'node', 'update', '--availability', 'drain', 'node3');
        await running(t, 6, 'node3');
        await lab.docker(1, 'node', 'update', '--availability', 'active', 'node3');
        await lab.docker(1, 'service', 'update', '--force', '--detach', 'shop');
        t.ok(await answers(at(3), 200, 60), 'its door opens again');
        await running(t, 6);
      }),
    );
  });

  await t.test('a node without power, and one without its cable', async (t) => {
    for (const [lose, back] of [
      [() => lab.powerOff(3), () => lab.boot(3)],
      [() => lab.cut(3), () => lab.heal(3)],
    ] as const) {
      await lab.docker(1, 'service', 'update', '--force', '--update-monitor', '1s', 'shop');
      const met = await during([1, 2], async () => {
        await lose();
        await running(t, 6, 'node3');
      });
      none(t, met);
      await back();
      await until(
        async () =>
          /Ready/.test(
            await lab.docker(1, 'node', 'ls', '--filter', 'name=node3', '--format', '{{.Status}}').catch(() => ''),
          ),
        90,
      );
      await doorOpens(t, 3);
    }
  });

  await t.test('the leader is lost', async (t) => {
    const leader = (await lab.docker(2, 'node', 'ls', '--format', '{{.Hostname}} {{.ManagerStatus}}'))
      .split('\n')
      .find((line) => /Leader/.test(line))!
      .split(' ')[0]!;
    const lost = Number(leader.replace('node', ''));
    const others = [1, 2, 3].filter((node) => node !== lost);
    none(
      t,
      await during(others, async () => {
        await lab.powerOff(lost);
        await new Promise((resolve) => setTimeout(resolve, 20_000));
      }),
    );
  });
});

t.test('a node without the images is named with what to do, and becomes a door when it has them', async (t) => {
  const door = await withDoor(t, { nodes: 2, managers: 1, copyImages: false });
  const look = async () => {
    const facts = await readFacts(door.engine, door.context);
    return makeCheck(nodeImagesCheck, { engine: door.engine, facts, context: door.context });
  };
  t.match(await look(), { verdict: 'ok' });
  await door.lab.docker(1, 'node', 'update', '--availability', 'active', 'node2');
  t.ok(await until(async () => (await look()).verdict === 'failed', 60));
  t.match(await look(), {
    detail: 'node2 lacks homeostat/proxy:latest',
    remedy: /docker save .* \| ssh node2 docker load/,
  });
  await copyImage(door.lab, door.image, 2);
  t.ok(await until(async () => (await look()).verdict === 'ok', 60));
  t.ok(await until(async () => (await door.proxies()).filter(({ behind }) => !behind).length === 2, 60));
});
