import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import type { JenkinsClient } from '../jenkins/client';
import { findService } from '../swarm/services';
import { imageOf } from '../swarm/types';
import { badTrailer, commitAndPush, edit, exampleName, git, type ExampleRepository } from './example';
import { followNext, type BuildResult } from './job-client';
import { startTraffic, type Door, type Traffic } from './traffic';

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
  /** What a client met at the door meanwhile. */
  traffic: Traffic;
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
  jobs: JenkinsClient,
  engine: Engine,
  doors: Door[],
  context: Context,
): Promise<ChapterResult> {
  const { clock, stdout, masker } = context;
  stdout.write(`\n▶ ${chapter.title}\n`);
  await chapter.change?.(repository);
  const before = await runningImage(engine, context);
  const last = await jobs.lastBuild(exampleName);
  const asking = before ? startTraffic(doors, context) : undefined;
  const start = clock.monotonic();
  const commit = await commitAndPush(
    repository,
    chapter.keep ? chapter.message : `${chapter.message}\n\n${badTrailer}`,
    context,
  );
  stdout.write(`  pushed ${commit.slice(0, 12)}\n`);
  const build = await followNext(
    jobs,
    exampleName,
    last,
    (text) => stdout.write(indent(masker(text))),
    buildLimit,
    context,
  );
  const seconds = Math.round((clock.monotonic() - start) / 100) / 10;
  const traffic = asking ? await asking.stop() : await firstAnswers(doors, context);
  const exit = exitOf(build);
  stdout.write(
    `  build ${build.number}: ${build.result}, exit ${exit}, after ${seconds} s; at the door: ${describeTraffic(traffic)}\n`,
  );
  if (!chapter.keep) await git(repository.checkout, ['revert', '--no-edit', 'HEAD'], context);
  check(chapter, build, exit, before, await runningImage(engine, context));
  return { title: chapter.title, build: build.number, exit, seconds, traffic };
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

/** The exit code of the runner: the embedded server tells it, of Jenkins it stands in the error of the step. */
export function exitOf({ document, result, log }: Pick<BuildResult, 'document' | 'result' | 'log'>): number {
  const error = document.error as { exitCode?: number } | undefined;
  if (error?.exitCode !== undefined) return error.exitCode;
  if (result === 'SUCCESS') return 0;
  const told = [...log.matchAll(/^ERROR: homeostat [a-z]+: .*\([A-Z_]+, exit (\d{1,3})\)/gm)].at(-1);
  return told ? Number(told[1]) : 1;
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

/** Traffic in one line: `212 requests, 0 failed, slowest 41 ms; version 1 101 times, version 2 111 times`. */
function describeTraffic({ requests, seen, failures, slowest }: Traffic): string {
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  const reasons = Object.entries(failures).map(([reason, count]) => `${count} ${reason}`);
  const versions = Object.entries(seen).map(([version, count]) => `version ${version} ${count} times`);
  const told = `${requests} requests, ${failed} failed${failed > 0 ? ` (${reasons.join(', ')})` : ''}, slowest ${slowest} ms`;
  return `${told}; answered by ${versions.join(', ') || 'nobody'}`;
}

/** A few requests to a service that was just released for the first time. */
async function firstAnswers(doors: Door[], context: Context): Promise<Traffic> {
  const asking = startTraffic(doors, context);
  await context.clock.sleep(1000, context.signal);
  return asking.stop();
}
