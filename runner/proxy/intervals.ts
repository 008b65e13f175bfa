import { byAge } from './claims';
import type { ProxiedService } from './model';

/** How often HAProxy looks, in milliseconds. */
export interface Intervals {
  /** Between two questions for the tasks of one service. */
  resolve: number;
  /** The same for the newest services, whose first task is waited for. */
  resolveNewest: number;
  /** Between two checks of a task that is well. */
  check: number;
  /** Between two checks of a task that changes its state or is down. */
  downCheck: number;
}

/** Name of the section by which the newest services are asked for. */
export const newestResolvers = 'docker-newest';

/** Services that count as new: more are hardly begun at one time by people. */
const mostNew = 8;

/**
 * The services that are asked for more often, where there are so many that the others are asked for less. It follows from
 * the services alone, and changes only when one comes or goes, which changes the configuration in any case.
 */
export const newestOf = (services: ProxiedService[]): ReadonlySet<ProxiedService> =>
  new Set(services.length > mostNew ? [...services].sort(byAge).slice(-mostNew) : []);

const between = (lowest: number, value: number, highest: number) =>
  Math.min(highest, Math.max(lowest, Math.round(value)));

/**
 * Intervals that keep an idle proxy cheap, however many services there are. Measured on HAProxy 3.0, one task a service,
 * on a busy machine: a question to the name server costs up to 30 us, a check by HTTP up to 280 us. So 3 ms a service
 * make 333 questions a second (1 % of a core), the newest 80 more (0.2 %), and 100 ms a backend 10 checks a second for
 * each task that a service has (0.3 %). Below nine services a question every 25 ms is cheap enough. From 250 services on
 * questions grow again, for a task that scaling adds should not wait long for its first request. Checks can be rare: who
 * asks notices first, and the Swarm checks as well.
 * @param services names that are resolved
 * @param backends backends whose tasks are checked
 */
export const intervalsFor = (services: number, backends: number): Intervals => ({
  resolve: between(25, 3 * services, 750),
  resolveNewest: between(25, 3 * services, 100),
  check: between(1000, 100 * backends, 10_000),
  downCheck: between(200, 4 * backends, 2000),
});
