import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { stackLease, takeLease, type Lease } from '../swarm/lease';

/**
 * Does some work while nobody else changes these stacks: neither a deploy nor the autoscaler.
 * @throws LEASE_HELD
 */
export async function withStacks<T>(
  engine: Engine,
  stacks: Iterable<string>,
  what: string,
  work: (context: Context) => Promise<T>,
  context: Context,
): Promise<T> {
  const leases: Lease[] = [];
  try {
    // In one order, so that two who want several never wait for each other.
    for (const stack of [...new Set(stacks)].sort())
      leases.push(await takeLease(engine, stackLease(stack), what, context));
    const signal = AbortSignal.any([context.signal, ...leases.map((lease) => lease.signal)]);
    return await work({ ...context, signal });
  } finally {
    await Promise.all(leases.map((lease) => lease.release()));
  }
}
