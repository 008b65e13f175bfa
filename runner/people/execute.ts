import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { HomeostatError, messageOf } from '../common/errors';
import { takeLease } from '../swarm/lease';
import type { Decision, Outcome, Question, QuestionKind } from './question';
import { decideQuestion, endQuestion, listUnsettled, readQuestion, type AskedQuestion } from './questions';
import { addRule } from './standing-rules';

/**
 * Carries a decision out. It is idempotent and looks first whether the question's guard is still so. Undefined: it was
 * told to somebody who ends the question himself.
 */
export type Executor = (question: Question, decision: Decision, context: Context) => Promise<Outcome | undefined>;

export type Executors = Partial<Record<QuestionKind, Executor>>;

/** Milliseconds after its decision when a question whose executor fails is given up. */
const giveUp = 10 * 60_000;

/** Milliseconds after the expiry within which who waits for a decision may still take it up. */
const grace = 60_000;

/** Milliseconds after which a decision that could not be carried out is tried again. */
const pause = 5000;

/** Until when, by the monotonic clock, a question is left alone in this process, by its id. */
export type Busy = Map<string, number>;

export interface SettleOptions {
  /** Keeps a second call from beginning what the first is at. */
  busy?: Busy;
  /** Only these questions. */
  only?: (question: Question) => boolean;
}

/**
 * Decides what is over its time, and carries out what is decided and not done. What could not be done yet is logged, and
 * is there for the next call.
 * @returns the ids of the questions that were ended
 */
export async function settleDecisions(
  engine: Engine,
  executors: Executors,
  context: Context,
  options: SettleOptions = {},
): Promise<string[]> {
  const works = dueWorks(engine, await listUnsettled(engine, context), executors, context, options);
  const ended = await Promise.all(works.map((work) => work()));
  return ended.filter((id) => id !== undefined);
}

/** What `settleDecisions` has to do, begun by nobody yet; none of it throws. */
export function dueWorks(
  engine: Engine,
  unsettled: AskedQuestion[],
  executors: Executors,
  context: Context,
  { busy = new Map(), only = () => true }: SettleOptions,
): (() => Promise<string | undefined>)[] {
  const { clock, log, signal } = context;
  const now = clock.now().getTime();
  const due = unsettled.filter(
    (asked) =>
      only(asked.question) &&
      (busy.get(asked.question.id) ?? -Infinity) <= clock.monotonic() &&
      isDue(asked, executors, now),
  );
  return due.map(({ question }) => {
    busy.set(question.id, Infinity);
    return async () => {
      try {
        const settled = await settleQuestion(engine, question, executors[question.kind], context);
        // Who was told has until the end of the question; then it is looked at again.
        const left = Date.parse(question.expiresAt) + grace - clock.now().getTime();
        if (settled === 'told') busy.set(question.id, clock.monotonic() + Math.max(pause, left));
        else busy.delete(question.id);
        return settled === 'ended' ? question.id : undefined;
      } catch (error) {
        busy.set(question.id, clock.monotonic() + pause);
        if (!signal.aborted)
          log.warn(`the decision of ${question.id} was not carried out, and will be tried again: ${messageOf(error)}`);
        return undefined;
      }
    };
  });
}

function isDue({ question, state }: AskedQuestion, executors: Executors, now: number): boolean {
  const end = Date.parse(question.expiresAt);
  if (state.state === 'open') return now >= end;
  // What waits for somebody outside is ended some time after it was over: nobody came.
  const waits = !executors[question.kind] && state.state === 'decided' && state.via !== 'expiry';
  return !waits || now >= end + grace;
}

type Settled = 'ended' | 'told' | 'later';

async function settleQuestion(
  engine: Engine,
  question: Question,
  executor: Executor | undefined,
  context: Context,
): Promise<Settled> {
  const { id, fallback } = question;
  await decideQuestion(engine, id, { choice: fallback, by: 'nobody', via: 'expiry' }, context);
  // Only one process at a time carries a decision out; the lease of one that died is taken over.
  const lease = await takeLease(engine, `question ${id}`, 'answer', context).catch((error: unknown) => {
    if (error instanceof HomeostatError && error.code === 'LEASE_HELD') return undefined;
    throw error;
  });
  if (!lease) return 'later';
  const leased = { ...context, signal: lease.signal };
  try {
    const { state } = await readQuestion(engine, id, leased);
    if (state.state !== 'decided') return 'later';
    if (state.standing) await keepRule(engine, question, state, leased);
    const outcome = await carryOut(question, state, executor, leased);
    if (!outcome) return 'told';
    return (await endQuestion(engine, id, outcome, leased)) ? 'ended' : 'later';
  } finally {
    await lease.release();
  }
}

/** Undefined where somebody else ends it, who was told. @throws what the executor does, as long as it is tried again */
async function carryOut(
  question: Question,
  decision: Decision,
  executor: Executor | undefined,
  context: Context,
): Promise<Outcome | undefined> {
  const now = context.clock.now().getTime();
  const waitsForOther = { outcome: 'nobody has taken the decision up', ok: false };
  if (!executor) return decision.via === 'expiry' ? { outcome: 'nobody answered in time', ok: false } : waitsForOther;
  try {
    const outcome = await executor(question, decision, context);
    return outcome ?? (now >= Date.parse(question.expiresAt) + grace ? waitsForOther : undefined);
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    const message =
      error instanceof HomeostatError && error.causeText ? `${error.message} (${error.causeText})` : messageOf(error);
    if (!isLasting(error) && now - Date.parse(decision.at) < giveUp) throw error;
    return { outcome: `it could not be done: ${message}`, ok: false };
  }
}

/** Whether trying again cannot help: what is wrong stays so, or was refused. */
const isLasting = (error: unknown) =>
  error instanceof HomeostatError && error.exit !== 8 && error.exit !== 7 && error.code !== 'STOPPED';

async function keepRule(engine: Engine, question: Question, decision: Decision, context: Context): Promise<void> {
  const offer = question.choices.find(({ id }) => id === decision.choice)?.rule;
  if (!offer) return;
  const { service, direction, upTo, days } = offer;
  await addRule(
    engine,
    {
      id: `r-${question.id.slice(2)}`,
      ...{ service, direction, upTo },
      holds: days * 86_400_000,
      author: decision.by,
      reason: decision.reason ?? `answer to ${question.id}: ${question.title}`,
    },
    context,
  );
}
