import type { Context } from '../common/context';
import { ask, request, type Engine } from '../common/engine';
import { fail, messageOf } from '../common/errors';
import { parseImage, readImage } from '../image/reference';
import { credentialsForClient } from '../image/registry-auth';
import { lastLines } from '../swarm/last-words';
import { takeLease, type Lease } from '../swarm/lease';
import { listServices } from '../swarm/services';
import { deployStack, removeStack } from '../swarm/stack';
import { listRecords, readRecord, recordName, removeRecord } from '../swarm/store';
import { stackLabel } from '../swarm/types';
import { watchRollout } from '../swarm/watch';
import { candidateLabel, candidateName, candidateStack, requireCandidateNames, serviceLabel } from './candidate-plan';
import type { Config } from './config';
import { renderStack, servicesOf, type StackFile } from './stack-file';

export interface Candidate {
  stack: string;
  /** The network on which its services answer and tests run. */
  network: string;
  /** Address of the service on that network. */
  address: string;
}

/** Longest time that removing a candidate may take. */
const removalLimit = 60_000;

/** Of a new stack every failure counts; this machine's clock may differ from the Swarm's, so it is not asked. */
const beginning = new Date(0).toISOString();

const subject = 'candidate ';
const leaseOf = (stack: string) => subject + stack;
/** What the lease says of its holder; by this the candidate of a service is found when only its lease is left. */
const holderOf = (service: string) => `candidate of ${service}`;

/**
 * Deploys the candidate, waits until it is healthy, hands it to `work`, and removes it whatever happens.
 * @returns what `work` answered, and the removal, which goes on in the background and has to be awaited
 * @throws CANDIDATE_FAILED when it does not become healthy
 */
export async function withCandidate<T>(
  engine: Engine,
  stack: StackFile,
  config: Config,
  build: string,
  image: string,
  work: (candidate: Candidate) => Promise<T>,
  context: Context,
): Promise<{ value: T; removed: Promise<void> }> {
  requireCandidateNames(stack, config, build);
  const name = candidateName(config.name, build);
  const lease = await takeLease(engine, leaseOf(name), holderOf(config.name), context);
  let value: T;
  try {
    if ((await listStacks(engine, config.name, context)).includes(name)) {
      context.log.warn(`the candidate ${name} was left behind by a run of the same build; removing it`);
      await removeCandidate(engine, name, context);
    }
    await deployCandidate(engine, stack, config, name, image, lease, context);
    value = await work({ stack: name, network: `${name}_default`, address: `http://${config.name}:${config.port}` });
  } catch (error) {
    await removal(engine, name, lease, context);
    throw error;
  }
  return { value, removed: removal(engine, name, lease, context) };
}

async function deployCandidate(
  engine: Engine,
  stack: StackFile,
  config: Config,
  name: string,
  image: string,
  lease: Lease,
  context: Context,
): Promise<void> {
  const tree = candidateStack(stack, config, image);
  const images = Object.values(servicesOf(stack)).map((service) => readImage(service.image ?? ''));
  const registries = images.flatMap((each) => (typeof each === 'string' ? [] : [each.registry]));
  const own = parseImage(image).registry;
  const credentials = await credentialsForClient([own, ...registries], own, context);
  await deployStack(
    {
      stack: name,
      content: renderStack(tree),
      folder: stack.folder,
      credentials,
    },
    context.env,
    context,
  );
  const targets = Object.keys(servicesOf(stack)).map((service) => ({
    service: `${name}_${service}`,
    ...(service === config.name ? { image } : {}),
  }));
  const result = await watchRollout(
    engine,
    { targets, since: beginning, deadline: config.candidate.deadline, monitor: 0, signal: lease.signal },
    context,
  );
  if (result.outcome === 'good') return;
  const evidence = 'evidence' in result ? result.evidence : [];
  const logs = await Promise.all(targets.map((target) => lastLines(engine, target.service, context)));
  fail('CANDIDATE_FAILED', `the candidate ${name} did not become healthy`, {
    cause: result.reason,
    evidence: [...evidence, ...logs.flat()],
  });
}

