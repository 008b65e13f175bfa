import { Agent, request as httpRequest } from 'node:http';
import type { Context } from '../common/context';
import type { Door } from './traffic';

export interface Load {
  requests: number;
  failed: number;
  /** Milliseconds of the monotonic clock at which each task, by its name, answered for the first time. */
  firstAnswers: Map<string, number>;
}

/** Milliseconds between two sends, and most that a client asks, in requests. */
const tick = 20;
const most = 120_000;
const answerLimit = 15_000;

/** Sends so many requests a second to a door, over connections that stay open, until it is stopped. */
export function startLoad(
  { url, host }: Door,
  rate: number,
  { clock, signal: outer }: Context,
): { load: Load; stop(): Promise<Load> } {
  const load: Load = { requests: 0, failed: 0, firstAnswers: new Map() };
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const stopped = new AbortController();
  const signal = AbortSignal.any([stopped.signal, outer]);
  const begin = clock.monotonic();
  const asked = new Set<Promise<void>>();
  const answer = (text: string) => {
    const task = (JSON.parse(text) as { host: string }).host;
    if (!load.firstAnswers.has(task)) load.firstAnswers.set(task, clock.monotonic());
  };
  const done = (async () => {
    while (!signal.aborted && load.requests < most) {
      const due = Math.min(most, Math.ceil(((clock.monotonic() - begin) / 1000) * rate));
      for (; load.requests < due; load.requests++) {
        const one = ask(agent, url, host)
          .then(answer)
          .catch(() => void load.failed++)
          .finally(() => asked.delete(one));
        asked.add(one);
      }
      await clock.sleep(tick, signal).catch(() => undefined);
    }
    await Promise.all(asked);
    agent.destroy();
    return load;
  })();
  return { load, stop: () => (stopped.abort(new Error('enough')), done) };
}

const ask = (agent: Agent, url: string, host: string) =>
  new Promise<string>((resolve, reject) => {
    const request = httpRequest(url, { agent, headers: { host }, timeout: answerLimit }, (response) => {
      let text = '';
      response
        .setEncoding('utf8')
        .on('error', reject)
        .on('data', (part: string) => (text += part))
        .on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode}`))));
    });
    request
      .on('error', reject)
      .on('timeout', () => request.destroy(new Error('no answer')))
      .end();
  });
