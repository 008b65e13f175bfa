import { gauge, type Family } from '../common/metrics';
import type { ServiceFacts, UpdateFacts } from '../swarm/facts';

/** Milliseconds for which alerts stay silent after a rollout: figures over a minute are still shaped by it. */
const calm = 60_000;

const going = new Set(['updating', 'rollback_started']);

/** A paused rollout has neither ended nor goes on: whoever waits for its end would be silent for ever. */
const isGoing = ({ state }: UpdateFacts) => going.has(state);

const endOf = ({ completedAt }: UpdateFacts): number => Date.parse(completedAt ?? '') || -Infinity;

/**
 * Metrics of rollouts, which change with time.
 * @param now milliseconds since 1970
 * @returns with the time until which they are right while the services stay the same
 */
export function rolloutFamilies(services: ServiceFacts[], now: number): { families: Family[]; until: number } {
  let until = Infinity;
  const updating: Family['samples'] = [];
  const started: Family['samples'] = [];
  for (const { name, stack, update } of services) {
    const labels = { service: name, stack: stack ?? '' };
    const calmAt = update && !isGoing(update) ? endOf(update) + calm : -Infinity;
    if (calmAt > now) until = Math.min(until, calmAt);
    const isUpdating = update !== undefined && (isGoing(update) || calmAt > now);
    updating.push({ labels, value: isUpdating ? 1 : 0 });
    const begin = update && isGoing(update) ? Date.parse(update.startedAt) : NaN;
    if (!Number.isNaN(begin)) started.push({ labels, value: begin / 1000 });
  }
  return {
    families: [
      gauge('homeostat_service_updating', '1 from the begin of a rollout until a minute after its end.', updating),
      gauge('homeostat_service_update_started_seconds', 'Time at which a rollout that goes on was begun.', started),
    ],
    until,
  };
}
