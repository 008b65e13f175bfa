import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import { createRecord, listRecords, recordName, relabelRecord, removeRecord, type StoredRecord } from '../swarm/store';
import type { Target } from '../swarm/rollout';
import type { ServiceSpec } from '../swarm/types';

/** Who deployed what, and where it came from. */
export interface Origin {
  kind: 'deploy' | 'rollback';
  by: string;
  at: string;
  build?: string;
  revision?: string;
  source?: string;
  approvedBy?: string;
  /** Number of the release that a rollback went back to. */
  rollbackTo?: number;
}

/** A release that was seen good: what a rollback goes back to. */
export interface Release {
  number: number;
  stack: string;
  origin: Origin;
  services: { name: string; image: string; spec: ServiceSpec }[];
}

/** A rollout that was begun: all that is needed to settle it when its runner dies. */
export interface Rollout {
  number: number;
  stack: string;
  origin: Origin;
  targets: Target[];
  /** Known-good specs to put back, with the version the service had before anything was applied. */
  previous: { name: string; version: number; spec: ServiceSpec }[];
  /** Milliseconds. */
  deadline: number;
  monitor: number;
  keep: number;
}

export type RolloutState = 'deploying' | 'rolled-back' | 'deadline-passed' | 'interfered' | 'interrupted';

const failedRolloutsKept = 5;
const reasonLength = 500;

/** The releases of a stack, newest first. */
export async function listReleases(engine: Engine, stack: string, context: Context): Promise<StoredRecord<Release>[]> {
  const records = await listRecords<Release>(engine, { kind: 'release', stack }, context);
  return records.sort((a, b) => b.data.number - a.data.number);
}

/** Rollouts that did not end in a release, of one stack or of all, newest first. */
export async function listRollouts(
  engine: Engine,
  stack: string | undefined,
  context: Context,
): Promise<StoredRecord<Rollout>[]> {
  const records = await listRecords<Rollout>(engine, { kind: 'rollout', ...(stack ? { stack } : {}) }, context);
  return records.sort((a, b) => b.data.number - a.data.number);
}

export const stateOf = (record: StoredRecord<Rollout>) => record.labels.state as RolloutState;

/** Records the begin of a rollout under the next number. */
export async function beginRollout(
  engine: Engine,
  rollout: Omit<Rollout, 'number'>,
  context: Context,
): Promise<StoredRecord<Rollout>> {
  const [releases, rollouts] = await Promise.all([
    listReleases(engine, rollout.stack, context),
    listRollouts(engine, rollout.stack, context),
  ]);
  const number =
    Math.max(0, ...releases.map((each) => each.data.number), ...rollouts.map((each) => each.data.number)) + 1;
  const labels = { kind: 'rollout', stack: rollout.stack, number: String(number), state: 'deploying' };
  if (
    !(await createRecord(engine, recordName('rollout', rollout.stack, number), labels, { ...rollout, number }, context))
  ) {
    fail('CONFLICT', `rollout ${number} of ${rollout.stack} was begun by somebody else at the same moment`);
  }
  const stored = (await listRollouts(engine, rollout.stack, context)).find((each) => each.data.number === number);
  return stored ?? fail('CONFLICT', `the record of rollout ${number} of ${rollout.stack} disappeared`);
}

/** Turns a rollout into a release, and drops releases that are beyond the number kept. */
export async function recordRelease(
  engine: Engine,
  rollout: StoredRecord<Rollout>,
  services: Release['services'],
  context: Context,
): Promise<Release> {
  const { number, stack, origin, keep } = rollout.data;
  const release: Release = { number, stack, origin, services };
  await createRecord(
    engine,
    recordName('release', stack, number),
    { kind: 'release', stack, number: String(number) },
    release,
    context,
  );
  await removeRecord(engine, rollout.id, context);
  for (const old of (await listReleases(engine, stack, context)).slice(keep))
    await removeRecord(engine, old.id, context);
  return release;
}

/** Marks a rollout as ended without a release. */
export async function closeRollout(
  engine: Engine,
  rollout: StoredRecord<Rollout>,
  state: RolloutState,
  reason: string,
  context: Context,
): Promise<void> {
  const labels = {
    kind: 'rollout',
    stack: rollout.data.stack,
    number: String(rollout.data.number),
    state,
    reason: context.masker(reason).slice(0, reasonLength),
  };
  await relabelRecord(engine, rollout, labels, context);
  const ended = (await listRollouts(engine, rollout.data.stack, context)).filter(
    (each) => stateOf(each) !== 'deploying',
  );
  for (const old of ended.slice(failedRolloutsKept)) await removeRecord(engine, old.id, context);
}
