#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import path from 'node:path';

declare const HOMEOSTAT_VERSION: string | undefined;

const version =
  typeof HOMEOSTAT_VERSION === 'string'
    ? HOMEOSTAT_VERSION
    : (JSON.parse(readFileSync(path.join(__dirname, '../package.json'), 'utf8')) as { version: string }).version;

/** The compiled runner that goes into images: itself, or the committed build when run from source. */
const runnerFile = __filename.endsWith('.ts')
  ? path.join(__dirname, '../resources/homeostat/homeostat.cjs')
  : __filename;

/**
 * Jenkins gives a stopped process five seconds; the rest is done by `homeostat cleanup`. An agent bounds by itself how
 * long its engine may finish what is in flight.
 */
const stopWithin = process.argv[2] === 'agent' ? 3_600_000 : 4000;

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  if (argv[0] === '--version' || argv[0] === 'version') {
    process.stdout.write(`${version}\n`);
    return;
  }
  // docker-modem prints request headers, credentials among them, when DEBUG is set.
  delete process.env.DEBUG;
  const [{ systemClock }, { createLogger }, { createMasker, secretsOf }, { HomeostatError }, { runCommandLine }] =
    await Promise.all([
      import('./common/clock'),
      import('./common/log'),
      import('./common/mask'),
      import('./common/errors'),
      import('./commands/cli'),
    ]);
  // A reader that went away, such as `| head`, is no reason to crash.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) return;
      stop.abort(new HomeostatError('STOPPED', `stopped by ${signal}`));
      setTimeout(() => process.exit(143), stopWithin).unref();
    });
  }
  const masker = createMasker(secretsOf(process.env));
  const exitCode = await runCommandLine(argv, {
    env: { ...process.env },
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    clock: systemClock,
    log: createLogger(process.stderr, masker, { debug: argv.includes('--debug') }),
    masker,
    signal: stop.signal,
    runnerFile,
    version,
  });
  process.exitCode = stop.signal.aborted ? 143 : exitCode;
  await flush();
  process.exit();
}

/** Output to a pipe is asynchronous; exiting at once would lose its end. */
async function flush(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve));
  }
}

void main();
