import type { Context } from '../common/context';
import { request, type Engine } from '../common/engine';
import { fail, HomeostatError } from '../common/errors';
import { formatDuration } from '../common/duration';
import { parseImage } from '../image/reference';
import { credentialsFor } from '../image/registry-auth';
import { lastLines } from '../swarm/last-words';
import { takeLease, type Lease } from '../swarm/lease';
import { findService, listStack, removeService, updateService } from '../swarm/services';
import { removeStack } from '../swarm/stack';
import type { StoredRecord } from '../swarm/store';
import type { Target } from '../swarm/rollout';
import { imageOf, stackLabel, wantedReplicas, withReplicas, type Service, type ServiceSpec } from '../swarm/types';
import { watchRollout, type Outcome } from '../swarm/watch';
import {
  beginRollout,
  closeRollout,
  listReleases,
  listRollouts,
  recordRelease,
  stateOf,
  type Release,
  type Rollout,
} from './releases';

/** A change of a stack that is to end as a release or be put back. */
export interface Change {
  stack: string;
  rollout: Omit<Rollout, 'number' | 'previous'>;
  /** Applies the change; must leave nothing half done that a put-back of `previous` could not mend. */
  apply(previous: Service[], context: Context): Promise<void>;
}

const leaseOf = (stack: string) => `stack ${stack}`;

/**
 * Carries a change out in the one way there is: lease, record, apply, watch, then release or put back.
 * @throws ROLLOUT_FAILED, ROLLOUT_DEADLINE, ROLLBACK_INCOMPLETE, DEPLOY_INTERFERED, LEASE_HELD
 */
export async function rollOut(engine: Engine, change: Change, context: Context): Promise<Release> {
  const lease = await takeLease(engine, leaseOf(change.stack), change.rollout.origin.kind, context);
  const leased = { ...context, signal: lease.signal };
  try {
    for (const left of await unfinished(engine, change.stack, leased)) await settle(engine, left, leased);
    const live = await liveServices(engine, change.stack, change.rollout.targets, leased);
    const previous = await knownGood(engine, change.stack, live, leased);
    const record = await beginRollout(engine, { ...change.rollout, previous }, leased);
    try {
      await change.apply(live, leased);
    } catch (error) {
      if (lease.signal.aborted) throw error;
      return await putBackAfterError(engine, record, error, leased);
    }
    return await conclude(engine, record, change.rollout.deadline, leased);
  } finally {
    await lease.release();
  }
}

/** The services that a change concerns: those of the stack, or the one service that belongs to none. */
async function liveServices(engine: Engine, stack: string, targets: Target[], context: Context): Promise<Service[]> {
  const services = await listStack(engine, stack, context);
  if (services.length > 0) return services;
  const single = await Promise.all(targets.map((target) => findService(engine, target.service, context)));
  return single.filter((service) => service !== undefined);
}

/**
 * What to put back when the change turns out bad: each service as it is now, unless it is broken now and the last
 * release knows better.
 */
async function knownGood(
  engine: Engine,
  stack: string,
  live: Service[],
  context: Context,
): Promise<Rollout['previous']> {
  const [last] = await listReleases(engine, stack, context);
  return live.map(({ Spec, Version, UpdateStatus }) => {
    const released = last?.data.services.find((each) => each.name === Spec.Name);
    const suspicious = UpdateStatus?.State === 'paused' || UpdateStatus?.State === 'updating';
    const spec =
      released && suspicious && imageOf(Spec) !== released.image
        ? withReplicas(released.spec, wantedReplicas(Spec))
        : Spec;
    return { name: Spec.Name, version: Version.Index, spec };
  });
}

async function conclude(
  engine: Engine,
  record: StoredRecord<Rollout>,
  deadline: number,
  context: Context,
): Promise<Release> {
  const { targets, monitor, stack } = record.data;
  const outcome = await watchRollout(
    engine,
    { targets, since: record.createdAt, deadline, monitor, signal: context.signal },
    context,
  );
  if (outcome.outcome === 'good') {
    context.log.info(
      `converged after ${formatDuration(outcome.convergedAfter)} and good for ${formatDuration(monitor)}`,
    );
    const services = outcome.services.map(({ Spec }) => ({ name: Spec.Name, image: imageOf(Spec), spec: Spec }));
    return recordRelease(engine, record, services, context);
  }
  if (outcome.outcome === 'interfered') {
    await closeRollout(engine, record, 'interfered', outcome.reason, context);
    fail('DEPLOY_INTERFERED', `the deploy of ${stack} was interfered with`, { cause: outcome.reason });
  }
  return undo(engine, record, outcome, context);
}

