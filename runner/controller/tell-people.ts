import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { messageOf } from '../common/errors';
import { listNotices, tellStory, type Story } from '../people/notices';
import { askQuestion, listQuestions } from '../people/questions';
import type { NodeFacts } from '../swarm/facts';
import { clusterTroubles, endOf, troubleKinds, type ClusterView } from './cluster-troubles';

/** Milliseconds. */
const times = {
  /** A node that is lost for longer does not come back by itself, as a rule. */
  askAfter: 5 * 60_000,
  expires: 60 * 60_000,
  /** A node is asked about once in this time. */
  again: 24 * 3_600_000,
};

type Told = Pick<Story, 'story' | 'kind' | 'subject'>;

/** Tells people what is wrong with the cluster, and when it is good again. Who calls never waits for it. */
export class ClusterNotices {
  /** Stories that go on, with the text that was told; undefined until the store was read. */
  private told: Map<string, { story: Told; text: string }> | undefined;
  private readonly lostSince = new Map<string, number>();
  private readonly asked = new Set<string>();
  private next: ClusterView | undefined;
  private running = false;

  constructor(
    private readonly engine: Engine,
    private readonly context: Context,
  ) {}

  /** What the cluster is like now; of views that come while people are being told, only the last counts. */
  look(view: ClusterView): void {
    this.next = view;
    if (this.running) return;
    this.running = true;
    void this.work().finally(() => (this.running = false));
  }

  private async work(): Promise<void> {
    const { log, signal } = this.context;
    while (this.next && !signal.aborted) {
      const view = this.next;
      this.next = undefined;
      try {
        await this.tell(view);
        await this.askAboutNodes(view.nodes);
      } catch (error) {
        if (!signal.aborted) log.debug(`people were not told of the cluster: ${messageOf(error)}`);
      }
    }
  }

  private async tell(view: ClusterView): Promise<void> {
    const told = (this.told ??= await this.earlier(view.scope));
    const troubles = clusterTroubles(view, this.context.clock.now().getTime());
    const now = new Set(troubles.map(({ story }) => story));
    for (const trouble of troubles) {
      const text = JSON.stringify(trouble);
      if (told.get(trouble.story)?.text === text) continue;
      await tellStory(this.engine, trouble, this.context);
      told.set(trouble.story, { story: trouble, text });
    }
    for (const [id, { story }] of told) {
      if (now.has(id)) continue;
      await tellStory(this.engine, endOf(story), this.context, { ifOpen: true });
      told.delete(id);
    }
  }

  /** What an earlier controller has told and not ended: this one ends it. */
  private async earlier(scope: string): Promise<Map<string, { story: Told; text: string }>> {
    const open = await listNotices(this.engine, this.context, { open: true });
    const own = open.filter(
      ({ base }) =>
        troubleKinds.includes(base.kind) && (base.kind !== 'quarantine' || base.story.startsWith(`labels ${scope} `)),
    );
    return new Map(own.map(({ base }) => [base.story, { story: base, text: '' }]));
  }

  private async askAboutNodes(nodes: NodeFacts[]): Promise<void> {
    const now = this.context.clock.monotonic();
    const lost = nodes.filter(({ state, availability }) => state !== 'ready' && availability === 'active');
    for (const id of this.lostSince.keys()) {
      if (lost.some((node) => node.id === id)) continue;
      this.lostSince.delete(id);
      this.asked.delete(id);
    }
    for (const node of lost) {
      const since = this.lostSince.get(node.id) ?? now;
      this.lostSince.set(node.id, since);
      if (now - since >= times.askAfter && !this.asked.has(node.id)) await this.askAbout(node);
    }
  }

  private async askAbout({ id, hostname, role }: NodeFacts): Promise<void> {
    const now = this.context.clock.now().getTime();
    const before = await listQuestions(this.engine, this.context, { kind: 'node' });
    const recent = before.some(
      ({ question }) => question.key === id && now - Date.parse(question.createdAt) < times.again,
    );
    if (!recent)
      await askQuestion(
        this.engine,
        {
          ...{ kind: 'node', subject: hostname, key: id },
          title: `node ${hostname} is lost: shall it be drained?`,
          why: 'Its tasks were started elsewhere. Drained, it gets none when it comes back, until a person has looked at it.',
          evidence: [{ label: 'role', text: role }],
          choices: [
            { id: 'drain', label: 'Drain it', style: 'primary', action: { drain: id } },
            { id: 'wait', label: 'Wait for it', action: {} },
          ],
          fallback: 'wait',
          expiresIn: times.expires,
        },
        this.context,
      );
    this.asked.add(id);
  }
}
