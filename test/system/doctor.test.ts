import { createServer } from 'node:net';
import fc from 'fast-check';
import t from 'tap';
import { connectEngine } from '../../runner/common/engine';
import { HomeostatError } from '../../runner/common/errors';
import {
  failed,
  makeCheck,
  ok,
  warning,
  whatIsMissing,
  type Check,
  type CheckDefinition,
} from '../../runner/system/checks/check';
import { judgeClock, judgeDisk, judgeEngine } from '../../runner/system/checks/engine';
import type { Facts } from '../../runner/system/checks/facts';
import { judgeKernel, judgeProbe } from '../../runner/system/checks/load-balancing';
import { judgePort, portCheck } from '../../runner/system/checks/ports';
import { clientCheck, gitCheck, judgeNode } from '../../runner/system/checks/programs';
import { judgePush, judgeReach, nameCheck, repositoryIn } from '../../runner/system/checks/registry';
import { judgeLeader, judgeNodes, judgeSwarm } from '../../runner/system/checks/swarm';
import { renderChecks, requireHealth } from '../../runner/system/doctor';
import { decideFix } from '../../runner/system/fix';
import type { Node } from '../../runner/system/nodes';
import { judgeSettlements } from '../../runner/commands/doctor';
import { realContext } from '../lab/context';

const engineFacts: Facts = { socket: '/nowhere', version: { Version: '20.10.24', ApiVersion: '1.41' } };
const fault = (code: 'SWARM_MISSING' | 'SWARM_NOT_MANAGER' | 'SWARM_NO_LEADER' | 'ENGINE_UNREACHABLE', cause = 'so') =>
  new HomeostatError(code, 'asking', { cause });

function node(name: string, more: Partial<Node> & { leader?: boolean; reachability?: string } = {}): Node {
  const { leader, reachability = 'reachable', ...rest } = more;
  const role = rest.Spec?.Role ?? 'manager';
  return {
    ID: `id-${name}`,
    Spec: { Role: role, Availability: 'active' },
    Description: { Hostname: name },
    Status: { State: 'ready' },
    ...(role === 'manager'
      ? { ManagerStatus: { ...(leader ? { Leader: true } : {}), Reachability: reachability } }
      : {}),
    ...rest,
  };
}

const examination = (facts: Facts, overrides = {}) => {
  const context = realContext(overrides);
  return { engine: connectEngine({ ...context, env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } }), facts, context };
};

t.test('a check that cannot be made says what is missing', async (t) => {
  const manager: Facts = { ...engineFacts, nodes: [node('a', { leader: true })] };
  const leaderless: Facts = { ...engineFacts, nodesFault: fault('SWARM_NO_LEADER') };
  const worker: Facts = { ...engineFacts, nodesFault: fault('SWARM_NOT_MANAGER') };
  const nothing: Facts = { socket: undefined };
  t.equal(whatIsMissing('nothing', nothing), undefined);
  for (const need of ['engine', 'manager', 'leader'] as const) {
    t.match(whatIsMissing(need, nothing), /Engine does not answer/);
    t.equal(whatIsMissing(need, manager), undefined);
  }
  t.equal(whatIsMissing('engine', worker), undefined);
  t.match(whatIsMissing('manager', worker), /not a manager/);
  t.match(whatIsMissing('leader', worker), /not a manager/);
  t.equal(whatIsMissing('manager', leaderless), undefined);
  t.match(whatIsMissing('leader', leaderless), /no leader/);
  const asked = { name: 'x', needs: 'engine' as const, look: () => t.fail('is not looked at') as never };
  t.match(await makeCheck(asked, examination(nothing)), { name: 'x', verdict: 'unknown', detail: /does not answer/ });
});

t.test('a check that throws is a finding, whatever it throws', async (t) => {
  const throwing = (error: unknown): CheckDefinition => ({
    name: 'x',
    needs: 'nothing',
    look: () => {
      throw error;
    },
  });
  const check = (error: unknown) => makeCheck(throwing(error), examination(engineFacts));
  t.match(await check(fault('SWARM_MISSING', 'why')), {
    verdict: 'failed',
    detail: 'asking: why',
    remedy: /swarm init/,
  });
  t.match(await check(new TypeError('odd')), { verdict: 'unknown', detail: /odd/ });
  t.match(await check('text'), { verdict: 'unknown', detail: /text/ });
});

