import type { Clock } from './clock';
import type { Logger, TextStream } from './log';
import type { Masker } from './mask';

export type Environment = Record<string, string | undefined>;

/** The outside world, handed to everything below main.ts. */
export interface Context {
  env: Environment;
  cwd: string;
  stdout: TextStream;
  stderr: TextStream;
  clock: Clock;
  log: Logger;
  masker: Masker;
  /** Aborts at SIGTERM or SIGINT; the reason is a STOPPED error. */
  signal: AbortSignal;
  /** The compiled runner that is running, or its committed build when run from source: what is put into images. */
  runnerFile: string;
  version: string;
}
