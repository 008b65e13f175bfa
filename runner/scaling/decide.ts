import { guardsInOrder, type Finding, type View } from './decide-guards';
import { aimOf, boundsOf, withinBounds } from './decide-target';
import type { Decision, Facts, GuardName, ScaleRequest, Wish } from './model';

/** What one guard sees, for people. */
export interface Explained {
  guard: GuardName;
  passes: boolean;
  text: string;
}

const viewOf = (facts: Facts): View => ({ ...facts, aim: aimOf(facts), bounds: boundsOf(facts) });

/**
 * Decides what becomes of a request: pure, so that the same facts give the same decision. The first guard that stops it
 * counts; where none does, it is scaled within the limits.
 */
export function decide(facts: Facts): Decision {
  const view = viewOf(facts);
  const from = facts.live.replicas;
  for (const [guard, judge] of guardsInOrder) {
    const finding = judge(view);
    if (finding.stops) return stopped(view, guard, finding);
  }
  const to = facts.request.origin === 'answer' ? view.aim.wanted : withinBounds(view.aim, from, view.bounds);
  return { verdict: 'scale', from, to, reason: reasonOf(view, to) };
}

function stopped({ live, aim, bounds, request }: View, guard: GuardName, { stops, text }: Finding): Decision {
  const from = live.replicas;
  if (stops === 'none') return { verdict: 'none', from, reason: text };
  if (stops === 'ask') return { verdict: 'ask', from, wanted: aim.wanted, limit: bounds.maximum, reason: text };
  const lasting = guard === 'service' || request.origin !== 'alert';
  return { verdict: lasting ? 'refuse' : 'hold', from, guard, reason: text };
}

/** Every guard's finding, also of those behind one that stops: what `--explain` tells. */
export function explain(facts: Facts): Explained[] {
  const view = viewOf(facts);
  const explained: Explained[] = [];
  for (const [guard, judge] of guardsInOrder) {
    const { stops, text } = judge(view);
    explained.push({ guard, passes: !stops, text });
    // Without a direction the others have nothing to look at.
    if (guard === 'service' && stops) break;
  }
  return explained;
}

function reasonOf({ live, bounds, request, aim }: View, to: number): string {
  const limited = to === aim.wanted ? '' : `, as far as its limits go`;
  const beyond = bounds.widened.find(({ direction, upTo }) =>
    direction === 'up' ? aim.direction === 'up' && to <= upTo : aim.direction === 'down' && to >= upTo,
  );
  const rule = beyond ? `, which the standing rule of ${beyond.author} allows` : '';
  return `${live.replicas} → ${to}: ${wishText(request)}${limited}${rule}`;
}

/** A request in words. */
export function wishText({ wish, origin, by }: Pick<ScaleRequest, 'wish' | 'origin' | 'by'>): string {
  const who = origin === 'alert' ? 'an alert asks for' : `${by} ${origin === 'answer' ? 'decided on' : 'asks for'}`;
  return `${who} ${amountText(wish)}`;
}

function amountText(wish: Wish): string {
  if (wish.kind === 'number') return String(wish.replicas);
  if (wish.kind === 'difference') return `${Math.abs(wish.difference)} ${wish.difference > 0 ? 'more' : 'fewer'}`;
  const step =
    wish.by === undefined ? 'a step' : wish.by.unit === 'percent' ? `${wish.by.amount} %` : `${wish.by.amount}`;
  return `${step} ${wish.direction}`;
}
