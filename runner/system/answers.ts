import axios from 'axios';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';

const limit = 30_000;
const pause = 200;

/**
 * Waits until something is reached through the door; any status is an answer.
 * @throws SYSTEM_FAILED
 */
export async function answers(what: string, url: string, { clock, signal }: Context): Promise<void> {
  const start = clock.monotonic();
  for (;;) {
    try {
      await axios.get(url, { timeout: 2000, proxy: false, signal, validateStatus: () => true, responseType: 'text' });
      return;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (clock.monotonic() - start > limit)
        fail('SYSTEM_FAILED', `${what} is not reached at ${new URL(url).host}`, {
          cause: messageOf(error),
          remedy: 'Look at the log of the proxy: `docker service logs homeostat-proxy_proxy`.',
        });
    }
    await clock.sleep(pause, signal);
  }
}
