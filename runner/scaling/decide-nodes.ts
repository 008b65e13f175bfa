import type { Direction, Wish } from './model';

export type NodeRole = 'worker' | 'manager';

/** Limits of the number of nodes of a role, and how many come and go at once. */
export interface NodeLimits {
  minimum: number;
  maximum: number;
  upBy: number;
  downBy: number;
}

export interface NodeFacts {
  now: number;
  role: NodeRole;
  /** Nodes of the role that are ready and take tasks. */
  ready: number;
  /** Nodes of the role that are neither ready nor down. */
  unready: number;
  limits: NodeLimits;
  /** Milliseconds that a change needs to show in the load. */
  cooldown: number;
  wish: Wish;
  id?: string | undefined;
  /** Newest first. */
  changes: readonly { at: number; id?: string | undefined }[];
}

export type NodeDecision =
  | { verdict: 'scale'; from: number; to: number; reason: string }
  | { verdict: 'none' | 'hold'; from: number; reason: string };

/** Decides how many nodes of a role there are to be; it stays within the limits and never turns a request round. */
export function decideNodes({
  now,
  role,
  ready,
  unready,
  limits,
  cooldown,
  wish,
  id,
  changes,
}: NodeFacts): NodeDecision {
  const hold = (reason: string): NodeDecision => ({ verdict: 'hold', from: ready, reason });
  const wanted = wantedNodes(wish, ready, limits);
  const direction: Direction | undefined = wanted > ready ? 'up' : wanted < ready ? 'down' : undefined;
  if (!direction) return { verdict: 'none', from: ready, reason: `there are ${ready} ${role}s already` };
  if (unready > 0) return hold(`${unready} ${role}s are not ready, and those come first`);
  const [last] = changes;
  if (id !== undefined && changes.some((change) => change.id === id)) return hold('it was carried out before');
  if (last && now - last.at < cooldown)
    return hold(`nodes were changed ${Math.round((now - last.at) / 60_000)} min ago, and that has to show first`);
  const clamped = Math.max(limits.minimum, Math.min(wanted, limits.maximum));
  const to = direction === 'up' ? Math.max(ready, clamped) : Math.min(ready, clamped);
  if (to === ready)
    return hold(
      `there are ${ready} ${role}s, and ${direction === 'up' ? 'at most' : 'at least'} ${direction === 'up' ? limits.maximum : limits.minimum} are to be`,
    );
  return { verdict: 'scale', from: ready, to, reason: `${role}s ${ready} → ${to}` };
}

function wantedNodes(wish: Wish, ready: number, { upBy, downBy }: NodeLimits): number {
  if (wish.kind === 'number') return wish.replicas;
  if (wish.kind === 'difference') return Math.max(0, ready + wish.difference);
  const given = wish.by?.unit === 'percent' ? Math.ceil((ready * wish.by.amount) / 100) : wish.by?.amount;
  return Math.max(0, wish.direction === 'up' ? ready + (given ?? upBy) : ready - (given ?? downBy));
}
