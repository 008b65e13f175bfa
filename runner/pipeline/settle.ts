import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { HomeostatError } from '../common/errors';
import { stackLease as leaseOf, takeLease, type Lease } from '../swarm/lease';
import type { Target } from '../swarm/rollout';
import { findService, listStack } from '../swarm/services';
import type { StoredRecord } from '../swarm/store';
import type { Service } from '../swarm/types';
import { conclude } from './conclude';
import { closeRollout, listRollouts, stateOf, type Rollout } from './releases';

/** The services that a change concerns: those of the stack, or the one service that belongs to none. */
export async function liveServices(
  engine: Engine,
  stack: string,
  targets: Target[],
  context: Context,
): Promise<Service[]> {
  const services = await listStack(engine, stack, context);
  if (services.length > 0) return services;
  const single = await Promise.all(targets.map((target) => findService(engine, target.service, context)));
  return single.filter((service) => service !== undefined);
}

/** Rollouts that nobody has ended. */
export async function unfinished(
  engine: Engine,
  stack: string | undefined,
  context: Context,
): Promise<StoredRecord<Rollout>[]> {
  return (await listRollouts(engine, stack, context)).filter((record) => stateOf(record) === 'deploying');
}

const leastTime = 10_000;

/** Ends a rollout whose runner died: watches on what is left of its deadline, then records it or puts it back. */
export async function settle(engine: Engine, record: StoredRecord<Rollout>, context: Context): Promise<string> {
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
