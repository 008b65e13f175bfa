import type { Context } from '../../common/context';
import type { Engine } from '../../common/engine';
import { listQuestions } from '../../people/questions';
import { listRules } from '../../people/standing-rules';
import { listHistories } from '../../scaling/history';
import { listHolds } from '../../scaling/holds';
import type { Controller } from '../controller';
import type { PassStory } from '../status';
import { firingAlerts } from './alerts';
import { pageDocument, type PageDocument } from './document';
import { newestReleases, type PageRelease } from './releases';
import { ReplicaLog } from './replica-log';

/** Milliseconds that a document may be old: however many look, the store is read once. */
const freshFor = 1000;

/** What the status page is told. */
export class PageDesk {
  private readonly log = new ReplicaLog();
  private readReleases: { numbers: ReadonlyMap<string, string>; releases: PageRelease[] } | undefined;
  private made: { at: number; document: Promise<PageDocument> } | undefined;

  constructor(
    private readonly controller: Controller,
    private readonly story: PassStory,
    private readonly alertmanager: string | undefined,
    private readonly releaseNumbers: () => ReadonlyMap<string, string>,
    private readonly engine: Engine,
    private readonly context: Context,
  ) {}

  /** Takes in how many replicas there are now. */
  look(): void {
    this.log.look(this.controller.services, this.context.clock.now());
  }

  /** @throws what the Engine says */
  document(): Promise<PageDocument> {
    const now = this.context.clock.monotonic();
    if (this.made && now - this.made.at < freshFor) return this.made.document;
    const document = this.read();
    this.made = { at: now, document };
    document.catch(() => (this.made = undefined));
    return document;
  }

  private async read(): Promise<PageDocument> {
    const { controller, engine, context } = this;
    const [histories, holds, questions, rules, releases, alerts] = await Promise.all([
      listHistories(engine, context),
      listHolds(engine, context),
      listQuestions(engine, context),
      listRules(engine, context),
      this.releases(),
      firingAlerts(this.alertmanager, context),
    ]);
    this.look();
    return pageDocument({
      ...{ histories, holds, questions, rules, releases, alerts },
      now: context.clock.now(),
      failing: this.story.document().failing,
      services: controller.services,
      facts: controller.listing?.services ?? [],
      labels: controller.labels,
      over: (service) => this.log.of(service),
      agents: controller.agents.states(controller.bundles.list()),
    });
  }

  /** Records of releases hold whole specs: they are read again only when there is another one. */
  private async releases(): Promise<PageRelease[]> {
    const numbers = this.releaseNumbers();
    if (this.readReleases?.numbers !== numbers)
      this.readReleases = { numbers, releases: await newestReleases(this.engine, this.context) };
    return this.readReleases.releases;
  }
}