/** Removes the candidate; a failure to do so is told, but never hides why the candidate had to go. */
async function removal(engine: Engine, name: string, lease: Lease, context: Context): Promise<void> {
  // Being stopped must not keep the candidate: the removal goes on for as long as the process is let live.
  const calm = { ...context, signal: AbortSignal.timeout(removalLimit + 5000) };
  try {
    await removeCandidate(engine, name, calm);
  } catch (error) {
    context.log.warn(`the candidate ${name} could not be removed: ${messageOf(error)}; run homeostat cleanup`);
  } finally {
    await lease.release();
  }
}

/**
 * Removes a candidate stack and the test containers on it; what is gone already is fine.
 * @returns what could not be removed, which is told as well
 */
export async function removeCandidate(engine: Engine, name: string, context: Context): Promise<string[]> {
  const query = { all: true, filters: { label: [`${candidateLabel}=${name}`] } };
  const containers = await ask(context, 'listing test containers', () =>
    request<{ Id: string }[]>(engine, 'GET', '/containers/json', { query }),
  );
  await Promise.all(
    containers.map(({ Id }) =>
      request(engine, 'DELETE', `/containers/${Id}`, { query: { force: true, v: true } }).catch(() => undefined),
    ),
  );
  const left = await removeStack(engine, name, removalLimit, context);
  if (left.length > 0)
    context.log.warn(`of the candidate ${name} could not be removed: ${left.join('; ')}; run homeostat cleanup`);
  return left;
}

/** Removes a candidate whose runner is dead or is to lose it, its lease among it. */
export async function removeAbandoned(engine: Engine, name: string, context: Context): Promise<string[]> {
  const left = await removeCandidate(engine, name, context);
  const lease = await readRecord(engine, recordName('lease', leaseOf(name)), context);
  if (lease) await removeRecord(engine, lease.id, context);
  return left;
}

/** Names of all candidates in the Swarm, of one service or of every service. */
export async function listCandidates(engine: Engine, service: string | undefined, context: Context): Promise<string[]> {
  const stacks = await listStacks(engine, service, context);
  const leases = (await listRecords(engine, { kind: 'lease' }, context)).flatMap(({ labels }) =>
    labels.subject?.startsWith(subject) && (!service || labels.what === holderOf(service))
      ? [labels.subject.slice(subject.length)]
      : [],
  );
  return [...new Set([...stacks, ...leases])].sort();
}

/** Names of the candidates of which a service or a network is there. */
async function listStacks(engine: Engine, service: string | undefined, context: Context): Promise<string[]> {
  const label = service ? `${serviceLabel}=${service}` : serviceLabel;
  const services = (await listServices(engine, context)).filter(({ Spec }) =>
    service ? Spec.Labels?.[serviceLabel] === service : Spec.Labels?.[serviceLabel],
  );
  const networks = await ask(context, 'listing networks', () =>
    request<{ Labels?: Record<string, string> }[]>(engine, 'GET', '/networks', {
      query: { filters: { label: [label] } },
    }),
  );
  const stacks = [
    ...services.map(({ Spec }) => Spec.Labels?.[stackLabel]),
    ...networks.map(({ Labels }) => Labels?.[stackLabel]),
  ];
  return stacks.filter((stack) => stack !== undefined);
}

/** A holder beats every 1.5 s; one that is silent for this long is dead. */
const silence = 5000;

/** Candidates whose runner died: their lease is gone, or shows no beat while it is watched. */
export async function findLeftovers(engine: Engine, service: string | undefined, context: Context): Promise<string[]> {
  const candidates = await listCandidates(engine, service, context);
  if (candidates.length === 0) return [];
  const versions = () =>
    Promise.all(
      candidates.map(async (name) => (await readRecord(engine, recordName('lease', leaseOf(name)), context))?.version),
    );
  const before = await versions();
  if (before.some((version) => version !== undefined)) await context.clock.sleep(silence, context.signal);
  const after = before.some((version) => version !== undefined) ? await versions() : before;
  return candidates.filter((_name, index) => before[index] === after[index]);
}