t.test('a check that hangs ends with its time, and is told to stop', async (t) => {
  let told = false;
  const hanging: CheckDefinition = {
    name: 'x',
    needs: 'nothing',
    limit: 100,
    look: ({ context }) => {
      context.signal.addEventListener('abort', () => (told = true));
      return new Promise(() => undefined);
    },
  };
  const start = performance.now();
  t.match(await makeCheck(hanging, examination(engineFacts)), { verdict: 'unknown', detail: /no answer within 0.1 s/ });
  t.ok(performance.now() - start < 2000);
  t.ok(told);
  t.match(await makeCheck({ ...hanging, limit: 60_000 }, examination(engineFacts), 50), { verdict: 'unknown' });
});

t.test('being stopped ends a check at once, with the reason', async (t) => {
  const stop = new AbortController();
  const check = makeCheck(
    { name: 'x', needs: 'nothing', look: () => new Promise(() => undefined) },
    examination(engineFacts, { signal: stop.signal }),
  );
  stop.abort(new HomeostatError('STOPPED', 'stopped by SIGTERM'));
  await t.rejects(check, { code: 'STOPPED' });
});

t.test('versions of Node.js and of the Engine', async (t) => {
  t.equal(judgeNode('v20.0.0').verdict, 'ok');
  t.equal(judgeNode('v22.1.0').verdict, 'ok');
  t.equal(judgeNode('v18.20.4').verdict, 'failed');
  t.equal(judgeNode('').verdict, 'failed');
  const verdict = (ApiVersion: string) =>
    judgeEngine({ ...engineFacts, version: { Version: 'x', ApiVersion } }).verdict;
  t.same(['1.40', '1.41', '1.50', '2.0', 'odd'].map(verdict), ['failed', 'ok', 'ok', 'ok', 'failed']);
  t.match(judgeEngine({ socket: '/nowhere', engineFault: fault('ENGINE_UNREACHABLE', 'ENOENT no') }), {
    verdict: 'failed',
    detail: /ENOENT/,
    remedy: /Start Docker/,
  });
  t.match(judgeEngine({ socket: '/nowhere', engineFault: fault('ENGINE_UNREACHABLE', 'EACCES no') }), {
    verdict: 'failed',
    remedy: /group/,
  });
});

t.test('programs that are not there', async (t) => {
  const missing = examination(engineFacts, { env: { PATH: t.testdir() } });
  t.match(await makeCheck(clientCheck, missing), { verdict: 'failed', detail: /docker/, remedy: /Install/ });
  t.match(await makeCheck(gitCheck, missing), { verdict: 'warning', remedy: /Install/ });
});

t.test('a docker client that is broken', async (t) => {
  const folder = t.testdir({ docker: '#!/bin/sh\necho broken >&2; exit 7\n' });
  await import('node:fs/promises').then(({ chmod }) => chmod(`${folder}/docker`, 0o755));
  const broken = examination(engineFacts, { env: { PATH: `${folder}:/bin:/usr/bin` } });
  t.match(await makeCheck(clientCheck, broken), { verdict: 'failed', detail: /7: broken/ });
});

t.test('clocks: only what cannot be the time of the answer counts', async (t) => {
  t.equal(judgeClock(Number.NaN, { before: 0, after: 0 }).verdict, 'unknown');
  t.match(judgeClock(10_000, { before: 1000, after: 2000 }), { verdict: 'warning', detail: /8.0 s ahead/ });
  t.match(judgeClock(0, { before: 2500, after: 9000 }), { verdict: 'warning', detail: /2.5 s behind/ });
  fc.assert(
    fc.property(fc.nat(1e6), fc.nat(20_000), fc.integer({ min: -1e6, max: 1e6 }), (before, took, at) => {
      const { verdict } = judgeClock(before + at, { before, after: before + took });
      return verdict === (at < -2000 || at > took + 2000 ? 'warning' : 'ok');
    }),
  );
});

