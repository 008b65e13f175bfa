import { BuildLog } from './build-log';
import { cleanUp, type Executor } from './execute';
import { endLeftovers } from './leftovers';
import type { Build, Job, QueueItem } from './model';

export interface Recovered {
  items: QueueItem[];
  builds: Map<string, Build[]>;
  /** Clean-ups that are under way, by job. */
  cleaning: Map<string, Promise<void>>;
}

/**
 * Puts in order what an earlier server left: a build whose item still waits had not started and starts again from the
 * queue; one that ran is settled as ABORTED, its processes are ended, and a pipeline is cleaned up.
 */
export async function recover(executor: Executor, jobs: ReadonlyMap<string, Job>): Promise<Recovered> {
  const { store, context } = executor;
  const items = await store.loadItems();
  const builds = new Map<string, Build[]>();
  for (const name of jobs.keys()) builds.set(name, await store.loadBuilds(name));
  const waiting = new Set(items.map((item) => item.id));
  for (const list of builds.values()) {
    for (const build of list.filter((each) => each.result === undefined && waiting.has(each.queueId))) {
      await store.removeBuild(build.job, build.number);
      list.splice(list.indexOf(build), 1);
    }
  }
  for (const item of items.filter((each) => !jobs.has(each.job)))
    context.log.warn(`queue item ${item.id} waits for the job '${item.job}', which is not in the jobs file`);
  if (items.length > 0) context.log.info(`${items.length} builds wait in the queue`);

  const interrupted = [...builds.values()].flat().filter((build) => build.result === undefined);
  await endLeftovers(new Set(interrupted.map((build) => build.cookie)), 5000, (pause) => context.clock.sleep(pause));
  for (const build of interrupted) await settle(executor, jobs.get(build.job)!, build);
  const cleaning = new Map<string, Promise<void>>();
  for (const [name, list] of builds) {
    const pending = list.filter((build) => build.cleanup === 'pending');
    if (pending.length > 0) cleaning.set(name, cleanAll(executor, jobs.get(name)!, pending));
  }
  return { items, builds, cleaning };
}

async function settle(executor: Executor, job: Job, build: Build): Promise<void> {
  const { store, context } = executor;
  const settled: Build = {
    ...build,
    result: 'ABORTED',
    duration: Math.max(0, context.clock.now().getTime() - build.started),
    ...(job.kind === 'pipeline' && build.commit !== undefined ? { cleanup: 'pending' } : {}),
  };
  withLog(executor, build, (log) => {
    log.line('The job server was stopped while this build ran, so its end is not known.');
    log.line('Finished: ABORTED');
  });
  await store.saveBuild(settled);
  Object.assign(build, settled);
  context.log.warn(`${build.job} #${build.number} was interrupted and is settled as ABORTED`);
}

async function cleanAll(executor: Executor, job: Job, pending: Build[]): Promise<void> {
  for (const build of pending) {
    if (executor.shutdown.aborted) return;
    await withLog(executor, build, (log) => cleanUp(executor, job, build, log));
    await executor.store.saveBuild(build);
  }
}

function withLog<T>(executor: Executor, build: Build, work: (log: BuildLog) => T): T {
  const { store, context } = executor;
  const log = new BuildLog(store.logFile(build.job, build.number), context.masker, executor.logLimit);
  const done = work(log);
  if (done instanceof Promise) return done.finally(() => log.close()) as T;
  log.close();
  return done;
}
