import path from 'node:path';
import fc from 'fast-check';
import type { Clock } from '../../runner/common/clock';
import type { Context, Environment } from '../../runner/common/context';
import { HomeostatError } from '../../runner/common/errors';
import { createLogger } from '../../runner/common/log';
import { createMasker } from '../../runner/common/mask';

/** A clock that goes on only when somebody sleeps. */
export function handMadeClock(): Clock & { slept: number[] } {
  let time = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => new Date(Date.UTC(2026, 0, 1) + time),
    monotonic: () => time,
    async sleep(milliseconds, signal) {
      if (signal?.aborted) throw signal.reason;
      slept.push(milliseconds);
      time += milliseconds;
    },
  };
}

/** A context of the test's own; `told()` is all that went to standard error. */
export function testContext(more: { env?: Environment; cwd?: string } = {}): Context & { told: () => string } {
  let text = '';
  const stream = { write: (written: string) => (text += written) };
  const masker = createMasker();
  return {
    env: { PATH: process.env.PATH, ...more.env },
    cwd: more.cwd ?? '/',
    stdout: { write: () => true },
    stderr: stream,
    clock: handMadeClock(),
    log: createLogger(stream, masker, { debug: true }),
    masker,
    signal: new AbortController().signal,
    runnerFile: path.join(__dirname, '../../resources/homeostat/homeostat.cjs'),
    version: '0.0.0',
    told: () => text,
  };
}

/** The error of the table that the work ends with; anything else is thrown on. */
export async function failureOf(work: () => unknown): Promise<HomeostatError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof HomeostatError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** Holds a property to many examples; fast-check shows the smallest that breaks it. */
export async function holds<Values>(
  t: { pass(message: string): unknown },
  property: fc.IRawProperty<Values>,
  parameters?: fc.Parameters<Values>,
): Promise<void> {
  await fc.assert(property, parameters);
  t.pass('it holds for all examples');
}