t.test('disk', async (t) => {
  const gibibyte = 1024 ** 3;
  const verdict = (free: number) => judgeDisk(free, '/data').verdict;
  t.same([0, gibibyte - 1].map(verdict), ['failed', 'failed']);
  t.same([gibibyte, 5 * gibibyte - 1].map(verdict), ['warning', 'warning']);
  t.equal(verdict(5 * gibibyte), 'ok');
  t.match(judgeDisk(gibibyte / 2, '/data'), { detail: '0.5 GiB free in /data', remedy: /prune/ });
});

t.test('the part of this Engine in a Swarm', async (t) => {
  const judge = (state: string | undefined, nodesFault?: HomeostatError, error = '') =>
    judgeSwarm({
      ...engineFacts,
      ...(state === undefined
        ? {}
        : { info: { DockerRootDir: '/', SystemTime: '', Swarm: { LocalNodeState: state as 'active', Error: error } } }),
      ...(nodesFault ? { nodesFault } : {}),
    });
  t.match(judge('inactive', fault('SWARM_MISSING')), { verdict: 'failed', detail: /not part/, remedy: /--fix/ });
  t.match(judge('active', fault('SWARM_NOT_MANAGER')), { verdict: 'failed', detail: /worker/, remedy: /promote/ });
  t.match(judge('locked', fault('ENGINE_UNREACHABLE')), { verdict: 'failed', remedy: /unlock/ });
  t.match(judge('error', fault('SWARM_MISSING'), 'bad key'), { verdict: 'failed', detail: /bad key/ });
  t.match(judge('active', fault('SWARM_NO_LEADER')), { verdict: 'ok' });
  t.match(judge(undefined, fault('SWARM_NOT_MANAGER')), { verdict: 'failed', detail: /worker/ });
  t.match(judge(undefined, fault('SWARM_MISSING')), { verdict: 'failed', detail: /not part/ });
  t.match(judge(undefined), { verdict: 'unknown' });
});

t.test('the leader, and whether there would be one if a manager were lost', async (t) => {
  const judge = (...nodes: Node[]) => judgeLeader({ ...engineFacts, nodes });
  t.match(judgeLeader({ ...engineFacts, nodesFault: fault('SWARM_NO_LEADER', 'too few') }), {
    verdict: 'failed',
    detail: /no leader: too few/,
    remedy: /majority/,
  });
  t.match(judge(node('a')), { verdict: 'failed' });
  t.match(judge(node('a', { leader: true })), { verdict: 'ok', detail: 'a' });
  t.match(judge(node('a', { leader: true }), node('b')), { verdict: 'warning', detail: /neither may be lost/ });
  t.match(judge(node('a', { leader: true }), node('b'), node('c')), { verdict: 'ok', detail: /3 managers/ });
  t.match(judge(node('a', { leader: true }), node('b'), node('c', { reachability: 'unreachable' })), {
    verdict: 'warning',
    detail: /unreachable: c; one more, and there is no leader/,
  });
});

t.test('nodes', async (t) => {
  const worker = (name: string, State: string, Availability: 'active' | 'drain' = 'active') =>
    node(name, { Spec: { Role: 'worker', Availability }, Status: { State } });
  const judge = (...nodes: Node[]) => judgeNodes({ ...engineFacts, nodes });
  t.match(judge(worker('a', 'ready'), worker('b', 'ready')), { verdict: 'ok', detail: '2 of 2 ready' });
  t.match(judge(worker('a', 'ready'), worker('b', 'down')), {
    verdict: 'warning',
    detail: /1 of 2 ready; not ready: b \(down\)/,
  });
  t.match(judge(worker('a', 'ready'), worker('b', 'ready', 'drain')), {
    verdict: 'ok',
    detail: /without tasks: b \(drain\)/,
  });
  t.match(judge(worker('a', 'ready', 'drain'), worker('b', 'down')), {
    verdict: 'failed',
    detail: /no node takes tasks/,
  });
});

