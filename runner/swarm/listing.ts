import { createHash } from 'node:crypto';
import { text as readText } from 'node:stream/consumers';
import type { Context } from '../common/context';
import { engineError, requestStream, type Engine } from '../common/engine';
import { limited } from '../common/limited';
import { nodeFacts, taskList, type ListedNode, type ListedService, type SwarmListing, type TaskList } from './facts';
import { ServiceCache } from './service-cache';

/** Milliseconds after which an Engine that has not answered counts as hung. */
const answerLimit = 15_000;

const parts = ['services', 'nodes', 'networks', 'secrets', 'tasks', 'taskList'] as const;

interface Kept {
  digest: string;
  value: unknown;
}

/**
 * Lists the whole Swarm. What has not changed since the last time is the same object again and costs no parsing, so that
 * looking at a quiet Swarm is cheap.
 */
export class SwarmReader {
  private readonly kept = new Map<string, Kept>();
  private readonly services = new ServiceCache();
  private last: SwarmListing | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly context: Context,
    /** `tasks`: list the tasks that are wanted as well. */
    private readonly options: { tasks?: boolean } = {},
  ) {}

  /** @throws ENGINE_UNREACHABLE, SWARM_MISSING, SWARM_NOT_MANAGER, SWARM_NO_LEADER, ENGINE_FAILED; at once, without a second try */
  async list(): Promise<SwarmListing> {
    const [services, nodes, networks, secrets, listed] = await Promise.all([
      this.read('services', '/services', { status: true }, (list: ListedService[]) =>
        this.services.factsOf(list).sort(by('name')),
      ),
      this.read('nodes', '/nodes', {}, (list: ListedNode[]) => list.map(nodeFacts).sort(by('id'))),
      this.read('networks', '/networks', { filters: { scope: ['swarm'] } }, networksOf),
      this.read('secrets', '/secrets', {}, secretsOf),
      this.options.tasks ? this.tasks() : undefined,
    ]);
    // Engines before API 1.41 do not count the tasks of a service.
    const counted = services.every(({ running }) => running !== undefined);
    const tasks = counted ? undefined : (listed ?? (await this.tasks())).counts;
    const next: SwarmListing = {
      ...{ services, nodes, networks, secrets },
      ...(tasks ? { tasks } : {}),
      ...(listed ? { taskList: listed } : {}),
    };
    const same = this.last && parts.every((key) => next[key] === this.last![key]);
    return same ? this.last! : (this.last = next);
  }

  /** The tasks that are wanted. @throws as `list` does */
  tasks(): Promise<TaskList> {
    return this.read('tasks', '/tasks', { filters: { 'desired-state': ['running'] } }, taskList);
  }

  private async read<In, Out>(what: string, path: string, query: object, convert: (list: In) => Out): Promise<Out> {
    const { signal } = this.context;
    let text: string;
    try {
      text = await limited(signal, answerLimit, async (within) =>
        readText(await requestStream(this.engine, 'GET', path, { query: { ...query }, signal: within })),
      );
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw engineError(`listing the ${what}`, error);
    }
    const digest = createHash('sha1').update(text).digest('base64');
    const kept = this.kept.get(path);
    if (kept?.digest === digest) return kept.value as Out;
    const value = convert(JSON.parse(text) as In);
    this.kept.set(path, { digest, value });
    return value;
  }
}

const by =
  <K extends string>(key: K) =>
  (a: Record<K, string>, b: Record<K, string>) =>
    a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0;

const networksOf = (list: { Id: string; Name: string }[]) =>
  list.map(({ Id, Name }) => ({ id: Id, name: Name })).sort(by('id'));

const secretsOf = (list: { Spec: { Name: string } }[]) => list.map(({ Spec }) => Spec.Name).sort();
