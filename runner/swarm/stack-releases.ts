import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import type { SwarmEvent } from './events';
import { listRecords, recordName } from './store';

/** Milliseconds after which all is read again, should an event be lost: releases hold the specs of their services, which are large. */
const oldest = 600_000;
const released = /^(homeostat-release-[0-9a-f]+)-(\d+)$/;

/** The number of the release that each stack runs: read once, and then known by the names of new records. */
export class StackReleases {
  /** By the stack's name; another object where one has changed. */
  releases: ReadonlyMap<string, string> = new Map();
  private readAt = -Infinity;

  constructor(
    private readonly engine: Engine,
    private readonly context: Context,
  ) {}

  /** Takes in an event of a config object. */
  told({ type, action, name }: Pick<SwarmEvent, 'type' | 'action' | 'name'>): void {
    const [, begin, number] = released.exec(name) ?? [];
    if (type !== 'config' || begin === undefined || number === undefined) return;
    const stack = [...this.releases.keys()].find((each) => recordName('release', each) === begin);
    if (stack !== undefined && action === 'create') this.releases = new Map(this.releases).set(stack, number);
    else if (stack === undefined || this.releases.get(stack) === number) this.readAt = -Infinity;
  }

  /** Reads what is not known; nothing as a rule. @throws ENGINE_UNREACHABLE, ENGINE_FAILED */
  async look(): Promise<void> {
    const now = this.context.clock.monotonic();
    if (now - this.readAt < oldest) return;
    const records = await listRecords(this.engine, { kind: 'release' }, this.context);
    this.readAt = now;
    const found = new Map<string, string>();
    for (const { labels } of records) {
      const { stack = '', number = '' } = labels;
      if (!(Number(found.get(stack)) >= Number(number))) found.set(stack, number);
    }
    const same =
      found.size === this.releases.size && [...found].every(([stack, number]) => this.releases.get(stack) === number);
    if (!same) this.releases = found;
  }
}