async function putBackAfterError(
  engine: Engine,
  record: StoredRecord<Rollout>,
  error: unknown,
  context: Context,
): Promise<never> {
  const cause = error instanceof HomeostatError ? error : undefined;
  await putBack(engine, record.data, context);
  await closeRollout(engine, record, 'interrupted', cause?.causeText ?? String(error), context);
  throw error;
}

async function undo(
  engine: Engine,
  record: StoredRecord<Rollout>,
  outcome: Extract<Outcome, { outcome: 'failed' | 'deadline' }>,
  context: Context,
): Promise<never> {
  const { stack, previous, targets } = record.data;
  context.log.error(outcome.reason);
  const logs = (await Promise.all(targets.map((target) => lastLines(engine, target.service, context)))).flat();
  const start = context.clock.monotonic();
  context.log.info(
    previous.length > 0
      ? 'putting the last known-good release back'
      : 'there was no release before; removing what was created',
  );
  await putBack(engine, record.data, context);
  const back = previous.length > 0 ? await watchPutBack(engine, record, context) : undefined;
  const seconds = formatDuration(context.clock.monotonic() - start);
  const deadline = outcome.outcome === 'deadline';
  await closeRollout(engine, record, deadline ? 'deadline-passed' : 'rolled-back', outcome.reason, context);
  const evidence = [...outcome.evidence, ...logs];
  if (back && back.outcome !== 'good')
    fail('ROLLBACK_INCOMPLETE', `the release of ${stack} is bad, and the one before it does not run yet`, {
      cause: `${outcome.reason}; ${back.reason}`,
      evidence,
    });
  const ending =
    previous.length > 0
      ? `the last known-good one runs again after ${seconds}`
      : 'there was none before, so its services were removed';
  return deadline
    ? fail('ROLLOUT_DEADLINE', `the rollout of ${stack} did not end in time; ${ending}`, {
        cause: outcome.reason,
        evidence,
        data: { stack, rollout: record.data.number },
      })
    : fail('ROLLOUT_FAILED', `the new release of ${stack} is bad; ${ending}`, {
        cause: outcome.reason,
        evidence,
        data: { stack, rollout: record.data.number },
      });
}

const putBackLimit = 120_000;

function watchPutBack(engine: Engine, record: StoredRecord<Rollout>, context: Context): Promise<Outcome> {
  const targets = record.data.previous.map(({ name, spec }) => ({ service: name, image: imageOf(spec) }));
  const limits = { deadline: putBackLimit, monitor: 0, settled: false };
  return watchRollout(engine, { targets, since: record.createdAt, signal: context.signal, ...limits }, context);
}

/** Writes the known-good specs back with the live replica counts, and removes services that did not exist before. */
async function putBack(engine: Engine, { stack, previous, targets }: Rollout, context: Context): Promise<void> {
  if (previous.length === 0) {
    // Volumes may be older than this deploy: `docker stack rm` keeps them, and so must this.
    await removeStack(engine, stack, removalLimit, context, { volumes: false });
    for (const target of targets) await removeService(engine, target.service, context);
    return;
  }
  const image = targets.find((target) => target.image)?.image;
  const own = image ? parseImage(image).registry : '';
  const before = new Map(previous.map((each) => [each.name, each.spec]));
  const names = new Set([
    ...(await listStack(engine, stack, context)).map(({ Spec }) => Spec.Name),
    ...targets.map((target) => target.service),
  ]);
  for (const name of names) {
    const spec = before.get(name);
    if (!spec) {
      await removeService(engine, name, context);
      continue;
    }
    if (!(await findService(engine, name, context))) {
      await createService(engine, spec, own, context);
      continue;
    }
    await applySpec(engine, name, spec, own, context);
  }
}

