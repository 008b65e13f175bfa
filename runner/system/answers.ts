import axios from 'axios';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';

const limit = 30_000;
const pause = 200;

/**
 * Waits until the registry is reached through the door: 401 is an answer, too.
 * @throws SYSTEM_FAILED
 */
export async function registryAnswers(address: string, { clock, signal }: Context): Promise<void> {
  const start = clock.monotonic();
  for (;;) {
    try {
      await axios.get(`http://${address}/v2/`, { timeout: 2000, proxy: false, signal, validateStatus: () => true });
      return;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (clock.monotonic() - start > limit)
        fail('SYSTEM_FAILED', `the registry is not reached at ${address}`, {
          cause: messageOf(error),
          remedy: 'Look at the log of the proxy: `docker service logs homeostat-proxy_proxy`.',
        });
    }
    await clock.sleep(pause, signal);
  }
}
