import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { runCommandLine } from '../../runner/commands/cli';
import { leftoversCheck, rolloutsCheck } from '../../runner/commands/doctor';
import type { Context, Environment } from '../../runner/common/context';
import { connectEngine, type Engine } from '../../runner/common/engine';
import { HomeostatError } from '../../runner/common/errors';
import { candidateLabel, serviceLabel } from '../../runner/pipeline/candidate-plan';
import { beginRollout, listRollouts, stateOf } from '../../runner/pipeline/releases';
import { takeLease } from '../../runner/swarm/lease';
import { stackLabel } from '../../runner/swarm/types';
import { makeCheck, type Check } from '../../runner/system/checks/check';
import { readFacts } from '../../runner/system/checks/facts';
import { loadBalancingCheck } from '../../runner/system/checks/load-balancing';
import { repositoryIn } from '../../runner/system/checks/registry';
import { checksOf, examine, type DoctorSettings } from '../../runner/system/doctor';
import { fix, planFix } from '../../runner/system/fix';
import { readState } from '../../runner/system/state';
import { ensureSwarm } from '../../runner/system/swarm-init';
import { uniqueName, withLab, type Lab } from '../lab';
import { realContext } from '../lab/context';

const settings: DoctorSettings = { nodeVersion: 'v20.19.2', ports: [] };

/** All checks, also those of the delivery part, by name. */
async function doctor(env: Environment, more: Partial<DoctorSettings> = {}, overrides: Partial<Context> = {}) {
  const context = realContext({ env, ...overrides });
  const checks = await examine([...checksOf({ ...settings, ...more }), leftoversCheck, rolloutsCheck], context);
  return Object.fromEntries(checks.map((check) => [check.name, check])) as Record<string, Check>;
}

/** One run of the program in a folder without homeostat.yml, or with the one given. */
async function program(t: Test, env: Environment, words: string[], config?: string) {
  let stdout = '';
  const cwd = t.testdir(config === undefined ? {} : { 'homeostat.yml': config });
  const context = realContext({ env, cwd, stdout: { write: (text: string) => (stdout += text) } });
  const exit = await runCommandLine(words, context);
  return { exit, stdout, stderr: context.written() };
}

