import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail, HomeostatError } from '../common/errors';
import { takeLease, stackLease, type Lease } from '../swarm/lease';
import { findService, updateService } from '../swarm/services';
import { stackOf, withReplicas, type Service } from '../swarm/types';
import type { AlertmanagerFacts } from './alertmanager';
import { decide, explain, type Explained } from './decide';
import { recordBegin, recordDecision, recordMade, type RecordedChange, type RecordedDecision } from './history';
import { askFor, look, type Looked } from './look';
import type { Decision, Facts, GuardName, Limits, Live, ScaleRequest } from './model';
import { observeReplicas, type Observation } from './observe';
import { askAtLimit } from './question';
import type { ScalingSettings } from './settings';
import { tellScaled } from './tell-scaled';

export interface ScaleOptions {
  settings: ScalingSettings;
  /** Milliseconds for which the new tasks are waited for. */
  wait: number;
}

/** What became of a request. */
export interface ScaleResult extends Partial<Observation> {
  service: string;
  verdict: Decision['verdict'];
  from: number;
  to?: number;
  guard?: GuardName;
  reason: string;
  by: string;
  id?: string;
  /** The question that people were asked. */
  question?: string;
}

/** What would become of a request now, and why; and what is known of the service. */
export interface ScalePlan {
  request: ScaleRequest;
  decision: Decision;
  guards: Explained[];
  live: Live;
  limits: Limits;
  holds: Facts['holds'];
  rules: Facts['rules'];
  changes: RecordedChange[];
  decisions: RecordedDecision[];
}

/**
 * What would be done now; changes nothing.
 * @throws SERVICE_MISSING
 */
export async function planScale(
  engine: Engine,
  request: ScaleRequest,
  settings: ScalingSettings,
  context: Context,
): Promise<ScalePlan> {
  const [service, alertmanager] = await Promise.all([
    requireService(engine, request.service, context),
    askFor(request, settings, context),
  ]);
  const { facts, changes, others } = await look(
    engine,
    service,
    { request: named(request, service), settings, alertmanager, leased: false },
    context,
  );
  const { live, limits, holds, rules } = facts;
  return {
    request: facts.request,
    decision: decide(facts),
    guards: explain(facts),
    live,
    limits,
    holds,
    rules,
    changes,
    decisions: others,
  };
}

const requireService = async (engine: Engine, name: string, context: Context): Promise<Service> =>
  (await findService(engine, name, context)) ?? fail('SERVICE_MISSING', `there is no service ${name}`);

/** A service may be asked for by its id; all that is recorded is under its name. */
const named = (request: ScaleRequest, { Spec }: Service): ScaleRequest => ({ ...request, service: Spec.Name });

/**
 * Decides what becomes of a request and does it: under the lease of the stack, so that no rollout begins meanwhile, by
 * compare-and-swap, and with a record of it before and after.
 * @throws SERVICE_MISSING, CONFLICT
 */
export async function scaleService(
  engine: Engine,
  request: ScaleRequest,
  { settings, wait }: ScaleOptions,
  context: Context,
): Promise<ScaleResult> {
  const [service, alertmanager] = await Promise.all([
    requireService(engine, request.service, context),
    askFor(request, settings, context),
  ]);
  const known = named(request, service);
  const { decision, facts } = await decideAndApply(engine, service, known, settings, alertmanager, context);
  if (decision.verdict === 'ask') return askPeople(engine, decision, facts, settings, context);
  const result = resultOf(known, decision);
  if (decision.verdict !== 'scale') return recorded(engine, result, context);
  const observed = await observeReplicas(engine, known.service, decision.to, wait, context);
  await tellScaled(engine, result, observed, context);
  return { ...result, ...observed };
}

interface Decided {
  decision: Decision;
  facts: Facts;
}

async function decideAndApply(
  engine: Engine,
  service: Service,
  request: ScaleRequest,
  settings: ScalingSettings,
  alertmanager: AlertmanagerFacts,
  context: Context,
): Promise<Decided> {
  const stack = stackOf(service);
  let decided: Decided | undefined;
  const decideOn = async (live: Service, leased: boolean, within: Context): Promise<Looked> => {
    const looked = await look(engine, live, { request, settings, alertmanager, leased }, within);
    decided = { facts: looked.facts, decision: decide(looked.facts) };
    return looked;
  };
  const lease = await leaseOrHolder(engine, stack, context);
  if ('holder' in lease) {
    const { facts } = await decideOn(service, true, context);
    const held = { ...facts, live: { ...facts.live, rollout: lease.holder } };
    return { facts: held, decision: decide(held) };
  }
  const leased = { ...context, signal: lease.signal };
  try {
    const change = async (live: Service) => {
      const { changes } = await decideOn(live, true, leased);
      const { decision, facts } = decided!;
      if (decision.verdict !== 'scale') return undefined;
      const { from, to, reason } = decision;
      const { by, id } = request;
      const begun = {
        at: facts.now,
        from,
        to,
        by,
        ...(id === undefined ? {} : { id }),
        reason,
        begun: facts.live.version,
      };
      await recordBegin(engine, request.service, changes, begun, leased);
      return withReplicas(live.Spec, to);
    };
    await updateService(engine, request.service, change, undefined, leased);
    if (decided!.decision.verdict === 'scale') await recordMade(engine, request.service, leased);
  } finally {
    await lease.release();
  }
  return decided!;
}

/** The lease of the stack, or who holds it for a rollout. */
async function leaseOrHolder(engine: Engine, stack: string, context: Context): Promise<Lease | { holder: string }> {
  try {
    return await takeLease(engine, stackLease(stack), 'scaling', context, { brief: true });
  } catch (error) {
    if (!(error instanceof HomeostatError) || error.code !== 'LEASE_HELD') throw error;
    return { holder: error.causeText ?? `somebody changes ${stack}` };
  }
}

function resultOf({ service, by, id }: ScaleRequest, decision: Decision): ScaleResult {
  const { verdict, from, reason } = decision;
  return {
    ...{ service, verdict, from },
    ...(verdict === 'scale' ? { to: decision.to } : {}),
    ...('guard' in decision ? { guard: decision.guard } : verdict === 'ask' ? { guard: 'limit' } : {}),
    ...{ reason, by },
    ...(id === undefined ? {} : { id }),
  };
}

async function recorded(engine: Engine, result: ScaleResult, context: Context): Promise<ScaleResult> {
  const { service, verdict, from, guard, reason, by, id } = result;
  if (verdict === 'scale') return result;
  const at = context.clock.now().getTime();
  const more = { ...(guard === undefined ? {} : { guard }), ...(id === undefined ? {} : { id }) };
  await recordDecision(engine, service, { at, verdict, from, reason, by, ...more }, context);
  return result;
}

async function askPeople(
  engine: Engine,
  decision: Extract<Decision, { verdict: 'ask' }>,
  facts: Facts,
  settings: ScalingSettings,
  context: Context,
): Promise<ScaleResult> {
  const asked = await askAtLimit(engine, decision, facts, settings, context);
  const { from, reason } = decision;
  if ('ignored' in asked) {
    const held = { verdict: 'hold', from, guard: 'limit', reason: `${reason}; ${asked.ignored}` } as const;
    return recorded(engine, resultOf(facts.request, held), context);
  }
  const { id } = asked.question;
  const text = `${reason}; ${asked.created ? 'people are asked' : 'people have been asked'} (${id})`;
  const result = { ...resultOf(facts.request, { ...decision, reason: text }), question: id };
  return recorded(engine, result, context);
}