/**
 * Writes a spec with the replica count that the service has at this moment; a spec that stands already is left alone. Where
 * no credentials are found the Swarm keeps those that the service has.
 */
export async function applySpec(
  engine: Engine,
  name: string,
  spec: ServiceSpec,
  own: string,
  context: Context,
): Promise<void> {
  const auth = await credentialsFor(parseImage(imageOf(spec)).registry, context, own);
  await updateService(
    engine,
    name,
    (live) => {
      // Swarm's own rollback restores the replicas of its previous spec, so the count is then that of before.
      const replicas = live.UpdateStatus?.State?.startsWith('rollback')
        ? wantedReplicas(spec)
        : wantedReplicas(live.Spec);
      const next = withReplicas(spec, replicas);
      return JSON.stringify(next) === JSON.stringify(live.Spec) ? undefined : next;
    },
    auth,
    context,
  );
}

export async function createService(engine: Engine, spec: ServiceSpec, own: string, context: Context): Promise<void> {
  const auth = await credentialsFor(parseImage(imageOf(spec)).registry, context, own);
  await request(engine, 'POST', '/services/create', { body: spec, auth });
}

/** Rollouts that nobody has ended. */
export async function unfinished(
  engine: Engine,
  stack: string | undefined,
  context: Context,
): Promise<StoredRecord<Rollout>[]> {
  return (await listRollouts(engine, stack, context)).filter((record) => stateOf(record) === 'deploying');
}

const removalLimit = 30_000;
const leastTime = 10_000;

/** Ends a rollout whose runner died: watches on what is left of its deadline, then records it or puts it back. */
async function settle(engine: Engine, record: StoredRecord<Rollout>, context: Context): Promise<string> {
  const { stack, number, previous, targets, deadline, origin } = record.data;
  context.log.warn(
    `rollout ${number} of ${stack} (${origin.kind} by ${origin.by}, ${record.createdAt}) was left unfinished; settling it`,
  );
  const live = await liveServices(engine, stack, targets, context);
  const versions = new Map(previous.map((each) => [each.name, each.version]));
  if (live.length === previous.length && live.every(({ Spec, Version }) => versions.get(Spec.Name) === Version.Index)) {
    await closeRollout(engine, record, 'interrupted', 'stopped before anything was applied', context);
    return `rollout ${number} of ${stack}: nothing had been applied`;
  }
  const spent = context.clock.now().getTime() - Date.parse(record.createdAt);
  const left = Math.min(Math.max(deadline - spent, leastTime), deadline);
  try {
    await conclude(engine, record, left, context);
    return `rollout ${number} of ${stack}: good, recorded as a release`;
  } catch (error) {
    if (!(error instanceof HomeostatError) || error.code === 'STOPPED') throw error;
    return `rollout ${number} of ${stack}: ${error.message}${error.causeText ? ` (${error.causeText})` : ''}`;
  }
}

export interface Settlement {
  stack: string;
  /** The rollout is in the hands of a living runner. */
  running?: string;
  /** What became of it. */
  settled?: string;
}

/** Settles every unfinished rollout that no living runner holds: what `status` and `doctor` do first. */
export async function settleAll(engine: Engine, stack: string | undefined, context: Context): Promise<Settlement[]> {
  const result: Settlement[] = [];
  const stacks = new Set((await unfinished(engine, stack, context)).map((record) => record.data.stack));
  for (const each of stacks) {
    let lease: Lease;
    try {
      lease = await takeLease(engine, leaseOf(each), 'settlement', context);
    } catch (error) {
      if (!(error instanceof HomeostatError) || error.code !== 'LEASE_HELD') throw error;
      result.push({ stack: each, running: error.causeText ?? 'by somebody else' });
      continue;
    }
    try {
      const leased = { ...context, signal: lease.signal };
      for (const record of await unfinished(engine, each, leased))
        result.push({ stack: each, settled: await settle(engine, record, leased) });
    } finally {
      await lease.release();
    }
  }
  return result;
}

/** The stack that a service belongs to, or the service itself where it belongs to none. */
export const stackOf = (service: Service): string => service.Spec.Labels?.[stackLabel] ?? service.Spec.Name;
