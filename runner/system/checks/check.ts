import type { Context } from '../../common/context';
import type { Engine } from '../../common/engine';
import { HomeostatError, messageOf } from '../../common/errors';
import type { Facts } from './facts';

export type Verdict = 'ok' | 'warning' | 'failed' | 'unknown';

/** What a check found. */
export interface Finding {
  verdict: Verdict;
  detail: string;
  /** What to do; there is none when all is well. */
  remedy?: string;
}

export interface Check extends Finding {
  name: string;
}

/** What has to be there before a check can be made; each includes those before it. */
export type Need = 'nothing' | 'engine' | 'manager' | 'leader';

/** What a check looks at. */
export interface Examination {
  engine: Engine;
  facts: Facts;
  /** Its signal aborts when the check has used up its time. */
  context: Context;
}

/** One thing to look at. It does not rely on other checks, and may throw: that never stops the others. */
export interface CheckDefinition {
  name: string;
  needs: Need;
  /** Milliseconds it may take, when it is not a mere look. */
  limit?: number;
  look(examination: Examination): Finding | Promise<Finding>;
}

export const ok = (detail: string): Finding => ({ verdict: 'ok', detail });
export const warning = (detail: string, remedy: string): Finding => ({ verdict: 'warning', detail, remedy });
export const failed = (detail: string, remedy: string): Finding => ({ verdict: 'failed', detail, remedy });
export const unknown = (detail: string, remedy?: string): Finding => ({
  verdict: 'unknown',
  detail,
  ...(remedy ? { remedy } : {}),
});

/** What an error means for a check. */
export function findingOf(error: unknown): Finding {
  if (error instanceof HomeostatError)
    return failed(`${error.message}${error.causeText ? `: ${error.causeText}` : ''}`, error.remedy);
  return unknown(`could not be looked at: ${messageOf(error)}`);
}

/** Longest that one check may take, in milliseconds. */
export const checkLimit = 15_000;

/** Makes one check in bounded time; only being stopped is thrown. */
export async function makeCheck(
  { name, needs, look, limit: own = checkLimit }: CheckDefinition,
  examination: Examination,
  most = Infinity,
): Promise<Check> {
  const limit = Math.round(Math.min(own, most));
  const missing = whatIsMissing(needs, examination.facts);
  if (missing) return { name, ...unknown(missing) };
  const { context } = examination;
  // The timer of AbortSignal.timeout() would not keep the process alive until it rings.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('late')), limit);
  const signal = AbortSignal.any([context.signal, late.signal]);
  try {
    const looked = Promise.resolve().then(() => look({ ...examination, context: { ...context, signal } }));
    return { name, ...(await Promise.race([looked, whenAborted(signal)])) };
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    return { name, ...(late.signal.aborted ? unknown(`gave no answer within ${limit / 1000} s`) : findingOf(error)) };
  } finally {
    clearTimeout(timer);
  }
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** Why a check with that need cannot be made; undefined when it can. */
export function whatIsMissing(need: Need, facts: Facts): string | undefined {
  const order: Need[] = ['nothing', 'engine', 'manager', 'leader'];
  const needs = (step: Need) => order.indexOf(need) >= order.indexOf(step);
  if (needs('engine') && !facts.version) return 'the Docker Engine does not answer';
  if (needs('manager') && !facts.nodes && facts.nodesFault?.code !== 'SWARM_NO_LEADER')
    return 'this Engine is not a manager of a Swarm';
  if (needs('leader') && !facts.nodes) return 'the Swarm has no leader';
  return undefined;
}
