import axios from 'axios';
import type { Context } from '../common/context';
import { messageOf } from '../common/errors';
import { Refusal, type RunningEngine } from './engine';
import { EngineProcess, type EngineProgram } from './engine-process';

/** An engine with Prometheus' way of life: it is reloaded by HTTP and tells by HTTP what it runs. */
export interface HttpEngine extends EngineProgram {
  /** Root of its HTTP interface, such as http://127.0.0.1:9093. */
  url: string;
  /** Milliseconds within which a started engine serves. */
  startLimit: number;
  /**
   * Whether it runs the revision, asked again until it does.
   * @returns what is not as it should be, in words; undefined when all is
   * @throws Error where it cannot be asked yet
   */
  unlike: (revision: string, ask: Ask) => Promise<string | undefined>;
}

/** The text at a path of the engine's HTTP interface. @throws Error unless the answer is 200 */
export type Ask = (path: string) => Promise<string>;

/** Milliseconds for one answer, a reload included: the engines read thousands of rules before they answer. */
const answerLimit = 60_000;
/** Milliseconds that a reloaded engine has until it tells that it runs what it was given. */
const reloadLimit = 15_000;
const firstPause = 5;
const longestPause = 250;

/**
 * Starts an engine and waits until it serves the revision.
 * @throws Refusal with its own words when it ends before
 */
export async function startHttpEngine(engine: HttpEngine, revision: string, context: Context): Promise<RunningEngine> {
  const process = new EngineProcess(engine, context);
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const ended = process.ended.then((how) => {
    over.abort(new Refusal([how, complaintsOf(process.said())].filter(Boolean).join('\n')));
    return how;
  });
  try {
    await verify(engine, revision, engine.startLimit, context, signal);
  } catch (error) {
    await process.drain(0);
    throw error;
  }
  return {
    pid: process.pid,
    ended,
    reload: async (next) => {
      await reload(engine, signal);
      await verify(engine, next, reloadLimit, context, signal);
    },
    oldWorkers: () => Promise.resolve(0),
    drain: (milliseconds) => process.drain(milliseconds),
  };
}

async function reload(engine: HttpEngine, signal: AbortSignal): Promise<void> {
  const { status, data } = await request(engine, 'POST', '/-/reload', signal);
  if (status === 200) return;
  throw new Refusal(data.trim() || `${engine.title} answers ${status} to the reload, and says not why`);
}

async function verify(
  engine: HttpEngine,
  revision: string,
  limit: number,
  { clock }: Context,
  signal: AbortSignal,
): Promise<void> {
  const end = clock.monotonic() + limit;
  const ask: Ask = async (path) => {
    const { status, data } = await request(engine, 'GET', path, signal);
    if (status !== 200) throw new Error(`${engine.title} answers ${status} to ${path}`);
    return data;
  };
  for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
    let unlike: string | undefined;
    try {
      unlike = await engine.unlike(revision, ask);
    } catch (error) {
      signal.throwIfAborted();
      unlike = messageOf(error);
    }
    if (unlike === undefined) return;
    if (clock.monotonic() > end) throw new Error(`${engine.title} does not run revision ${revision}: ${unlike}`);
    await clock.sleep(pause, signal);
  }
}

async function request(engine: HttpEngine, method: 'GET' | 'POST', path: string, signal: AbortSignal) {
  try {
    return await axios.request<string>({
      method,
      url: `${engine.url}${path}`,
      signal,
      timeout: answerLimit,
      proxy: false,
      responseType: 'text',
      transformResponse: (data: unknown) => String(data ?? ''),
      validateStatus: () => true,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`${engine.title} gives no answer: ${messageOf(error)}`, { cause: error });
  }
}

/** The value of a metric without labels in Prometheus' text format. */
export function metricOf(text: string, name: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

/** Lines of its log that are errors; the last ones where none is marked so. */
function complaintsOf(text: string): string {
  const lines = text.trim().split('\n');
  const errors = lines.filter((line) => /\blevel=(?:error|ERROR)\b/.test(line));
  return (errors.length > 0 ? errors : lines.slice(-5)).join('\n');
}
