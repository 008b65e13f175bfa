import type { Destination, ProxyOptions } from '../../runner/labels/description';
import { door, service, task } from './support';

/** A door to one service, and the service's task. */
export async function one(
  t: Parameters<typeof task>[0],
  part: Partial<Destination>,
  proxy: Partial<ProxyOptions> = {},
  more: Parameters<typeof door>[2] = {},
) {
  const { port, asked } = await task(t, 'task');
  const opened = await door(t, [service('shop', [{ port, ...part }], proxy)], more);
  return { ...opened, asked };
}

/** The header with a name and a password. */
export const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});
