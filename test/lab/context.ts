import type { Context } from '../../runner/common/context';
import { systemClock } from '../../runner/common/clock';
import { createLogger } from '../../runner/common/log';
import { createMasker } from '../../runner/common/mask';
import path from 'node:path';

/** A context on the real world whose streams are kept as text. */
export function realContext(overrides: Partial<Context> = {}): Context & { written: () => string } {
  let text = '';
  const stream = { write: (piece: string) => (text += piece) };
  const masker = createMasker();
  return {
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    cwd: process.cwd(),
    stdout: stream,
    stderr: stream,
    clock: systemClock,
    log: createLogger(stream, masker),
    masker,
    signal: new AbortController().signal,
    runnerFile: path.join(__dirname, '../../resources/homeostat/homeostat.cjs'),
    version: '0.0.0-test',
    ...overrides,
    written: () => text,
  };
}
