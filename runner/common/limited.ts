/**
 * Does some work with a signal that aborts with the outer one, or when the time is over; then its reason is a `TimeoutError`.
 * `AbortSignal.any` of a time-out will not do: Node.js 20 may take the time-out for garbage before its time has come
 * (https://github.com/nodejs/node/issues/57736), and keeps something of each one in the outer signal
 * (https://github.com/nodejs/node/issues/54614).
 * @param milliseconds 0 is no limit
 * @throws what the work does, or the `TimeoutError`
 */
export async function limited<T>(
  outer: AbortSignal | undefined,
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const end = () => ending.abort(outer?.reason);
  if (outer?.aborted) end();
  outer?.addEventListener('abort', end, { once: true });
  const late = new DOMException(`no answer within ${milliseconds / 1000} s`, 'TimeoutError');
  const timer = milliseconds > 0 ? setTimeout(() => ending.abort(late), milliseconds) : undefined;
  try {
    return await work(ending.signal);
  } catch (error) {
    // Others say no more than that they were aborted.
    throw ending.signal.reason === late ? late : error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', end);
  }
}
