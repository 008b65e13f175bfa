import type { Context } from '../common/context';
import { formatDuration } from '../common/duration';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import type { Executor } from '../people/execute';
import type { Decision, Outcome, Question } from '../people/question';
import { findService } from '../swarm/services';
import { wantedReplicas } from '../swarm/types';
import { replicasText } from './decide-guards';
import { holdService } from './holds';
import type { LimitAction } from './question';
import { scaleService, type ScaleResult } from './scale';
import type { ScalingSettings } from './settings';

/** Milliseconds for which new tasks are waited for. */
const wait = 10_000;
/** What is over by itself: the decision is carried out then. */
const passing = ['rollout', 'pending'];

/** Carries out what people decided at a limit: scale anyway, hold, or ignore. */
export const limitExecutor =
  (engine: Engine, settings: ScalingSettings): Executor =>
  (question, decision, context) => {
    const action = question.choices.find(({ id }) => id === decision.choice)?.action as LimitAction | undefined;
    if (action?.do === 'scale') return scaleAnyway(engine, question, decision, action.to, settings, context);
    if (action?.do === 'hold') return hold(engine, question, decision, action.for, context);
    return Promise.resolve({ outcome: 'nothing was changed', ok: true });
  };

async function hold(
  engine: Engine,
  { subject }: Question,
  { by, at, reason = 'decided at its limit' }: Decision,
  time: number,
  context: Context,
): Promise<Outcome> {
  // From when it was decided, so that carrying it out twice is the same.
  const until = Date.parse(at) + time;
  await holdService(engine, { service: subject, only: 'up', by, reason, until }, context);
  return { outcome: `${subject} is held for ${formatDuration(time)}`, ok: true };
}

async function scaleAnyway(
  engine: Engine,
  { id, subject, guard }: Question,
  { by }: Decision,
  to: number,
  settings: ScalingSettings,
  context: Context,
): Promise<Outcome> {
  const live = await findService(engine, subject, context);
  if (!live) return { outcome: `there is no service ${subject} any more`, ok: false };
  const replicas = wantedReplicas(live.Spec) ?? 0;
  if (replicas === to) return { outcome: `${subject} has ${replicasText(to)}`, ok: true };
  if (replicas !== guard.from)
    return { outcome: `nothing was changed: it has ${replicasText(replicas)} now, no longer ${guard.from}`, ok: false };
  const request = {
    service: subject,
    wish: { kind: 'number', replicas: to },
    origin: 'answer',
    by,
    id,
    alert: {},
  } as const;
  const result = await scaleService(engine, request, { settings, wait }, context);
  if (result.guard && passing.includes(result.guard))
    fail('CONFLICT', `${subject} cannot be scaled at this moment`, { cause: result.reason });
  return outcomeOf(result);
}

function outcomeOf({ service, verdict, guard, from, to, reason, observed, problem }: ScaleResult): Outcome {
  if (verdict === 'none' || guard === 'repeat') return { outcome: `${service}: ${reason}`, ok: true };
  if (verdict !== 'scale') return { outcome: `nothing was changed: ${reason}`, ok: false };
  return { outcome: `${service} ${from} → ${to}${observed ? ', and all run' : `: ${problem}`}`, ok: true };
}