t.test('IPVS', async (t) => {
  t.equal(judgeProbe(0).verdict, 'ok');
  t.match(judgeProbe(10), { verdict: 'warning', remedy: /endpoint_mode: dnsrr.*mode: host/ });
  t.match(judgeProbe(20), { verdict: 'unknown', remedy: /4789/ });
  t.equal(judgeProbe(137).verdict, 'unknown');
  t.equal(judgeKernel(true).verdict, 'ok');
  t.match(judgeKernel(false), { verdict: 'unknown', detail: /not certain/, remedy: /dnsrr/ });
});

t.test('a registry is given as host and port', async (t) => {
  for (const registry of ['registry.example.com', 'localhost', '127.0.0.1:5000', '[::1]:5000', 'r.example:443'])
    t.equal(repositoryIn(registry).registry, registry);
  for (const registry of [
    '',
    'http://r.example',
    'r.example/team',
    'registry',
    'r.example:x',
    'a b:5000',
    'index.docker.io',
  ])
    t.throws(() => repositoryIn(registry), { code: 'USAGE_INVALID', message: /--registry/ });
  fc.assert(
    fc.property(fc.string(), (registry) => {
      try {
        return repositoryIn(registry).registry === registry;
      } catch (error) {
        return (error as HomeostatError).code === 'USAGE_INVALID';
      }
    }),
  );
});

t.test('why a registry does not take an image', async (t) => {
  const judge = (code: 'REGISTRY_UNREACHABLE' | 'REGISTRY_DENIED' | 'PUSH_FAILED' | 'ENGINE_FAILED', cause: string) =>
    judgePush('r:5000', new HomeostatError(code, 'push', { cause }));
  t.match(judge('REGISTRY_UNREACHABLE', 'connection refused'), { verdict: 'failed', detail: /is unreachable: conn/ });
  t.match(judge('REGISTRY_DENIED', 'no basic auth'), { verdict: 'failed', detail: /denied/, remedy: /docker login/ });
  t.match(judge('PUSH_FAILED', 'no space left'), {
    verdict: 'failed',
    detail: /not writable: no space/,
    remedy: /disk/,
  });
  t.match(judge('ENGINE_FAILED', 'odd'), { verdict: 'failed', detail: /odd/ });
  const reach = (cause: string) => judgeReach('r:5000', cause);
  t.match(reach('http: server gave HTTP response to HTTPS client'), { remedy: /insecure-registries/ });
  t.match(reach('x509: certificate signed by unknown authority'), { remedy: /certs\.d\/r:5000/ });
  t.match(reach('dial tcp: no such host'), { verdict: 'failed', remedy: /Check the address/ });
});

t.test('the name of a registry', async (t) => {
  const check = (registry?: string) =>
    makeCheck(nameCheck(registry === undefined ? undefined : repositoryIn(registry)), examination(engineFacts));
  t.match(await check(), { verdict: 'unknown', detail: /none is named/ });
  t.match(await check('127.0.0.1:5000'), { verdict: 'ok', detail: /is an address/ });
  t.match(await check('[::1]:5000'), { verdict: 'ok' });
  t.match(await check('localhost:5000'), { verdict: 'ok', detail: /localhost is (127\.0\.0\.1|::1)/ });
});

