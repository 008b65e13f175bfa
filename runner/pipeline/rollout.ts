import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { stackLease, takeLease } from '../swarm/lease';
import { imageOf, wantedReplicas, withReplicas, type Service } from '../swarm/types';
import { conclude, putBackAfterError } from './conclude';
import { beginRollout, listReleases, type Release, type Rollout } from './releases';
import { liveServices, settle, unfinished } from './settle';
import { tellBegin } from './tell-deploy';

/** A change of a stack that is to end as a release or be put back. */
export interface Change {
  stack: string;
  rollout: Omit<Rollout, 'number' | 'previous'>;
  /** Applies the change; must leave nothing half done that a put-back of `previous` could not mend. */
  apply(previous: Service[], context: Context): Promise<void>;
}

/**
 * Carries a change out in the one way there is: lease, record, apply, watch, then release or put back.
 * @throws ROLLOUT_FAILED, ROLLOUT_DEADLINE, ROLLBACK_INCOMPLETE, DEPLOY_INTERFERED, LEASE_HELD
 */
export async function rollOut(engine: Engine, change: Change, context: Context): Promise<Release> {
  const lease = await takeLease(engine, stackLease(change.stack), change.rollout.origin.kind, context);
  const leased = { ...context, signal: lease.signal };
  try {
    for (const left of await unfinished(engine, change.stack, leased)) await settle(engine, left, leased);
    const live = await liveServices(engine, change.stack, change.rollout.targets, leased);
    const previous = await knownGood(engine, change.stack, live, leased);
    const record = await beginRollout(engine, { ...change.rollout, previous }, leased);
    await tellBegin(engine, record, leased);
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
