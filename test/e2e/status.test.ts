import t, { type Test } from 'tap';
import { runCommandLine } from '../../runner/commands/cli';
import { serviceLabel } from '../../runner/pipeline/candidate-plan';
import { beginRollout, recordRelease } from '../../runner/pipeline/releases';
import { takeLease } from '../../runner/swarm/lease';
import { stackLabel } from '../../runner/swarm/types';
import type { Status } from '../../runner/system/status';
import { withLab } from '../lab';
import { realContext } from '../lab/context';

t.test('what runs in a Swarm', async (t) => {
  const lab = await withLab(t);
  const env = lab.environment();
  const engine = lab.engine();
  const context = realContext({ env });
  const image = await lab.image('busybox');

  const program = async (t: Test, ...words: string[]) => {
    let stdout = '';
    const inside = realContext({ env, cwd: t.testdir(), stdout: { write: (text: string) => (stdout += text) } });
    const exit = await runCommandLine(['status', ...words], inside);
    return { exit, stdout, stderr: inside.written() };
  };
  const status = async (t: Test, ...words: string[]) =>
    JSON.parse((await program(t, ...words, '--json')).stdout) as Status;
  const serve = (name: string, stack: string, more: string[], ...command: string[]) => {
    const labels = stack ? ['--label', `${stackLabel}=${stack}`] : [];
    const words = ['--detach', '--no-resolve-image', '--endpoint-mode', 'dnsrr', '--name', name, ...labels, ...more];
    return lab.docker(1, 'service', 'create', ...words, image, ...command);
  };
  const rollout = (stack: string) =>
    beginRollout(
      engine,
      {
        stack,
        origin: { kind: 'deploy', by: 'ann', at: new Date().toISOString(), revision: 'abcdef0123456789' },
        targets: [],
        previous: [],
        deadline: 60_000,
        monitor: 0,
        keep: 10,
      },
      context,
    );
  async function settled<T>(read: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
    const end = Date.now() + 30_000;
    for (;;) {
      const value = await read();
      if (done(value) || Date.now() > end) return value;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  await t.test('nothing', async (t) => {
    const { exit, stdout } = await program(t);
    t.equal(exit, 0);
    t.match(stdout, /✔ node1 +leader +ready +10\.77\.\d+\.1 +Docker/);
    t.match(stdout, /no stack runs/);
  });

  await t.test('good and bad services, with the last error of their tasks', async (t) => {
    const limits = ['--label', 'com.df.scaleMin=1', '--label', 'com.df.scaleMax=4'];
    await serve('shop_web', 'shop', ['--replicas', '2', ...limits], 'sleep', '1000');
    await serve('shop_worker', 'shop', [], 'sh', '-c', 'exit 3');
    await serve('alone', '', ['--constraint', 'node.hostname==nowhere'], 'sleep', '1000');
    await serve('homeostat-jobs_jobs', 'homeostat-jobs', [], 'sleep', '1000');
    await serve('everywhere', '', ['--mode', 'global'], 'sleep', '1000');
    await recordRelease(engine, await rollout('shop'), [], context);
    const read = await settled(
      () => status(t),
      ({ stacks, system }) =>
        stacks.find(({ name }) => name === 'everywhere')?.healthy === true &&
        system[0]?.healthy === true &&
        stacks.find(({ name }) => name === 'shop')?.services[0]?.running === 2 &&
        stacks.find(({ name }) => name === 'shop')?.services[1]?.lastError !== undefined,
    );
    const byName = Object.fromEntries(read.stacks.map((stack) => [stack.name, stack]));
    t.match(byName.shop, {
      healthy: false,
      release: { number: 1, kind: 'deploy', by: 'ann' },
      services: [
        { name: 'shop_web', running: 2, wanted: 2, healthy: true, limits: { minimum: 1, maximum: 4 } },
        { name: 'shop_worker', wanted: 1, healthy: false, lastError: { text: /non-zero exit \(3\)/ } },
      ],
    });
    t.match(byName.alone, { healthy: false, services: [{ running: 0, lastError: { text: /no suitable node/ } }] });
    t.match(byName.everywhere, { healthy: true, services: [{ mode: 'global', running: 1, wanted: 1 }] });
    t.match(read.system, [{ name: 'homeostat-jobs', healthy: true }]);
    t.equal(read.healthy, false);
    const { exit, stdout } = await program(t);
    t.equal(exit, 0, 'it tells, and does not judge');
    t.match(stdout, /shop +release 1, \d+ s ago \(deploy by ann of abcdef012345\)/);
    t.match(stdout, /non-zero exit \(3\)/);
  });

  await t.test('one stack', async (t) => {
    const read = await status(t, '--stack', 'shop');
    t.same(
      [...read.stacks, ...read.system].map(({ name }) => name),
      ['shop'],
    );
    t.match((await status(t, '--stack', 'homeostat-jobs')).system, [{ name: 'homeostat-jobs' }]);
    t.match(await program(t, '--stack', 'shopp'), {
      exit: 2,
      stderr: /SERVICE_MISSING: there is no stack or service shopp\n.*shop/,
    });
  });

  await t.test('candidates are told apart from stacks', async (t) => {
    await serve('shop-c17_web', 'shop-c17', ['--label', `${serviceLabel}=shop`], 'sleep', '1000');
    const read = await settled(
      () => status(t),
      ({ candidates }) => candidates[0]?.running === 1,
    );
    t.same(read.candidates, [{ name: 'shop-c17', running: 1, wanted: 1 }]);
    t.notOk(read.stacks.some(({ name }) => name === 'shop-c17'));
    t.match((await status(t, '--stack', 'shop')).candidates, [{ name: 'shop-c17' }]);
    t.same((await status(t, '--stack', 'alone')).candidates, []);
  });

  await t.test('an unfinished rollout is settled, or it is told who holds it', async (t) => {
    await rollout('gone');
    const lease = await takeLease(engine, 'stack gone', 'deploy', context);
    t.match((await status(t)).rollouts, [{ stack: 'gone', running: /^deploy by .+ since / }]);
    await lease.release();
    t.match((await program(t)).stdout, /rollouts\n {2}rollout 1 of gone: nothing had been applied/);
    t.same((await status(t)).rollouts, []);
  });
});
