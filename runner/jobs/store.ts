import { mkdir, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import { fail, messageOf } from '../common/errors';
import type { Logger } from '../common/log';
import { makeFolder, removeDurably, syncFolder, writeDurably } from './durable';
import type { Build, QueueItem } from './model';

/** Queue ids are taken from the disk in blocks, so that they need no write each and are still never given twice. */
const idBlock = 1000;

/**
 * What the job server keeps on disk:
 * `queue/<id>.json`, `jobs/<name>/builds/<n>/{build.json,log,result.json}`, `jobs/<name>/nextBuildNumber`,
 * `workspace/<name>`. A promise that resolves means that the change survives a crash.
 */
export class JobStore {
  private nextId = 0;
  private reservedUntil = 0;
  private reserving: Promise<void> | undefined;

  private constructor(
    readonly folder: string,
    private readonly log: Logger,
  ) {}

  /** @throws JOBS_STORE when the folder cannot be written */
  static async open(folder: string, log: Logger): Promise<JobStore> {
    const store = new JobStore(path.resolve(folder), log);
    try {
      for (const name of ['queue', 'jobs', 'workspace']) await makeFolder(path.join(store.folder, name));
      store.nextId = store.reservedUntil =
        Number(await readFile(store.file('nextQueueId'), 'utf8').catch(() => '1')) || 1;
      await store.reserveIds();
    } catch (error) {
      fail('JOBS_STORE', `the data folder ${store.folder} cannot be used`, { cause: messageOf(error) });
    }
    return store;
  }

  workspace = (job: string) => this.file('workspace', job);
  buildFolder = (job: string, number: number) => this.file('jobs', job, 'builds', String(number));
  logFile = (job: string, number: number) => path.join(this.buildFolder(job, number), 'log');
  resultFile = (job: string, number: number) => path.join(this.buildFolder(job, number), 'result.json');

  async takeQueueId(): Promise<number> {
    while (this.nextId >= this.reservedUntil) {
      await (this.reserving ??= this.reserveIds().finally(() => (this.reserving = undefined)));
    }
    return this.nextId++;
  }

  async takeBuildNumber(job: string): Promise<number> {
    const file = this.file('jobs', job, 'nextBuildNumber');
    await makeFolder(this.file('jobs', job, 'builds'));
    const number = await this.nextBuildNumber(job);
    await writeDurably(file, String(number + 1));
    return number;
  }

  async nextBuildNumber(job: string): Promise<number> {
    const stored = Number(await readFile(this.file('jobs', job, 'nextBuildNumber'), 'utf8').catch(() => '1')) || 1;
    return Math.max(stored, ...(await this.numbers(job)).map((number) => number + 1));
  }

  saveItem(item: QueueItem): Promise<void> {
    return writeDurably(this.file('queue', `${item.id}.json`), JSON.stringify(item));
  }

  removeItem(id: number): Promise<void> {
    return removeDurably(this.file('queue', `${id}.json`));
  }

  /** Items in the order in which they came; what cannot be read is set aside and told. */
  async loadItems(): Promise<QueueItem[]> {
    const items: QueueItem[] = [];
    for (const name of await readdir(this.file('queue'))) {
      if (name.endsWith('.tmp')) await unlink(this.file('queue', name));
      if (!/^\d+\.json$/.test(name)) continue;
      const item = await this.readJson<QueueItem>(this.file('queue', name));
      if (item) items.push(item);
    }
    return items.sort((a, b) => a.id - b.id);
  }

  async saveBuild(build: Build): Promise<void> {
    const folder = this.buildFolder(build.job, build.number);
    await makeFolder(folder);
    await writeDurably(path.join(folder, 'build.json'), JSON.stringify(build));
  }

  async removeBuild(job: string, number: number): Promise<void> {
    const folder = this.buildFolder(job, number);
    // First, so that a crash half way leaves no build without its log.
    await rm(path.join(folder, 'build.json'), { force: true });
    await rm(folder, { recursive: true, force: true });
    await syncFolder(path.dirname(folder));
  }

  /** The builds of a job by number; folders without a record are left-overs of a crash and are removed. */
  async loadBuilds(job: string): Promise<Build[]> {
    const builds: Build[] = [];
    for (const number of await this.numbers(job)) {
      const folder = this.buildFolder(job, number);
      const names = await readdir(folder);
      for (const name of names.filter((each) => each.endsWith('.tmp'))) await unlink(path.join(folder, name));
      const build = names.includes('build.json') && (await this.readJson<Build>(path.join(folder, 'build.json')));
      if (build) builds.push(build);
      else if (!names.some((name) => name.startsWith('build.json'))) await rm(folder, { recursive: true, force: true });
    }
    return builds.sort((a, b) => a.number - b.number);
  }

  private async numbers(job: string): Promise<number[]> {
    const names = await readdir(this.file('jobs', job, 'builds')).catch(() => []);
    return names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
  }

  private async reserveIds(): Promise<void> {
    const until = this.reservedUntil + idBlock;
    await writeDurably(this.file('nextQueueId'), String(until));
    this.reservedUntil = until;
  }

  private async readJson<T>(file: string): Promise<T | undefined> {
    try {
      return JSON.parse(await readFile(file, 'utf8')) as T;
    } catch (error) {
      this.log.error(
        `${file} cannot be read and is set aside as ${path.basename(file)}.unreadable: ${messageOf(error)}`,
      );
      await rename(file, `${file}.unreadable`).catch(() => undefined);
      return undefined;
    }
  }

  private file(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }
}

/** An empty folder for the work of a job, or the one it had. */
export async function makeWorkspace(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
}
