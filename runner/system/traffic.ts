import { request as httpRequest } from 'node:http';
import type { Context } from '../common/context';

/** A way to reach the example. */
export interface Door {
  url: string;
  /** Value of the Host header. */
  host: string;
}

export interface Traffic {
  requests: number;
  /** Answers by the version that gave them. */
  seen: Record<string, number>;
  /** Failed requests by reason. */
  failures: Record<string, number>;
  /** Milliseconds of the slowest answer. */
  slowest: number;
}

const pause = 100;
/** A door holds a request until a task is there again, for ten seconds unless that is set otherwise. */
const answerLimit = 15_000;
/** Longest that a client asks, in requests. */
const most = 3000;

/**
 * A client that asks ten times a second, in turn through each door, over a new connection each time and without ever
 * trying again, until it is stopped.
 */
export function startTraffic(doors: Door[], context: Context): { stop(): Promise<Traffic> } {
  const traffic: Traffic = { requests: 0, seen: {}, failures: {}, slowest: 0 };
  const stopped = new AbortController();
  const signal = AbortSignal.any([stopped.signal, context.signal]);
  const asked: Promise<void>[] = [];
  const done = (async () => {
    while (!signal.aborted && traffic.requests < most) {
      asked.push(askOnce(doors[traffic.requests++ % doors.length]!, traffic, context));
      await context.clock.sleep(pause, signal).catch(() => undefined);
    }
    await Promise.all(asked);
    return traffic;
  })();
  return { stop: () => (stopped.abort(), done) };
}

async function askOnce(door: Door, traffic: Traffic, { clock }: Context): Promise<void> {
  const count = (counts: Record<string, number>, key: string) => (counts[key] = (counts[key] ?? 0) + 1);
  const start = clock.monotonic();
  try {
    const { status, text } = await get(door);
    if (status !== 200) throw new Error(`status ${status}`);
    count(traffic.seen, (JSON.parse(text) as { version: string }).version);
    traffic.slowest = Math.max(traffic.slowest, Math.round(clock.monotonic() - start));
  } catch (error) {
    count(traffic.failures, (error as NodeJS.ErrnoException).code ?? (error as Error).message);
  }
}

const get = ({ url, host }: Door) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const request = httpRequest(url, { agent: false, headers: { host }, timeout: answerLimit }, (response) => {
      let text = '';
      response
        .setEncoding('utf8')
        .on('error', reject)
        .on('data', (part: string) => (text += part))
        .on('end', () => resolve({ status: response.statusCode!, text }));
    });
    request
      .on('error', reject)
      .on('timeout', () => request.destroy(new Error(`no answer within ${answerLimit / 1000} s`)))
      .end();
  });
