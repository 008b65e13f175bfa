import { Resolver } from 'node:dns/promises';
import type { Clock } from '../../common/clock';

/** Questions under way at the same time. */
const atOnce = 100;

/**
 * IPv4 addresses of host names, asked for all at once; names without an answer within the limit are left out.
 * @param nameServers `address:port` of each; none means those of the system
 * @param limit milliseconds for all together
 */
export async function resolveAll(
  names: string[],
  nameServers: string[],
  limit: number,
  clock: Clock,
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  if (names.length === 0) return found;
  const resolver = new Resolver({ timeout: limit, tries: 1 });
  try {
    if (nameServers.length > 0) resolver.setServers(nameServers);
  } catch {
    return found;
  }
  const waiting = [...new Set(names)];
  let over = false;
  const ask = async () => {
    for (let name = waiting.shift(); name !== undefined && !over; name = waiting.shift()) {
      const addresses = await resolver.resolve4(name).catch(() => []);
      if (addresses.length > 0) found.set(name, addresses);
    }
  };
  const ended = new AbortController();
  const all = Promise.all(Array.from({ length: Math.min(atOnce, waiting.length) }, ask)).finally(() => ended.abort());
  await Promise.race([all, clock.sleep(limit, ended.signal).catch(() => undefined)]);
  over = true;
  resolver.cancel();
  await all;
  return found;
}
