/** What decides how many tasks a service may have at once. */
export interface SlotFacts {
  /** Tasks that are wanted now; nodes that may run one, for a global service. */
  replicas?: number | undefined;
  /** Most replicas that scaling may reach. */
  maximum?: number | undefined;
  /** Tasks that an update replaces at once; 0 means all. */
  parallelism?: number | undefined;
  startFirst: boolean;
}

/** Docker Flow's maximum where a service does not say one; so a service without limits may be scaled by hand, too. */
const usualMaximum = 5;

/**
 * Servers to have room for, so that neither scaling nor an update needs a reload: the most tasks there may be, those
 * that run beside them during an update, and two to spare for a task that is being replaced. Rounded up to the next
 * multiple of four, so that a service without a maximum may grow a little, too.
 */
export function slotsFor({ replicas = 1, maximum = usualMaximum, parallelism = 1, startFirst }: SlotFacts): number {
  const most = Math.max(1, replicas, maximum);
  const surge = startFirst ? (parallelism === 0 ? most : Math.min(most, parallelism)) : 0;
  return Math.ceil((most + surge + 2) / 4) * 4;
}
