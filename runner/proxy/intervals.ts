import { byAge } from './claims';
import type { ProxiedService } from './model';

/** How often HAProxy looks, in milliseconds. */
export interface Intervals {
  /** Between two questions for the tasks of a service that has some. */
  resolve: number;
  /** The same for a service that has none, whose first task is waited for. */
  resolveAbsent: number;
  /** The same for the newest services. */
  resolveAbsentNewest: number;
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
 * The services whose first task is asked for more often, where there are so many that the others are asked for less. It follows from
 * the services alone, and changes only when one comes or goes, which changes the configuration in any case.
 */
export const newestOf = (services: ProxiedService[]): ReadonlySet<ProxiedService> =>
  new Set(services.length > mostNew ? [...services].sort(byAge).slice(-mostNew) : []);

const between = (lowest: number, value: number, highest: number) =>
  Math.min(highest, Math.max(lowest, Math.round(value)));

/**
 * Intervals that keep an idle proxy cheap, however many services there are. Measured on HAProxy 3.0, one task a service: a
 * question to the name server costs up to 70 us where no two come together, a check by HTTP up to 280 us. So 7.5 ms a service
 * make 133 questions a second (1 % of a core), and 100 ms a backend 10 checks a second for each task that a service has
 * (0.3 %). From 100 services on questions grow again, for a task that scaling adds should not wait long for its first
 * request. Who has no task is asked for more often: that is seldom and passes, and somebody waits. Checks of what is well
 * can be rare: who asks notices first, and the Swarm checks as well. A task that was asked before it listened is down until
 * its next check, so that one comes soon.
 * @param services names that are resolved
 * @param backends backends whose tasks are checked
 */
export const intervalsFor = (services: number, backends: number): Intervals => ({
  resolve: between(25, 7.5 * services, 750),
  resolveAbsent: between(50, 1.5 * services, 750),
  resolveAbsentNewest: between(50, 1.5 * services, 100),
  check: between(1000, 100 * backends, 10_000),
  downCheck: between(100, backends, 1000),
});
