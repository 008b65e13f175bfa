import type { Clock } from '../common/clock';
import { messageOf } from '../common/errors';
import type { Logger } from '../common/log';
import { discardable } from './builds';
import { executeBuild, hasNews, newCookie, type Executor } from './execute';
import type { Build, Cause, Job, QueueItem, Result } from './model';
import { chooseNext } from './queue';
import { recover } from './recover';
import type { JobStore } from './store';
import { WaitingRoom, type Submission, type Waiting, type Wish } from './waiting-room';

/** What became of an item that left the queue. */
export type Left = { job: string; number: number } | { job: string; cancelled: true };

/** Milliseconds after which a start that failed (a full disk) is tried again. */
const retryPause = 10_000;
/** Milliseconds for which an item that was not built can still be asked for, as in Jenkins. */
const rememberCancelled = 300_000;
/** Milliseconds that a timer can hold. */
const longestTimer = 2 ** 31 - 1;

/** The queue and the builds: what is asked for is on disk before it is confirmed, and runs once. */
export class JobEngine {
  private readonly queue: WaitingRoom;
  private readonly builds = new Map<string, Build[]>();
  private readonly left = new Map<number, Left>();
  private readonly running = new Map<string, { done: Promise<void>; stop: AbortController; build?: Build }>();
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly store: JobStore;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly jobs: ReadonlyMap<string, Job>,
    private readonly executors: number,
    private readonly executor: Executor,
  ) {
    ({ clock: this.clock, log: this.log } = executor.context);
    this.store = executor.store;
    this.queue = new WaitingRoom(this.store, this.clock, () => this.work());
  }

  /** Takes up what is on disk and settles what was interrupted; to be called once, before anything else. */
  async recover(): Promise<void> {
    const found = await recover(this.executor, this.jobs);
    for (const [name, builds] of found.builds) {
      this.builds.set(name, builds);
      for (const build of builds) this.left.set(build.queueId, { job: name, number: build.number });
    }
    this.queue.restore(found.items);
    for (const [job, cleaning] of found.cleaning) this.occupy(job, new AbortController(), cleaning);
  }

  /** Queues a build, or joins it to an equal one that waits. Resolves when it is on disk. */
  submit = (job: Job, cause: Cause, wanted: Wish): Promise<Submission> => this.queue.submit(job, cause, wanted);

  /** Stops a running build; one that has ended stays as it is. */
  stop(build: Build, user: string): void {
    const run = this.running.get(build.job);
    if (run?.build === build) run.stop.abort(new Error(`Aborted by ${user}`));
  }

  /** Resolves when all running builds have ended; the executor's shutdown signal tells them to. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    await Promise.all([...this.running.values()].map((run) => run.done));
    await this.queue.settled();
  }

  get busyJobs(): ReadonlySet<string> {
    return new Set(this.running.keys());
  }

  buildsOf = (job: string): readonly Build[] => this.builds.get(job) ?? [];
  itemsOf = (job?: string): readonly QueueItem[] => this.queue.all(job);
  item = (id: number): QueueItem | undefined => this.queue.get(id);
  leftItem = (id: number): Left | undefined => this.left.get(id);
  nextBuildNumber = (job: string): Promise<number> => this.store.nextBuildNumber(job);

  /** Starts what can start now, and sets the alarm for what is due later. */
  work(): void {
    if (this.executor.shutdown.aborted) return;
    clearTimeout(this.timer);
    const now = this.clock.now().getTime();
    const candidates = this.queue.startable().filter((item) => this.jobs.has(item.job));
    const { start, wakeAt } = chooseNext(candidates, this.busyJobs, this.executors, now);
    for (const item of start) {
      item.leaving = true;
      const stop = new AbortController();
      this.occupy(item.job, stop, this.leaveQueue(item, stop));
    }
    if (wakeAt !== undefined) this.timer = setTimeout(() => this.work(), Math.min(wakeAt - now, longestTimer));
  }

  private occupy(job: string, stop: AbortController, work: Promise<unknown>): void {
    const done = work
      .catch((error: unknown) => this.log.error(`the job ${job}: ${messageOf(error)}`))
      .then(() => {
        this.running.delete(job);
        this.work();
      });
    this.running.set(job, { done, stop });
  }

  private async leaveQueue(item: Waiting, stop: AbortController): Promise<void> {
    const job = this.jobs.get(item.job)!;
    let build: Build | undefined;
    try {
      // A request that could not join is told so; what was on disk before still is.
      await item.saved.catch(() => undefined);
      build = await this.makeBuild(item, job);
    } catch (error) {
      item.leaving = false;
      if (this.executor.shutdown.aborted) return;
      item.due = this.clock.now().getTime() + retryPause;
      throw error;
    }
    if (build) await this.run(job, build, stop);
  }

  /** The record of the build is on disk before the item is gone, and the process starts after that. */
  private async makeBuild(item: Waiting, job: Job): Promise<Build | undefined> {
    const builds = this.builds.get(item.job) ?? [];
    const branch = item.revision?.branch;
    const last = builds.findLast(
      (build) => build.commit !== undefined && (branch === undefined || build.branch === branch),
    );
    if (job.kind === 'pipeline' && !(await hasNews(this.executor, job, item, last))) {
      await this.store.removeItem(item.id);
      this.log.info(`${item.job}: nothing new on ${branch ?? 'its branch'}, not built`);
      return this.forget(item, { job: item.job, cancelled: true });
    }
    if (this.executor.shutdown.aborted) throw this.executor.shutdown.reason;
    const { parameters, revision, causes } = item;
    const number = await this.store.takeBuildNumber(item.job);
    const build: Build = {
      ...{ job: item.job, number, queueId: item.id, parameters, ...(revision ? { revision } : {}), causes },
      ...{ cookie: newCookie(), started: this.clock.now().getTime() },
    };
    try {
      await this.store.saveBuild(build);
      await this.store.removeItem(item.id);
    } catch (error) {
      await this.store.removeBuild(item.job, number).catch(() => undefined);
      throw error;
    }
    builds.push(build);
    this.builds.set(item.job, builds);
    this.forget(item, { job: item.job, number });
    return build;
  }

  private forget(item: Waiting, left: Left): undefined {
    this.queue.delete(item.id);
    this.left.set(item.id, left);
    if ('cancelled' in left) setTimeout(() => this.left.delete(item.id), rememberCancelled).unref();
  }

  private async run(job: Job, build: Build, stop: AbortController): Promise<void> {
    this.running.get(job.name)!.build = build;
    this.log.info(`${build.job} #${build.number} started`);
    // The record in memory gets its result only when the disk has it.
    const draft = { ...build };
    await executeBuild(this.executor, job, draft, stop.signal, async () => {
      await this.store.saveBuild(draft);
      Object.assign(build, draft);
    });
    try {
      await this.store.saveBuild(draft);
    } finally {
      Object.assign(build, draft);
      this.log.info(`${build.job} #${build.number} ended: ${draft.result as Result}`);
    }
    await this.discard(job);
  }

  private async discard(job: Job): Promise<void> {
    const builds = this.builds.get(job.name) ?? [];
    for (const build of discardable(builds, job.keep, this.clock.now().getTime())) {
      builds.splice(builds.indexOf(build), 1);
      this.left.delete(build.queueId);
      await this.store.removeBuild(build.job, build.number);
    }
  }
}
