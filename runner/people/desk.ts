import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { messageOf } from '../common/errors';
import { counter, gauge, type Family } from '../common/metrics';
import { dueWorks, type Busy, type Executors } from './execute';
import { listUnsettled } from './questions';
import type { PeopleSettings } from './settings';
import { SlackApi } from './slack/api';
import { Courier } from './slack/courier';
import { takeClick, type Click } from './slack/interaction';
import { SignatureCheck, type SignedRequest } from './slack/signature';

/** Milliseconds. */
const interval = 1000;
/** So long the store is not looked at while nothing waits in it, unless the Swarm tells of a change. */
const calm = 10_000;

/** Where people are told, asked and heard: runs all day in the controller. All that it knows is in the Swarm's store. */
export class PeopleDesk {
  private readonly courier: Courier | undefined;
  private readonly api: SlackApi | undefined;
  private readonly check: SignatureCheck | undefined;
  private readonly busy: Busy = new Map();
  private readonly counts = { decided: 0, refused: 0, failed: 0, forged: 0, late: 0, replayed: 0, unreadable: 0 };
  private open = 0;
  /** Questions that are not settled, as of the last look. */
  private unsettled = 0;
  private lookedAt = -Infinity;
  private problem = '';

  constructor(
    settings: PeopleSettings,
    private readonly executors: Executors,
    private readonly engine: Engine,
    private readonly context: Context,
  ) {
    const { slack } = settings;
    if (!slack) return;
    this.api = new SlackApi(slack);
    this.courier = new Courier(this.api, slack.channel, engine, context);
    if (slack.signingSecret) this.check = new SignatureCheck(slack.signingSecret);
  }

  /** Whether clicks in Slack can be taken. */
  get hears(): boolean {
    return this.check !== undefined;
  }

  /** Why a request is not from Slack, or not for the first time; undefined where it is to be taken. */
  refusal(request: SignedRequest): 'forged' | 'late' | 'replayed' | undefined {
    const refused = this.check?.refusal(request, this.context.clock.now().getTime());
    if (refused) this.counts[refused]++;
    return refused;
  }

  /** Something came that was signed and is no click. */
  notUnderstood(): void {
    this.counts.unreadable++;
  }

  /** Takes a click; who sent it has been answered already. Never throws. */
  async take(click: Click): Promise<void> {
    if (!this.api) return;
    this.counts[await takeClick(this.engine, this.api, click, this.context)]++;
    await this.settle().catch((error: unknown) => this.context.log.debug(`later: ${messageOf(error)}`));
  }

  /** Something in the store has changed. */
  told(): void {
    this.lookedAt = -Infinity;
  }

  /** Runs until the signal of the context. */
  async run(): Promise<void> {
    await Promise.all([
      this.repeat(() => this.settle()),
      ...(this.courier ? [this.repeat(() => this.courier!.round())] : []),
    ]);
  }

  families(): Family[] {
    const { courier, counts } = this;
    return [
      gauge('homeostat_questions_open', 'Questions that wait for a person.', [{ labels: {}, value: this.open }]),
      {
        name: 'homeostat_slack_clicks_total',
        type: 'counter',
        help: 'Clicks and other requests at the address for Slack, by what became of them.',
        samples: Object.entries(counts).map(([result, value]) => ({ labels: { result }, value })),
      },
      ...(courier
        ? [
            gauge('homeostat_slack_waiting', 'Messages that Slack has not got yet.', [
              { labels: {}, value: courier.waiting },
            ]),
            gauge('homeostat_slack_trouble', '1 while Slack refuses everything until a person mends it.', [
              { labels: { error: courier.trouble?.error ?? '' }, value: courier.trouble ? 1 : 0 },
            ]),
            counter('homeostat_slack_sent_total', 'Messages that were posted or edited.', courier.counts.sent),
            counter('homeostat_slack_failed_total', 'Calls that Slack did not take.', courier.counts.failed),
            counter(
              'homeostat_slack_stale_total',
              'Notices that were a day old before they could be told.',
              courier.counts.stale,
            ),
          ]
        : []),
    ];
  }

  private async settle(): Promise<void> {
    const now = this.context.clock.monotonic();
    if (this.unsettled === 0 && now - this.lookedAt < calm) return;
    this.lookedAt = now;
    const unsettled = await listUnsettled(this.engine, this.context).catch((error: unknown) => {
      this.told();
      throw error;
    });
    this.unsettled = unsettled.length;
    this.open = unsettled.filter(({ state }) => state.state === 'open').length;
    for (const work of dueWorks(this.engine, unsettled, this.executors, this.context, { busy: this.busy })) void work();
  }

  private async repeat(work: () => Promise<void>): Promise<void> {
    const { clock, signal, log } = this.context;
    while (!signal.aborted) {
      try {
        await work();
        this.problem = '';
      } catch (error) {
        const problem = messageOf(error);
        if (!signal.aborted && problem !== this.problem) log.warn(`people can neither be told nor heard: ${problem}`);
        this.problem = problem;
      }
      await clock.sleep(interval, signal).catch(() => undefined);
    }
  }
}
