import { randomBytes } from 'node:crypto';
import { access } from 'node:fs/promises';
import type { Context } from '../../common/context';
import { request, type Engine } from '../../common/engine';
import { messageOf } from '../../common/errors';
import { removeStack } from '../../swarm/stack';
import { stackLabel } from '../../swarm/types';
import { imageId, runnerImageName } from '../images';
import { ok, unknown, warning, type CheckDefinition, type Examination, type Finding } from './check';

export const probeLabel = 'com.homeostat.probe';
const port = 9000;

/** Time for the probe itself and for removing it; together less than a check may take. */
const probeLimit = 10_000;
const removalLimit = 4500;
/** A probe older than this was left by a doctor that was killed; its programs have ended long before. */
const leftAfter = 60_000;

const remedy =
  'Write `endpoint_mode: dnsrr` and publish ports with `mode: host`, which work everywhere, or load the kernel module ip_vs on every node (`modprobe ip_vs`). The system’s own services need neither.';

/**
 * Whether virtual addresses and the routing mesh work on this node. Without IPVS in the kernel they fail and nothing
 * says so: services are created, DNS answers, and connections to the virtual address get nowhere.
 */
export const loadBalancingCheck = (image?: string): CheckDefinition => ({
  name: 'IPVS',
  needs: 'leader',
  async look(examination) {
    await removeLeftProbes(examination);
    const found = image ?? (await imageWithNode(examination));
    return found ? probe(found, examination) : judgeKernel(await kernelList());
  },
});

async function imageWithNode({ engine, context }: Examination): Promise<string | undefined> {
  return (await imageId(engine, await runnerImageName(context))) ?? imageId(engine, 'homeostat/runner:latest');
}

const kernelList = () =>
  access('/proc/net/ip_vs').then(
    () => true,
    () => false,
  );

/** Judges by the kernel's list of virtual servers, which is there once the module was loaded. */
export function judgeKernel(listed: boolean): Finding {
  const exact = 'Run `homeostat up`, which makes the image with which it is tried out, then the doctor again.';
  return listed
    ? ok('the kernel has it, by /proc/net/ip_vs; it was not tried out')
    : unknown('not certain: there is no /proc/net/ip_vs, but the module may not be loaded yet', `${exact} ${remedy}`);
}

const server = `require('net').createServer((s) => s.end()).listen(${port}); setTimeout(() => process.exit(), 30000);`;

/** Ends with 0 when the virtual address answers, 10 when only the task's own does, 20 when neither does. */
const client = `
const net = require('net');
const end = Date.now() + 12000;
const reach = (host) => new Promise((resolve) => {
  const done = (answer) => { socket.destroy(); resolve(answer); };
  const socket = net.connect({ host, port: ${port}, timeout: 1500 });
  socket.on('connect', () => done(true)).on('error', () => done(false)).on('timeout', () => done(false));
});
const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
(async () => {
  while (!(await reach('tasks.' + process.argv[1]))) if (Date.now() > end) process.exit(20); else await pause();
  for (let tries = 0; tries < 2; tries++) if (await reach(process.argv[1])) process.exit(0);
  process.exit(10);
})();`;

/** Judges by how the client of the probe ended. */
export function judgeProbe(exitCode: number): Finding {
  if (exitCode === 0) return ok('virtual addresses of services answer on this node');
  if (exitCode === 10)
    return warning(
      'this kernel has no IPVS: virtual addresses and the routing mesh do not work, and nothing says so',
      remedy,
    );
  return unknown(
    `not certain: even the task’s own address gave no answer on an overlay network (${exitCode})`,
    'Look at `docker service ps` of a service, and whether UDP 4789 and TCP and UDP 7946 are open between the nodes.',
  );
}

async function probe(image: string, examination: Examination): Promise<Finding> {
  const { engine, context, facts } = examination;
  const name = `homeostat-probe-${randomBytes(4).toString('hex')}`;
  const late = AbortSignal.timeout(probeLimit);
  const signal = AbortSignal.any([context.signal, late]);
  let container: string | undefined;
  try {
    const { Id } = await request<{ Id: string }>(engine, 'GET', `/images/${image}/json`, { signal });
    await createService(engine, name, Id, facts.info?.Swarm?.NodeID, signal);
    container = await createClient(engine, name, Id, signal);
    const ended = await request<{ StatusCode: number }>(engine, 'POST', `/containers/${container}/wait`, { signal });
    return judgeProbe(ended.StatusCode);
  } catch (error) {
    if (!late.aborted) throw error;
    return unknown(`not certain: the probe did not end within ${probeLimit / 1000} s`, remedy);
  } finally {
    await removeProbe(engine, name, container, context);
  }
}

/** A network and a service with one task on this node. An image named by its id is never looked for at a registry. */
async function createService(
  engine: Engine,
  name: string,
  image: string,
  node: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const labels = { [stackLabel]: name, [probeLabel]: name };
  const network = { Name: name, Driver: 'overlay', Attachable: true, Labels: labels };
  await request(engine, 'POST', '/networks/create', { body: network, signal });
  const service = {
    Name: name,
    Labels: labels,
    TaskTemplate: {
      ContainerSpec: { Image: image, Command: ['node', '-e', server], StopSignal: 'SIGKILL' },
      Networks: [{ Target: name }],
      RestartPolicy: { Condition: 'none' },
      Placement: node ? { Constraints: [`node.id == ${node}`] } : {},
    },
    Mode: { Replicated: { Replicas: 1 } },
    EndpointSpec: { Mode: 'vip' },
  };
  await request(engine, 'POST', '/services/create', { body: service, signal });
}

async function createClient(engine: Engine, name: string, image: string, signal: AbortSignal): Promise<string> {
  const body = {
    Image: image,
    Entrypoint: ['node', '-e', client, name],
    Cmd: [],
    Labels: { [probeLabel]: name },
    HostConfig: { NetworkMode: name },
  };
  const { Id } = await request<{ Id: string }>(engine, 'POST', '/containers/create', { query: { name }, body, signal });
  await request(engine, 'POST', `/containers/${Id}/start`, { signal });
  return Id;
}

/** Removes a probe whether or not the doctor was stopped; what is left is removed by the next one. */
async function removeProbe(engine: Engine, name: string, container: string | undefined, context: Context) {
  const calm = { ...context, signal: AbortSignal.timeout(removalLimit) };
  try {
    const query = { force: true, v: true };
    await request(engine, 'DELETE', `/containers/${container ?? name}`, { query, signal: calm.signal }).catch(
      () => undefined,
    );
    await removeStack(engine, name, removalLimit, calm);
  } catch (error) {
    context.log.debug(`the probe ${name} is left for the next doctor: ${messageOf(error)}`);
  }
}

async function removeLeftProbes({ engine, context, facts }: Examination): Promise<void> {
  const query = { filters: { label: [probeLabel] } };
  const networks = await request<{ Name: string; Created: string }[]>(engine, 'GET', '/networks', {
    query,
    signal: context.signal,
  });
  const now = Date.parse(facts.info?.SystemTime ?? '');
  const left = networks.filter(({ Created }) => now - Date.parse(Created) > leftAfter);
  await Promise.all(left.map(({ Name }) => removeProbe(engine, Name, undefined, context)));
}
