import { randomUUID } from 'node:crypto';
import type { Context } from '../common/context';
import { formatDuration } from '../common/duration';
import { HomeostatError, renderError, toHomeostatError } from '../common/errors';
import { BuildLog } from './build-log';
import { runBuildProcess, type Ending } from './build-process';
import { describeCause } from './causes';
import { checkOut, defaultBranch, listHeads } from './checkout';
import { buildEnvironment, readJobEnvironment } from './environment';
import { gitFor } from './git';
import { endLeftovers } from './leftovers';
import type { Build, Job, PipelineJob, QueueItem, Result } from './model';
import { makeWorkspace, type JobStore } from './store';

/** Milliseconds that a clean-up may take. */
const cleanupLimit = 300_000;

export interface Executor {
  context: Context;
  store: JobStore;
  /** Program that runs the runner. */
  nodeFile: string;
  logLimit: number;
  /** Aborts when the server ends. */
  shutdown: AbortSignal;
  /** Address of a build for people and programs. */
  buildUrl: (build: Build) => string;
}

export const newCookie = () => randomUUID();

/** Milliseconds between SIGTERM and SIGKILL; less when the server ends, which has five seconds in all. */
const grace = (executor: Executor) => (executor.shutdown.aborted ? 1500 : 5000);

/**
 * Runs a build to its end and settles its result in the record, which the caller saves. Never throws.
 * @param saveProgress is awaited before the build's own process starts
 */
export async function executeBuild(
  executor: Executor,
  job: Job,
  build: Build,
  stopped: AbortSignal,
  saveProgress: () => Promise<void>,
): Promise<void> {
  const { context, store } = executor;
  const log = new BuildLog(store.logFile(build.job, build.number), context.masker, executor.logLimit);
  const started = context.clock.monotonic();
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new Error(`Timeout of ${formatDuration(job.timeout)} has been exceeded`)),
    Math.min(job.timeout, 2 ** 31 - 1),
  );
  const signal = AbortSignal.any([stopped, executor.shutdown, limit.signal]);
  let result: Result;
  let launched = false;
  let orderly = false;
  try {
    for (const cause of build.causes) log.line(describeCause(cause));
    const workspace = store.workspace(job.name);
    await makeWorkspace(workspace);
    const jobValues = readJobEnvironment(job, context.masker);
    if (job.kind === 'pipeline') {
      const onOutput = (text: string) => log.line(text.trimEnd());
      const options = { env: context.env, data: store.folder, signal: signal, cookie: build.cookie, onOutput };
      const git = await gitFor(job, options);
      log.line(`Checking out ${job.repository}`);
      Object.assign(build, await checkOut(git, job, workspace, build.revision ?? {}));
      log.line(`Checked out ${build.branch} at ${build.commit}`);
      await saveProgress();
    }
    const args =
      job.kind === 'pipeline'
        ? ['pipeline', '--build', String(build.number), ...job.arguments]
        : [job.command, ...job.arguments];
    launched = true;
    const ending = await launch(executor, build, jobValues, args, log, signal);
    result = signal.aborted ? 'ABORTED' : resultOf(ending);
    orderly = ending.signal === null && ending.code !== 143 && !signal.aborted;
    if (ending.signal !== null && !signal.aborted) log.line(`The process was ended by ${ending.signal}.`);
  } catch (error) {
    result = signal.aborted ? 'ABORTED' : 'FAILURE';
    if (!signal.aborted) log.line(renderError(startError(error)));
  }
  clearTimeout(timer);
  const reason = signal.reason as Error | undefined;
  if (reason) log.line(reason.message);
  const patience = executor.shutdown.aborted ? 0 : 1000;
  await endLeftovers(new Set([build.cookie]), patience, (pause) => context.clock.sleep(pause)).catch(() => 0);
  if (job.kind === 'pipeline' && launched && !orderly) build.cleanup = 'pending';
  if (build.cleanup) await cleanUp(executor, job, build, log);
  build.result = result;
  build.duration = Math.round(context.clock.monotonic() - started);
  log.line(`Finished: ${result}`);
  closeQuietly(log, context);
}

/**
 * Runs the idempotent `homeostat cleanup` for a build that did not end by itself. It stays pending only when the server
 * itself ends meanwhile.
 */
export async function cleanUp(executor: Executor, job: Job, build: Build, log: BuildLog) {
  const limit = AbortSignal.timeout(cleanupLimit);
  const until = AbortSignal.any([limit, executor.shutdown]);
  try {
    const args = ['cleanup', '--build', String(build.number)];
    const jobValues = readJobEnvironment(job, executor.context.masker);
    const ending = await launch(executor, build, jobValues, args, log, until);
    if (executor.shutdown.aborted) return;
    if (ending.code !== 0) warn(`it ended with ${ending.code ?? ending.signal}`);
  } catch (error) {
    if (executor.shutdown.aborted) return;
    warn(startError(error).message);
  }
  delete build.cleanup;

  function warn(why: string) {
    log.line(`The clean-up failed: ${why}`);
    executor.context.log.warn(`the clean-up of ${build.job} #${build.number} failed: ${why}; run it again by hand`);
  }
}

async function launch(
  executor: Executor,
  build: Build,
  jobValues: Record<string, string | undefined>,
  args: string[],
  log: BuildLog,
  signal: AbortSignal,
): Promise<Ending> {
  const { context, store } = executor;
  log.line(`+ homeostat ${args.join(' ')}`);
  const cleaning = args[0] === 'cleanup';
  const env = buildEnvironment(context.env, jobValues, build, {
    buildUrl: executor.buildUrl(build),
    resultFile: store.resultFile(build.job, build.number),
  });
  // A clean-up must not write over the result of the build.
  if (cleaning) delete env.HOMEOSTAT_RESULT;
  return runBuildProcess({
    program: executor.nodeFile,
    args: [context.runnerFile, ...args],
    cwd: store.workspace(build.job),
    env,
    sinks: [log.stream(), log.stream()],
    signal,
    grace: () => grace(executor),
  });
}

/** 0 is a success, 143 is what a command answers that was told to stop. */
export function resultOf(ending: Ending): Result {
  if (ending.code === 0) return 'SUCCESS';
  return ending.code === 143 || ending.signal === 'SIGTERM' ? 'ABORTED' : 'FAILURE';
}

function startError(error: unknown): HomeostatError {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (error instanceof HomeostatError || code === undefined) return toHomeostatError(error);
  return new HomeostatError('CLI_MISSING', 'the build’s process could not be started', { cause: String(error) });
}

function closeQuietly(log: BuildLog, context: Context): void {
  try {
    log.close();
  } catch (error) {
    context.log.warn(`a build log could not be written to the disk: ${String(error)}`);
  }
}

/** Whether a polled item has something new to build. When the remote side cannot be asked, the build shall say why. */
export async function hasNews(executor: Executor, job: PipelineJob, item: QueueItem, last: Build | undefined) {
  if (!item.revision?.onlyIfNew || !last) return true;
  const signal = executor.shutdown;
  try {
    const git = await gitFor(job, { env: executor.context.env, data: executor.store.folder, signal });
    const head = (await listHeads(git, job)).get(item.revision.branch ?? defaultBranch(job));
    return head !== undefined && head !== last.commit;
  } catch (error) {
    if (signal.aborted) throw error;
    return true;
  }
}