async function waitFor(what: string, seconds: number, check: () => Promise<boolean>) {
  const end = Date.now() + seconds * 1000;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** All that the doctor's own probe and push could leave on a node. */
async function traces(lab: Lab): Promise<string> {
  const outputs = await Promise.all([
    lab.docker(1, 'network', 'ls', '--format', '{{.Name}}'),
    lab.docker(1, 'service', 'ls', '--format', '{{.Name}}'),
    lab.docker(1, 'ps', '--all', '--format', '{{.Names}}'),
    lab.docker(1, 'images', '--format', '{{.Repository}}'),
  ]);
  const lines = outputs.flatMap((output) => output.split('\n'));
  return lines.filter((line) => /homeostat-probe|homeostat\/doctor/.test(line)).join(' ');
}

t.test('a Swarm of one node', async (t) => {
  const lab = await withLab(t);
  const env = lab.environment();
  const image = await lab.image('node');
  const engine = lab.engine();
  const registry = repositoryIn(lab.openRegistry.address);

  await t.test('that is healthy', async (t) => {
    const start = performance.now();
    const checks = await doctor(env, { registry, probeImage: image });
    t.ok(performance.now() - start < 20_000, 'in bounded time');
    const { IPVS, ...others } = checks;
    for (const check of Object.values(others)) t.equal(check.verdict, 'ok', `${check.name}: ${check.detail}`);
    t.match(IPVS!.verdict, /^(ok|warning)$/, `tried out, whatever this kernel has: ${IPVS!.detail}`);
    await waitFor('nothing is left', 15, async () => (await traces(lab)) === '');
  });

  await t.test('on the command line', async (t) => {
    const plain = await program(t, env, ['doctor']);
    t.equal(plain.exit, 0);
    t.match(plain.stdout, /✔ leader +node1\n/);
    t.match(plain.stdout, /\? registry +none is named/);
    const json = await program(t, env, ['doctor', '--registry', lab.openRegistry.address, '--json']);
    t.equal(json.exit, 0);
    const { checks } = JSON.parse(json.stdout) as { checks: Check[] };
    t.match(
      checks.find(({ name }) => name === 'registry'),
      { verdict: 'ok' },
    );
  });

  await t.test('the registry of homeostat.yml is the one that is tried', async (t) => {
    const denied = await program(t, env, ['doctor'], `name: shop\nimage: ${lab.registry.address}/team/shop\n`);
    t.equal(denied.exit, 8);
    t.match(denied.stdout, /✘ registry +\S+ denied the push/);
    t.match(denied.stderr, /DOCTOR_FOUND: the doctor found a problem\n +\| registry: .*docker login/);
    const bad = await program(t, env, ['doctor', '--json'], 'name: shop\nimag: x\n');
    t.equal(bad.exit, 8);
    t.match(JSON.parse(bad.stdout), { error: { code: 'DOCTOR_FOUND', evidence: [/homeostat.yml: .*imag/] } });
    t.match((await program(t, env, ['doctor', '--registry', 'http://x'])).stderr, /USAGE_INVALID: --registry is/);
    t.match((await program(t, env, ['doctor', '--config', 'absent.yml'])).exit, 2);
  });

  await t.test('registries that do not take an image are told apart', async (t) => {
    const check = async (address: string, more: Environment = {}) => {
      const named = { registry: repositoryIn(address) };
      const context = realContext({ env: { ...env, ...more } });
      const definition = checksOf({ ...settings, ...named }).find(({ name }) => name === 'registry')!;
      const result = await makeCheck(definition, { engine, facts: await readFacts(engine, context), context });
      return { ...result, written: context.written() };
    };
    const { address, user, password } = lab.registry;
    const login = (secret: string) => ({ HOMEOSTAT_REGISTRY_USER: user, HOMEOSTAT_REGISTRY_PASSWORD: secret });
    t.match(await check(address), { verdict: 'failed', detail: /denied/, remedy: /docker login/ });
    const wrong = await check(address, login('wrong-password'));
    t.match(wrong, { verdict: 'failed', detail: /denied/ });
    t.notMatch(JSON.stringify(wrong), /wrong-password/);
    t.match(await check(address, login(password)), { verdict: 'ok' });
    t.match(await check(`${lab.gateway}:1`), { verdict: 'failed', detail: /is unreachable/ });
    const full = await lab.smallRegistry('full', 15002, '4k');
    t.match(await check(full.address), { verdict: 'failed', detail: /is not writable/, remedy: /disk/ });
    t.equal(await traces(lab), '', 'the tiny image is gone');
  });

  await t.test('a registry without a name or an answer', async (t) => {
    const checks = await doctor(env, { registry: repositoryIn('registry.invalid:5000') });
    t.match(checks['registry name'], { verdict: 'failed', remedy: /resolv.conf/ });
    t.match(checks.registry, { verdict: 'failed', detail: /is unreachable/ });
    t.match(checks.leader, { verdict: 'ok' }, 'the others are made all the same');
  });

  await t.test('what killed runs left is found and removed; what is alive stays', async (t) => {
    const context = realContext({ env });
    const candidate = async (name: string) => {
      const labels = { [stackLabel]: name, [serviceLabel]: 'shop' };
      const words = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
      await lab.docker(1, 'network', 'create', '--driver', 'overlay', '--attachable', ...words, `${name}_default`);
      const service = ['service', 'create', '--detach', '--no-resolve-image', ...words, '--network', `${name}_default`];
      await lab.docker(
        1,
        ...service,
        '--endpoint-mode',
        'dnsrr',
        '--stop-grace-period',
        '1s',
        '--name',
        `${name}_web`,
        image,
        'sleep',
        '1000',
      );
      const container = ['run', '--detach', '--label', `${candidateLabel}=${name}`, '--network', `${name}_default`];
      await lab.docker(1, ...container, image, 'sleep', '1000');
    };
    await candidate('shop-c1');
    await candidate('shop-c2');
    const lease = await takeLease(engine, 'candidate shop-c2', 'candidate', context);
    await plantRollout(engine, 'shop', context);

    const plan = JSON.parse((await program(t, env, ['doctor', '--dry-run', '--json'])).stdout) as { plan: object };
    t.match(plan, { plan: { removeCandidates: ['shop-c1'], settleRollouts: ['rollout 1 of shop'], install: [] } });
    t.match(await lab.docker(1, 'service', 'ls'), /shop-c1_web/, 'a plan changes nothing');

    const checks = await doctor(env);
    t.match(checks.leftovers, { verdict: 'warning', detail: /: shop-c1$/ });
    t.match(checks.rollouts, { verdict: 'warning', detail: /rollout 1 of shop: nothing had been applied/ });
    const services = await lab.docker(1, 'service', 'ls');
    t.notMatch(services, /shop-c1_web/);
    t.match(services, /shop-c2_web/);
    t.equal(stateOf((await listRollouts(engine, 'shop', context))[0]!), 'interrupted');
    const gone = async (name: string) => !(await lab.docker(1, 'network', 'ls')).includes(name);
    await waitFor('the Engine has let go of the network', 20, () => gone('shop-c1'));
    t.match(await doctor(env), { leftovers: { verdict: 'ok' }, rollouts: { verdict: 'ok' } });
    await lease.release();
    t.match((await doctor(env)).leftovers, { verdict: 'warning', detail: /: shop-c2$/ });
    await waitFor('the Engine has let go of the network', 20, () => gone('shop-c2'));
  });

  await t.test('a rollout in living hands is left to them', async (t) => {
    const context = realContext({ env });
    await plantRollout(engine, 'held', context);
    const lease = await takeLease(engine, 'stack held', 'deploy', context);
    t.match((await doctor(env)).rollouts, { verdict: 'ok', detail: /going on: held: deploy by / });
    await lease.release();
    t.match((await doctor(env)).rollouts, { verdict: 'warning', detail: /of held: nothing had been applied/ });
  });

  await t.test('a probe that a killed doctor left is removed by a later one, a fresh one is not', async (t) => {
    const context = realContext({ env });
    const name = uniqueName('homeostat-probe');
    const labels = ['--label', `com.homeostat.probe=${name}`, '--label', `${stackLabel}=${name}`];
    await lab.docker(1, 'network', 'create', '--driver', 'overlay', '--attachable', ...labels, name);
    await lab.docker(1, 'run', '--detach', '--name', name, '--network', name, image, 'sleep', '1000');
    const facts = await readFacts(engine, context);
    const look = (time: number) => {
      const info = { ...facts.info!, SystemTime: new Date(time).toISOString() };
      return makeCheck(loadBalancingCheck('absent:1'), { engine, facts: { ...facts, info }, context });
    };
    await look(Date.now());
    t.match(await traces(lab), name);
    await look(Date.now() + 61_000);
    await waitFor('nothing is left', 15, async () => (await traces(lab)) === '');
  });

  await t.test('a doctor that is stopped ends at once and leaves no probe', async (t) => {
    const stop = new AbortController();
    const running = doctor(env, { probeImage: image }, { signal: stop.signal });
    await waitFor('the probe has begun', 10, async () => /homeostat-probe/.test(await traces(lab)));
    stop.abort(new HomeostatError('STOPPED', 'stopped by SIGTERM'));
    await t.rejects(running, { code: 'STOPPED' });
    await waitFor('nothing is left', 15, async () => (await traces(lab)) === '');
  });

  await t.test('without a Swarm, which --fix makes', async (t) => {
    await lab.docker(1, 'swarm', 'leave', '--force');
    const checks = await doctor(env);
    t.match(checks.Swarm, { verdict: 'failed', detail: /not part of a Swarm/, remedy: /--fix/ });
    for (const name of ['leader', 'nodes', 'IPVS', 'leftovers', 'rollouts'])
      t.match(checks[name], { verdict: 'unknown', detail: /not a manager/ });
    t.equal((await program(t, env, ['status'])).exit, 8);
    t.equal((await program(t, env, ['doctor'])).exit, 8);

    const folder = path.join(t.testdir(), 'state');
    const context = realContext({ env });
    const plan = await planFix(context);
    t.same(plan, { install: [], startEngine: false, initialiseSwarm: true });
    await t.rejects(fix(plan, folder, { advertiseAddress: 'no-such-interface' }, context), {
      code: 'ENGINE_FAILED',
      remedy: /--advertise-addr/,
    });
    t.notOk((await readState(folder)).swarm, 'what was not made is not noted');

    const state = path.join(t.testdir(), 'own');
    const fixing = { ...env, HOMEOSTAT_STATE: state };
    const fixed = await program(t, fixing, ['doctor', '--fix', '--advertise-addr', lab.address(1)]);
    t.equal(fixed.exit, 0);
    t.match(fixed.stderr, /initialising a Swarm that advertises/);
    t.match(fixed.stdout, /✔ Swarm /);
    t.match(JSON.parse(readFileSync(path.join(state, 'state.json'), 'utf8')), { swarm: true });
    t.same((await planFix(context)).initialiseSwarm, false);
    t.equal(await ensureSwarm(engine, folder, {}, context), 'present');
    t.notOk((await readState(folder)).swarm, 'a Swarm that was there is not ours');
  });

  await t.test('two that make a Swarm at the same time make one', async (t) => {
    await lab.docker(1, 'swarm', 'leave', '--force');
    const context = realContext({ env });
    const make = (folder: string) => ensureSwarm(engine, folder, { advertiseAddress: lab.address(1) }, context);
    const folder = t.testdir();
    const made = await Promise.all([make(path.join(folder, 'a')), make(path.join(folder, 'b'))]);
    t.same(made.sort(), ['made', 'present']);
    t.match((await doctor(env)).Swarm, { verdict: 'ok' });
  });
});

/** A rollout whose runner died before it applied anything. */
const plantRollout = (engine: Engine, stack: string, context: Context) =>
  beginRollout(
    engine,
    {
      stack,
      origin: { kind: 'deploy', by: 'test', at: new Date().toISOString() },
      targets: [],
      previous: [],
      deadline: 60_000,
      monitor: 0,
      keep: 10,
    },
    context,
  );

t.test('no Engine', async (t) => {
  const env = { PATH: process.env.PATH, HOME: t.testdir(), DOCKER_HOST: `unix://${t.testdirName}/docker.sock` };
  const checks = await doctor(env, { registry: repositoryIn('127.0.0.1:5000') });
  t.match(checks['Node.js'], { verdict: 'ok' });
  t.match(checks['docker client'], { verdict: 'ok' });
  t.match(checks.Engine, { verdict: 'failed', detail: /ENOENT/, remedy: /Start Docker/ });
  for (const name of ['Swarm', 'leader', 'nodes', 'IPVS', 'clock', 'disk', 'registry', 'leftovers', 'rollouts'])
    t.match(checks[name], { verdict: 'unknown', detail: 'the Docker Engine does not answer' });
  const { exit, stderr } = await program(t, env, ['doctor', '--json']);
  t.equal(exit, 8);
  t.match(stderr, /DOCTOR_FOUND/);
  t.equal((await program(t, env, ['status'])).exit, 8);
  t.same((await planFix(realContext({ env }))).startEngine, false, 'an Engine elsewhere is not started here');
});

t.test('an Engine that hangs', async (t) => {
  const socket = path.join(t.testdir(), 'docker.sock');
  const server = createServer(() => undefined).listen(socket);
  t.teardown(() => server.close());
  const start = performance.now();
  const checks = await doctor({ PATH: process.env.PATH, DOCKER_HOST: `unix://${socket}` });
  t.ok(performance.now() - start < 20_000);
  t.match(checks.Engine, { verdict: 'failed', detail: /no answer within 8 s/ });
  t.match(checks.leftovers, { verdict: 'unknown', detail: /Engine does not answer/ });
});

t.test('a Swarm of three managers and a worker', async (t) => {
  const lab = await withLab(t, { nodes: 4, managers: 3 });

  await t.test('that is healthy', async (t) => {
    t.match(await doctor(lab.environment(1)), {
      leader: { verdict: 'ok', detail: /one of 3 managers/ },
      nodes: { verdict: 'ok', detail: '4 of 4 ready' },
    });
  });

  await t.test('asked at the worker', async (t) => {
    const checks = await doctor(lab.environment(4));
    t.match(checks.Swarm, { verdict: 'failed', detail: /worker/, remedy: /manager/ });
    t.match(checks.leader, { verdict: 'unknown' });
    const context = realContext({ env: lab.environment(4) });
    await t.rejects(ensureSwarm(connectEngine(context), t.testdir(), {}, context), { code: 'SWARM_NOT_MANAGER' });
    t.match(await program(t, lab.environment(4), ['status']), { exit: 8, stderr: /SWARM_NOT_MANAGER/ });
  });

  await t.test('with a node that is down', async (t) => {
    await lab.powerOff(4);
    await waitFor('the node is down', 40, async () => /Down/.test(await lab.docker(1, 'node', 'ls')));
    t.match((await doctor(lab.environment(1))).nodes, { verdict: 'warning', detail: /3 of 4 ready; not ready: node4/ });
    const { exit, stdout } = await program(t, lab.environment(1), ['status']);
    t.equal(exit, 0, 'status tells, and does not judge');
    t.match(stdout, /! node4 +worker +down/);
  });

  await t.test('without a leader', async (t) => {
    await Promise.all([lab.cut(2), lab.cut(3)]);
    const leaderless = () =>
      lab.docker(1, 'node', 'ls').then(
        () => false,
        () => true,
      );
    await waitFor('the leader is lost', 60, leaderless);
    const start = performance.now();
    const checks = await doctor(lab.environment(1), { registry: repositoryIn(lab.openRegistry.address) });
    t.ok(performance.now() - start < 30_000, `${Math.round(performance.now() - start)} ms`);
    t.match(checks.Swarm, { verdict: 'ok' });
    t.match(checks.leader, { verdict: 'failed', detail: /no leader/, remedy: /majority/ });
    for (const name of ['nodes', 'IPVS', 'leftovers', 'rollouts'])
      t.match(checks[name], { verdict: 'unknown', detail: 'the Swarm has no leader' });
    t.match(checks.Engine, { verdict: 'ok' });
  });
});
