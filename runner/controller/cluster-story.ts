import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import type { Family } from '../common/metrics';
import { ClusterMetrics } from '../exporter/cluster-metrics';
import { listHolds } from '../scaling/holds';
import type { SwarmListing } from '../swarm/facts';
import type { SwarmEvent } from '../swarm/events';
import { StackReleases } from '../swarm/stack-releases';
import { countFailures, TaskFailures } from '../swarm/task-failures';
import type { Controller } from './controller';

/** Milliseconds. */
const holdsOldest = 10_000;

/** The metrics of the cluster, as the controller sees it. */
export class ClusterStory {
  private readonly metrics = new ClusterMetrics();
  private readonly failures: TaskFailures;
  private readonly releases: StackReleases;
  private listing: SwarmListing | undefined;
  /** Services that people keep from being scaled; the same object as long as they are. */
  private holds: { service: string; direction: string }[] = [];
  private heldAt = -Infinity;

  constructor(
    private readonly controller: Controller,
    private readonly engine: Engine,
    private readonly context: Context,
  ) {
    this.failures = new TaskFailures(context.clock.now().getTime());
    this.releases = new StackReleases(engine, context);
  }

  /** Looks which tasks run, and counts those that have failed. @throws what the Engine says */
  async look(): Promise<void> {
    await this.controller.lookAtTasks();
    const listing = this.current();
    if (listing) await countFailures(this.failures, listing, this.engine, this.context);
    await this.releases.look();
    await this.lookAtHolds();
  }

  /** Takes in an event of the Swarm. */
  told(event: SwarmEvent): void {
    this.releases.told(event);
    if (event.type === 'config') this.heldAt = -Infinity;
  }

  /** Number of the newest release of each stack; another object where one has changed. */
  get releaseNumbers(): ReadonlyMap<string, string> {
    return this.releases.releases;
  }

  families(): Family[] {
    const listing = this.current();
    if (!listing) return [];
    return this.metrics.families(
      {
        listing,
        labels: this.controller.labels,
        failures: this.failures.counts,
        routed: this.controller.routed,
        releases: this.releases.releases,
        holds: this.holds,
      },
      this.context.clock.now().getTime(),
    );
  }

  /** A hold is also over by itself. */
  private async lookAtHolds(): Promise<void> {
    const now = this.context.clock.monotonic();
    if (now - this.heldAt < holdsOldest) return;
    this.heldAt = now;
    const found = await listHolds(this.engine, this.context);
    const holds = found.map(({ service, only }) => ({ service, direction: only ?? 'both' }));
    if (JSON.stringify(holds) !== JSON.stringify(this.holds)) this.holds = holds;
  }

  /** The Swarm with its tasks; the same object as long as neither has changed. */
  private current(): SwarmListing | undefined {
    const { listing, tasks } = this.controller;
    if (!listing || !tasks) return listing;
    if (
      this.listing?.services !== listing.services ||
      this.listing.taskList !== tasks ||
      this.listing.nodes !== listing.nodes
    )
      this.listing = { ...listing, taskList: tasks };
    return this.listing;
  }
}
