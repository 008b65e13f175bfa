import type { ProxySettings } from './model';

/** HAProxy lets this pass between two tries at a server that refuses: the time to connect, and a second at most. */
const pause = ({ timeouts }: ProxySettings): number => Math.min(1000, timeouts.connect);

const fewest = 3;

/**
 * Tries beyond the first one. While a task runs, each goes to another task, since the one that failed is taken out; where
 * none runs, they are what a request waits by.
 */
export const retriesOf = (settings: ProxySettings): number =>
  Math.max(fewest, Math.ceil(settings.waitForTask / pause(settings)));

/**
 * The server that is chosen when no task is there: nothing listens at its address, so HAProxy pauses and tries again, and
 * takes a task as soon as there is one. So a client waits while the only task of a service is replaced, where it would
 * be told 503 otherwise.
 */
export const waitingLines = (settings: ProxySettings): string[] =>
  settings.waitForTask > 0 ? ['server waiting 127.0.0.1:1 no-check backup'] : [];
