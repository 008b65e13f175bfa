import type { Context } from '../../common/context';
import type { Engine } from '../../common/engine';
import { keepSlackTrouble } from '../slack-trouble';
import type { Mark, Posted, SlackAnswer, SlackApi } from './api';
import { keepDelivery, listOutgoing, type Outgoing } from './outbox';

/** Milliseconds. */
const times = {
  /** Slack takes about one message a second for a channel. */
  between: 1100,
  /** After no answer; doubles up to the longest. */
  pause: 2000,
  longestPause: 60_000,
  /** While a person has to mend something. */
  troublePause: 60_000,
  longestTroublePause: 600_000,
  /** A post that was begun may still be under way. */
  underWay: 10_000,
  /** What is older is no news any more. */
  stale: 24 * 3_600_000,
};

const advice: Record<string, string> = {
  channel_not_found: 'check HOMEOSTAT_SLACK_CHANNEL, and invite the app to the channel',
  not_in_channel: 'invite the app to the channel',
  missing_scope: 'give the app the scopes that docs/people.md lists',
};

/** Brings what people are to be told to Slack: one call at a time, each story and each question as one message. */
export class Courier {
  readonly counts = { sent: 0, failed: 0, stale: 0 };
  /** Messages that are behind, at the last look. */
  waiting = 0;
  /** What a person has to mend. */
  trouble: { error: string; since: string } | undefined;
  private nextAt = -Infinity;
  private failures = 0;
  private blind = false;
  /** What is kept of an earlier process may be over. */
  private kept = false;

  constructor(
    private readonly api: SlackApi,
    private readonly channel: string,
    private readonly engine: Engine,
    private readonly context: Context,
  ) {}

  /** Sends the next message that is due, if any may be sent now. @throws what the Engine says */
  async round(): Promise<void> {
    const { clock } = this.context;
    if (clock.monotonic() < this.nextAt) return;
    const all = await listOutgoing(this.engine, this.context);
    this.waiting = all.length;
    for (const each of all) {
      if (await this.passOver(each)) continue;
      if (this.isUnderWay(each)) continue;
      return this.send(each);
    }
  }

  /** A notice that nobody could be told for a day is left out: it would only alarm. */
  private async passOver(outgoing: Outgoing): Promise<boolean> {
    const age = this.context.clock.now().getTime() - Date.parse(outgoing.createdAt);
    if (outgoing.kind !== 'notice' || outgoing.delivery.ts || age < times.stale) return false;
    await this.keep(outgoing, {});
    this.counts.stale++;
    return true;
  }

  private isUnderWay({ delivery }: Outgoing): boolean {
    const begun = delivery.posting === undefined ? NaN : Date.parse(delivery.posting);
    const age = this.context.clock.now().getTime() - begun;
    return age >= 0 && age < times.underWay;
  }

  private async send(outgoing: Outgoing): Promise<void> {
    const { delivery } = outgoing;
    if (delivery.ts && delivery.channel) return this.edit(outgoing, { channel: delivery.channel, ts: delivery.ts });
    if (delivery.posting && (await this.lookFor(outgoing))) return;
    await this.post(outgoing);
  }

  private async edit(outgoing: Outgoing, posted: Posted): Promise<void> {
    const answer = await this.api.update(posted, outgoing.message, markOf(outgoing));
    if (answer.kind === 'done') await this.keep(outgoing, { ...posted, told: outgoing.revision });
    // Somebody has deleted it: what there is to say is said anew.
    if (answer.kind === 'gone') await keepDelivery(this.engine, outgoing, () => ({}), this.context);
    await this.after(outgoing, answer);
  }

  /** A post that was begun, and whose end nobody knows, may have come through. True when the call was used up. */
  private async lookFor(outgoing: Outgoing): Promise<boolean> {
    const { name, delivery } = outgoing;
    if (this.blind) return false;
    const answer = await this.api.find(this.channel, name, new Date(delivery.posting!));
    if (answer.kind === 'trouble' && answer.error === 'missing_scope') {
      this.blind = true;
      this.context.log.warn(
        'the Slack app may not read the history of its channel: a message whose post got no answer may come twice',
      );
      return false;
    }
    if (answer.kind === 'done' && answer.value) {
      const { channel, ts, revision } = answer.value;
      await this.keep(outgoing, { channel, ts, told: revision });
    }
    if (answer.kind === 'done' && !answer.value) return false;
    await this.after(outgoing, answer);
    return true;
  }

  private async post(outgoing: Outgoing): Promise<void> {
    const posting = this.context.clock.now().toISOString();
    const begun = { ...outgoing, delivery: { posting } };
    if (!(await keepDelivery(this.engine, outgoing, () => ({ posting }), this.context))) return;
    const answer = await this.api.post(this.channel, outgoing.message, markOf(outgoing));
    if (answer.kind === 'done') await this.keep(begun, { ...answer.value, told: outgoing.revision });
    else if (answer.kind !== 'unknown') await keepDelivery(this.engine, begun, () => ({}), this.context);
    await this.after({ ...outgoing, delivery: {} }, answer);
  }

  private async keep(outgoing: Outgoing, delivery: { ts?: string; channel?: string; told?: string }): Promise<void> {
    await keepDelivery(this.engine, outgoing, () => ({ told: outgoing.revision, ...delivery }), this.context);
  }

  /** Decides when the next call may be made, and tells what has to be told of this one. */
  private async after(outgoing: Outgoing, answer: SlackAnswer<unknown>): Promise<void> {
    const { clock, log } = this.context;
    const wait = (milliseconds: number) => (this.nextAt = clock.monotonic() + milliseconds);
    const growing = (first: number, longest: number) => Math.min(longest, first * 2 ** Math.min(this.failures++, 10));
    if (answer.kind === 'limited') return void wait(answer.seconds * 1000);
    if (answer.kind === 'done' || answer.kind === 'gone') {
      this.counts.sent++;
      if (this.failures > 0) log.info('Slack takes messages again');
      this.failures = 0;
      wait(times.between);
      return this.tell(undefined);
    }
    this.counts.failed++;
    if (answer.kind === 'refused') {
      log.error(`Slack takes the message of ${outgoing.name} not at all: ${answer.error}`);
      wait(times.between);
      return this.keep(outgoing, outgoing.delivery.ts ? { ...outgoing.delivery, told: outgoing.revision } : {});
    }
    if (answer.kind === 'trouble') {
      wait(growing(times.troublePause, times.longestTroublePause));
      return this.tell(answer.error);
    }
    if (this.failures === 0) log.warn(`Slack gives no answer, and will be asked again: ${answer.error}`);
    wait(growing(times.pause, times.longestPause));
  }

  /** Tells the log once, and keeps it where `homeostat questions` finds it. */
  private async tell(error: string | undefined): Promise<void> {
    if (this.kept && error === this.trouble?.error) return;
    this.kept = true;
    const since = this.context.clock.now().toISOString();
    this.trouble = error === undefined ? undefined : { error, since };
    const hint = error === undefined ? '' : (advice[error] ?? 'check the token of the app');
    if (error !== undefined) this.context.log.error(`Slack refuses everything: ${error}; ${hint}`);
    await keepSlackTrouble(
      this.engine,
      error === undefined ? undefined : { since, message: `${error}; ${hint}` },
      this.context,
    );
  }
}

const markOf = ({ name, revision }: Outgoing): Mark => ({ record: name, revision });
