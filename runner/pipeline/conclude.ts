import type { Context } from '../common/context';
import { formatDuration } from '../common/duration';
import type { Engine } from '../common/engine';
import { fail, HomeostatError } from '../common/errors';
import { lastLines } from '../swarm/last-words';
import type { StoredRecord } from '../swarm/store';
import { imageOf } from '../swarm/types';
import { watchRollout, type Outcome } from '../swarm/watch';
import { putBack, watchPutBack } from './put-back';
import { closeRollout, recordRelease, type Release, type Rollout } from './releases';
import { tellEnd } from './tell-deploy';

/**
 * Watches a rollout to its end, and ends it in one of its ways: a release, or put back, or hands off.
 * @throws ROLLOUT_FAILED, ROLLOUT_DEADLINE, ROLLBACK_INCOMPLETE, DEPLOY_INTERFERED
 */
export const conclude = (
  engine: Engine,
  record: StoredRecord<Rollout>,
  deadline: number,
  context: Context,
): Promise<Release> => tellEnd(engine, record, context, () => watchToEnd(engine, record, deadline, context));

async function watchToEnd(
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

/** Puts back what a change that could not be applied may have begun, and throws its error on. */
export async function putBackAfterError(
  engine: Engine,
  record: StoredRecord<Rollout>,
  error: unknown,
  context: Context,
): Promise<never> {
  const cause = error instanceof HomeostatError ? error : undefined;
  return tellEnd(engine, record, context, async () => {
    await putBack(engine, record.data, context);
    await closeRollout(engine, record, 'interrupted', cause?.causeText ?? String(error), context);
    throw error;
  }) as Promise<never>;
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
