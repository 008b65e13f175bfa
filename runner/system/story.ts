import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import { runContainer } from '../swarm/container';
import { findService } from '../swarm/services';
import { imageOf } from '../swarm/types';
import { badTrailer, commitAndPush, edit, exampleName, git, type ExampleRepository } from './example';
import type { BuildResult, JobClient } from './job-client';
import { resource } from './resources';

/** One commit of the story and how it has to end. */
interface Chapter {
  title: string;
  message: string;
  change?: (repository: ExampleRepository) => Promise<void>;
  /** Exit code the build's runner has to end with. */
  exit: number;
  /** The commit stays; a bad one is reverted in the repository afterwards. */
  keep: boolean;
}

export interface ChapterResult {
  title: string;
  build: number;
  exit: number;
  seconds: number;
  /** Answers that a client got meanwhile, by version. */
  seen: Record<string, number>;
  /** Requests of that client that failed, by reason. */
  failures: Record<string, number>;
}

const nextVersion = async (repository: ExampleRepository) => {
  const text = await readFile(path.join(repository.checkout, 'greeting.js'), 'utf8');
  const version = Number(/version = '(\d+)'/.exec(text)?.[1] ?? 0) + 1;
  await edit(repository, 'greeting.js', /version = '\d+'/, `version = '${version}'`);
};

const first: Chapter = {
  title: 'a first commit: built, tested, deployed, answering',
  message: 'A service that greets',
  exit: 0,
  keep: true,
};
const second: Chapter = {
  title: 'a new version: rolled out while a client asks',
  message: 'A new version',
  change: nextVersion,
  exit: 0,
  keep: true,
};
const third: Chapter = {
  title: 'a mistake: its tests fail in the candidate, production is not touched',
  message: 'A mistake in the greeting',
  change: (repository) => edit(repository, 'greeting.js', /`Hello, /, '`Goodbye, '),
  exit: 1,
  keep: false,
};
/** Longer than the candidate lives, shorter than rollout and monitor window together. */
const fallsOverAfter = 12_000;
const fourth: Chapter = {
  title: 'a release that is healthy at first and then falls over: put back',
  message: 'A leak',
  change: (repository) =>
    edit(
      repository,
      'server.js',
      /\nlet stopping = false;\n/,
      `\nlet stopping = false;\nsetTimeout(() => {\n  console.error('out of memory');\n  process.exit(1);\n}, ${fallsOverAfter});\n`,
    ),
  exit: 3,
  keep: false,
};

/** All four at first; later a new version is enough to show that everything works. */
export const chapters = (history: boolean): Chapter[] => (history ? [second] : [first, second, third, fourth]);

const buildLimit = 30_000;

/** Tells a chapter: commits, pushes, follows the build that the push set off, and checks how it ended. */
export async function tell(
  chapter: Chapter,
  repository: ExampleRepository,
  jobs: JobClient,
  engine: Engine,
  client: string,
  context: Context,
): Promise<ChapterResult> {
  const { clock, stdout, masker } = context;
  stdout.write(`\n▶ ${chapter.title}\n`);
  await chapter.change?.(repository);
  const before = await runningImage(engine, context);
  const last = await jobs.lastBuild(exampleName);
  const asking = before ? startClient(engine, client, context) : undefined;
  asking?.done.catch(() => undefined);
  const start = clock.monotonic();
  const commit = await commitAndPush(
    repository,
    chapter.keep ? chapter.message : `${chapter.message}\n\n${badTrailer}`,
    context,
  );
  stdout.write(`  pushed ${commit.slice(0, 12)}\n`);
  const build = await jobs.follow(exampleName, last, (text) => stdout.write(indent(masker(text))), buildLimit);
  const seconds = Math.round((clock.monotonic() - start) / 100) / 10;
  const { seen, failures } = asking ? await asking.stop() : await askOnce(engine, client, context);
  const exit = exitOf(build);
  const versions = Object.entries(seen).map(([version, count]) => `version ${version} ${count} times`);
  stdout.write(
    `  build ${build.number}: ${build.result}, exit ${exit}, after ${seconds} s; a client was answered by ${versions.join(', ') || 'nobody'}, ${describeFailures(failures)}\n`,
  );
  if (!chapter.keep) await git(repository.checkout, ['revert', '--no-edit', 'HEAD'], context);
  check(chapter, build, exit, before, await runningImage(engine, context));
  return { title: chapter.title, build: build.number, exit, seconds, seen, failures };
}

function check(
  chapter: Chapter,
  build: BuildResult,
  exit: number,
  before: string | undefined,
  after: string | undefined,
): void {
  const problem = (text: string) =>
    fail('STORY_FAILED', `${chapter.title}: ${text}`, {
      cause: `build ${build.number} ended with ${exit}`,
      evidence: [JSON.stringify(build.document.error ?? build.document).slice(0, 500)],
    });
  if (exit !== chapter.exit) problem(`exit ${chapter.exit} was expected`);
  if (chapter.exit === 0 && before === after) problem('the new image does not run');
  if (chapter.exit !== 0 && before !== after) problem(`production was changed from ${before} to ${after}`);
}

function exitOf(build: BuildResult): number {
  const error = build.document.error as { exitCode?: number } | undefined;
  return error?.exitCode ?? (build.result === 'SUCCESS' ? 0 : 1);
}

const indent = (text: string) =>
  text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `  │ ${line}\n`)
    .join('');

async function runningImage(engine: Engine, context: Context): Promise<string | undefined> {
  const service = await findService(engine, `${exampleName}_${exampleName}`, context);
  return service && imageOf(service.Spec);
}

function describeFailures(failures: Record<string, number>): string {
  const reasons = Object.entries(failures).map(([reason, count]) => `${count} ${reason}`);
  return reasons.length === 0 ? 'no request failed' : `failed: ${reasons.join(', ')}`;
}

interface Asked {
  seen: Record<string, number>;
  failures: Record<string, number>;
}

const askingLimit = 240;

/** A client on the service's network that asks until it is stopped. */
function startClient(engine: Engine, image: string, context: Context) {
  const stop = new AbortController();
  const done = ask(engine, image, askingLimit, context, stop.signal);
  return { done, stop: () => (stop.abort(), done) };
}

const askOnce = (engine: Engine, image: string, context: Context) => ask(engine, image, 2, context);

async function ask(
  engine: Engine,
  image: string,
  seconds: number,
  context: Context,
  enough?: AbortSignal,
): Promise<Asked> {
  const result = await runContainer(
    engine,
    {
      name: `homeostat-client-${Math.random().toString(36).slice(2, 8)}`,
      image,
      command: ['node', '/client.js', `http://${exampleName}_${exampleName}:8080/`, String(seconds)],
      environment: {},
      network: `${exampleName}_default`,
      labels: { 'com.homeostat.system': 'client' },
      timeout: (seconds + 15) * 1000,
      files: { '/client.js': Buffer.from(resource(`examples/${exampleName}/client.js`)) },
      ...(enough ? { enough } : {}),
    },
    '/nonexistent',
    { ...context, log: { ...context.log, output: () => undefined } },
  );
  try {
    return JSON.parse(result.output) as Asked;
  } catch {
    return { seen: {}, failures: {} };
  }
}
