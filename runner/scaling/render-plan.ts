import { formatDuration } from '../common/duration';
import { wishText } from './decide';
import type { ScalePlan } from './scale';

/** What counts for a service and what would become of requests, as a person reads it. */
export function renderPlan(plans: ScalePlan[]): string {
  const { live, limits, rules, changes, decisions } = plans[0]!;
  const { minimum, maximum, cooldown, stepLimit } = limits;
  const lines = [
    `${live.service}: ${live.replicas} replicas, ${live.running} run (nothing was changed)`,
    `limits ${minimum} to ${maximum}${stepLimit === undefined ? '' : `, at most ${stepLimit} at once`}; after a change up waits ${formatDuration(cooldown.up)}, down ${formatDuration(cooldown.down)}`,
    ...rules.map(
      ({ direction, upTo, author, until }) =>
        `standing rule of ${author}: ${direction} to ${upTo} until ${time(until)}`,
    ),
  ];
  for (const { decision, guards, request } of plans) {
    lines.push('', `${wishText(request)}: ${outcome(decision)}`);
    for (const { guard, passes, text } of guards) lines.push(`  ${passes ? '✓' : '✗'} ${guard.padEnd(8)} ${text}`);
  }
  if (changes.length > 0) lines.push('', 'changes, newest first');
  for (const { at, from, to, by, reason } of changes.slice(0, 10))
    lines.push(`  ${time(at)}  ${from} → ${to}  ${by}: ${reason}`);
  if (decisions.length > 0) lines.push('', 'what was not done, newest first');
  for (const { at, verdict, reason, times } of decisions)
    lines.push(`  ${time(at)}  ${verdict}${times > 1 ? ` ${times} times` : ''}: ${reason}`);
  return lines.join('\n');
}

function outcome(decision: ScalePlan['decision']): string {
  const { verdict, from } = decision;
  if (verdict === 'scale') return `it would be scaled ${from} → ${decision.to}`;
  if (verdict === 'ask') return `people would be asked whether ${from} → ${decision.wanted} may be`;
  return verdict === 'none' ? 'nothing would be done' : `${verdict}: ${decision.reason}`;
}

const time = (milliseconds: number) => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
