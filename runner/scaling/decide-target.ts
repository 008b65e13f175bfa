import type { Step } from '../labels/description';
import type { Direction, Facts, Limits, Rule } from './model';

/** Where a request leads before any limit: the direction, and the number of replicas. */
export interface Aim {
  direction: Direction | undefined;
  wanted: number;
}

/** Replicas that one step adds or takes away: at least one, and no more than the step limit. */
export function stepOf({ amount, unit }: Step, replicas: number, limit = Infinity): number {
  const size = unit === 'percent' ? Math.ceil((replicas * amount) / 100) : amount;
  return Math.max(1, Math.min(size, limit));
}

/** What the request aims at. Steps and the step limit hold for alerts; a person's number is meant as it is. */
export function aimOf({ live: { replicas }, limits, request: { wish, origin } }: Facts): Aim {
  const wanted = wantedBy(wish, replicas, limits);
  const direction = wanted > replicas ? 'up' : wanted < replicas ? 'down' : undefined;
  if (origin !== 'alert' || limits.stepLimit === undefined) return { direction, wanted };
  const nearest = Math.max(replicas - limits.stepLimit, Math.min(wanted, replicas + limits.stepLimit));
  return { direction, wanted: nearest };
}

function wantedBy(wish: Facts['request']['wish'], replicas: number, { upBy, downBy, stepLimit }: Limits): number {
  if (wish.kind === 'number') return wish.replicas;
  if (wish.kind === 'difference') return Math.max(0, replicas + wish.difference);
  const up = wish.direction === 'up';
  const size = stepOf(wish.by ?? (up ? upBy : downBy), replicas, stepLimit);
  return Math.max(0, up ? replicas + size : replicas - size);
}

export interface Bounds {
  minimum: number;
  maximum: number;
  /** Standing rules that widen a limit. */
  widened: Rule[];
}

/** The limits, widened by the standing rules that hold at this time. */
export function boundsOf({ now, limits, rules }: Pick<Facts, 'now' | 'limits' | 'rules'>): Bounds {
  const holding = rules.filter(({ until }) => until > now);
  const above = holding.filter(({ direction, upTo }) => direction === 'up' && upTo > limits.maximum);
  const below = holding.filter(({ direction, upTo }) => direction === 'down' && upTo < limits.minimum);
  return {
    minimum: Math.min(limits.minimum, ...below.map(({ upTo }) => upTo)),
    maximum: Math.max(limits.maximum, ...above.map(({ upTo }) => upTo)),
    widened: [...above, ...below],
  };
}

/** The aim within the limits; it never turns round: up while above the maximum stays where it is. */
export function withinBounds({ direction, wanted }: Aim, replicas: number, { minimum, maximum }: Bounds): number {
  const clamped = Math.max(minimum, Math.min(wanted, maximum));
  if (direction === 'up') return Math.max(replicas, clamped);
  if (direction === 'down') return Math.min(replicas, clamped);
  return replicas;
}