t.test('ports: free, ours, or of somebody else', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const service = (name: string, stack: string, running: number, published?: number) => ({
    ID: name,
    Version: { Index: 1 },
    Spec: {
      Name: name,
      Labels: { 'com.docker.stack.namespace': stack },
      TaskTemplate: { ContainerSpec: { Image: 'x' } },
      Mode: { Replicated: { Replicas: 1 } },
      EndpointSpec: { Ports: published ? [{ TargetPort: 80, PublishedPort: published }] : [] },
    },
    ServiceStatus: { RunningTasks: running, DesiredTasks: 1 },
  });
  const check = (services: Facts['services'] = [], socket: string | undefined = '/nowhere') =>
    makeCheck(portCheck(port), examination({ ...engineFacts, socket, services }));
  t.match(await check(), { name: `port ${port}`, verdict: 'warning', detail: /another program/ });
  t.match(await check([service('homeostat-proxy_proxy', 'homeostat-proxy', 1, port)]), {
    verdict: 'ok',
    detail: /homeostat-proxy_proxy/,
  });
  t.match(await check([service('homeostat-proxy_proxy', 'homeostat-proxy', 0, port)]), { verdict: 'warning' });
  t.match(await check([service('homeostat-proxy_proxy', 'homeostat-proxy', 1, port + 1)]), { verdict: 'warning' });
  t.match(await check([service('shop_web', 'shop', 1, port)]), { verdict: 'warning', detail: /service shop_web/ });
  await new Promise((resolve) => server.close(resolve));
  t.match(await check(), { verdict: 'ok', detail: 'free' });
  t.match(judgePort(80, { problem: 'EACCES' }, engineFacts), { verdict: 'unknown', detail: 'EACCES' });
  const remote = examination({ version: engineFacts.version!, socket: undefined });
  t.match(await makeCheck(portCheck(port), remote), { verdict: 'unknown', detail: /another machine/ });
});

t.test('settlements', async (t) => {
  t.equal(judgeSettlements([]).verdict, 'ok');
  t.match(judgeSettlements([{ stack: 'shop', running: 'deploy by a' }]), {
    verdict: 'ok',
    detail: /shop: deploy by a/,
  });
  t.match(judgeSettlements([{ stack: 'shop', settled: 'rollout 3 of shop: good' }]), {
    verdict: 'warning',
    detail: /rollout 3 of shop: good/,
  });
});

const checks: Check[] = [
  { name: 'one', ...ok('fine') },
  { name: 'twelve', ...warning('so so', 'look') },
  { name: 'two', ...failed('bad\nvery \u0007bad', 'mend it') },
  { name: 'x', verdict: 'unknown', detail: 'who knows' },
];

t.test('the table', async (t) => {
  t.equal(
    renderChecks(checks),
    [
      '✔ one     fine',
      '! twelve  so so',
      '          → look',
      '✘ two     bad; very \\x07bad',
      '          → mend it',
      '? x       who knows',
      '',
      '1 well, 1 failed, 1 to look at, 1 not known',
    ].join('\n'),
  );
  fc.assert(
    fc.property(fc.array(fc.record({ name: fc.string(), detail: fc.string() })), (odd) => {
      const lines = renderChecks(odd.map((each) => ({ ...each, verdict: 'ok' as const }))).split('\n');
      return lines.length === odd.length + 2;
    }),
  );
});

t.test('only what failed makes the doctor fail', async (t) => {
  requireHealth(checks.filter(({ verdict }) => verdict !== 'failed'));
  requireHealth([]);
  t.throws(() => requireHealth(checks), {
    code: 'DOCTOR_FOUND',
    exit: 8,
    message: 'the doctor found a problem',
    evidence: ['two: bad; very \\x07bad → mend it'],
    data: { checks },
  });
});

t.test('what --fix does', async (t) => {
  const before = { missing: [], answers: true, host: undefined, swarm: 'active' };
  const nothing = { install: [], startEngine: false, initialiseSwarm: false };
  t.same(decideFix(before), nothing);
  t.same(decideFix({ ...before, missing: ['git'] }), { ...nothing, install: ['git'] });
  for (const swarm of ['inactive', '']) t.same(decideFix({ ...before, swarm }), { ...nothing, initialiseSwarm: true });
  for (const swarm of ['locked', 'pending', 'error']) t.same(decideFix({ ...before, swarm }), nothing);
  const silent = { ...before, answers: false, swarm: undefined };
  for (const host of [undefined, '', 'unix:///var/run/docker.sock', 'unix:///run/docker.sock'])
    t.same(decideFix({ ...silent, host }), { ...nothing, startEngine: true, initialiseSwarm: true }, `host ${host}`);
  for (const host of ['unix:///tmp/other.sock', 'tcp://10.0.0.1:2375', 'ssh://a@b'])
    t.same(decideFix({ ...silent, host }), nothing, 'only the Engine of this machine is started');
});
