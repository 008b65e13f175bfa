import type { Context } from '../common/context';
import { messageOf } from '../common/errors';
import { counter, gauge, type Family } from '../common/metrics';
import type { Controller } from './controller';
import type { EventFollower } from './follow-events';
import { PassMetrics, type PassResult } from './metrics';

/** How passes go: for the status, the metrics, and one line in the log for each story. */
export class PassStory {
  readonly metrics = new PassMetrics();
  private last: { at: string; result: PassResult; seconds: number } | undefined;
  private good: string | undefined;
  private failing: { since: string; error: string } | undefined;

  constructor(private readonly context: Context) {}

  /** Measures one pass. */
  async measure(pass: () => Promise<boolean>): Promise<boolean> {
    const { clock } = this.context;
    const start = clock.monotonic();
    let result: PassResult = 'failed';
    try {
      const published = await pass();
      result = published ? 'published' : 'unchanged';
      this.good = clock.now().toISOString();
      return published;
    } finally {
      const seconds = (clock.monotonic() - start) / 1000;
      this.last = { at: clock.now().toISOString(), result, seconds: Math.round(seconds * 10_000) / 10_000 };
      this.metrics.observe(result, seconds);
    }
  }

  failed(error: unknown): void {
    const text = describeError(error);
    const { log, clock } = this.context;
    if (!this.failing) log.warn(`the Swarm cannot be read, and what is published stays: ${text}`);
    else log.debug(`the Swarm still cannot be read: ${text}`);
    this.failing = { since: this.failing?.since ?? clock.now().toISOString(), error: text };
  }

  recovered(failures: number): void {
    this.context.log.info(`the Swarm can be read again, after ${failures} tries since ${this.failing?.since}`);
    this.failing = undefined;
  }

  document() {
    return { lastPass: this.last, lastGoodPass: this.good, failing: this.failing };
  }

  families(): Family[] {
    return [
      ...this.metrics.families(),
      gauge('homeostat_controller_failing', '1 while the Swarm cannot be read.', [
        { labels: {}, value: this.failing ? 1 : 0 },
      ]),
      gauge('homeostat_controller_last_good_pass_timestamp_seconds', 'Time of the last pass that succeeded.', [
        { labels: {}, value: this.good ? Date.parse(this.good) / 1000 : 0 },
      ]),
    ];
  }
}

function describeError(error: unknown): string {
  const cause = (error as { causeText?: string }).causeText;
  return `${messageOf(error)}${cause ? ` (${cause})` : ''}`;
}

/** What GET /v1/status answers. */
export function statusDocument(controller: Controller, story: PassStory, events: EventFollower, version: string) {
  const bundles = controller.bundles.list();
  const agents = controller.agents.states(bundles);
  return {
    version,
    ready: controller.ready,
    ...story.document(),
    events: { connected: events.connected, reopened: events.reopened },
    services: countBy(controller.services.map(({ state }) => state)),
    agents: { known: agents.length, behind: agents.filter(({ behind }) => behind).length },
    bundles: bundles.map(({ since, ...bundle }) => ({ ...bundle, since: new Date(since).toISOString() })),
  };
}

/** All of the controller's own metrics. */
export function metricFamilies(
  controller: Controller,
  story: PassStory,
  events: EventFollower,
  polls: number,
): Family[] {
  const bundles = controller.bundles.list();
  const agents = controller.agents.states(bundles);
  const states = countBy(controller.services.map(({ state }) => state));
  return [
    ...story.families(),
    gauge(
      'homeostat_services',
      'Services by state.',
      (['accepted', 'quarantined', 'ignored'] as const).map((state) => ({
        labels: { state },
        value: states[state] ?? 0,
      })),
    ),
    gauge(
      'homeostat_bundle_info',
      'The published revision of each engine and instance.',
      bundles.map(({ engine, instance, revision }) => ({ labels: { engine, instance, revision }, value: 1 })),
    ),
    gauge(
      'homeostat_bundle_blocked',
      '1 where the newest revision was refused and no service can be named for it.',
      bundles.map(({ engine, instance, blocked }) => ({ labels: { engine, instance }, value: blocked ? 1 : 0 })),
    ),
    gauge('homeostat_certificate_expires_seconds', 'Unix time at which a certificate ends.', expiries(controller)),
    counter('homeostat_bundles_published_total', 'Revisions that were published.', controller.bundles.published),
    gauge(
      'homeostat_agents',
      'Agents that run what is published, and those that do not although they have had time to.',
      [false, true].map((behind) => ({
        labels: { state: behind ? 'behind' : 'current' },
        value: agents.filter((agent) => agent.behind === behind).length,
      })),
    ),
    counter('homeostat_agent_refused_total', 'Bundles that agents refused.', controller.agents.refusals),
    gauge('homeostat_controller_polls', 'Agents that wait for a new bundle.', [{ labels: {}, value: polls }]),
    counter('homeostat_events_reopened_total', 'Times that the stream of events was opened anew.', events.reopened),
  ];
}

function countBy<K extends string>(list: K[]): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = {};
  for (const each of list) counts[each] = (counts[each] ?? 0) + 1;
  return counts;
}

const expiries = ({ certificates, descriptions }: Controller) =>
  (certificates?.states(descriptions) ?? []).flatMap(({ name, notAfter }) =>
    notAfter === undefined ? [] : [{ labels: { name }, value: Math.floor(Date.parse(notAfter) / 1000) }],
  );
