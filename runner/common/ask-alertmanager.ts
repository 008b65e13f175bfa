import type { Context } from './context';
import { limited } from './limited';

/**
 * What Alertmanager answers at a path below `/api/v2/`.
 * @param milliseconds that it has for its answer
 * @throws what axios says, and a TimeoutError
 * @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export async function askAlertmanager<T>(
  url: string,
  path: string,
  milliseconds: number,
  { signal }: Pick<Context, 'signal'>,
): Promise<T> {
  const { default: axios } = await import('axios');
  return limited(
    signal,
    milliseconds,
    async (within) => (await axios.get<T>(`${url}/api/v2/${path}`, { signal: within, proxy: false })).data,
  );
}
