import { createHash } from 'node:crypto';
import { guiltyServices as guiltyOfAlerting } from '../alerting/guilty';
import type { AgentReport, EngineName } from '../common/bundle';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { messageOf } from '../common/errors';
import type { LabelSettings, ServiceDescription } from '../labels/description';
import { guiltyServices as guiltyOfProxy } from '../proxy/guilty';
import { guiltyServices as guiltyOfMonitor } from '../monitor/guilty';
import type { Certificate, ProxiedService, ProxyOutput, ProxySettings } from '../proxy/model';
import type { SwarmListing, TaskList } from '../swarm/facts';
import { ImageHealthchecks } from '../swarm/image-healthcheck';
import { SwarmReader } from '../swarm/listing';
import { Agents } from './agents';
import { Bundles } from './bundles';
import { DecisionMaker } from './decisions';
import type { ServiceState } from './model';
import { Monitoring, type MonitoringEngine, type MonitoringSettings } from './monitoring';
import { DescribedLabels } from './described-labels';
import { instancesOf, proxyNetworks } from './networks';
import { hashesOf, imagesToKnow, passwordsOf, planServices, type Plan } from './plan';
import { PersistentAlerts } from './persistent-alerts';
import { QuarantineRecords } from './records';
import { renderInstance } from './render';
import { readSecretUsers, type SecretUsers } from './secret-users';
import { serviceStates } from './service-states';
import { StateLog } from './state-log';

export interface ControllerSettings {
  labels: LabelSettings;
  proxy: ProxySettings;
  /** Names of networks that the proxy is on, besides those of the services labelled as proxies. */
  proxyNetworks: string[];
  /** Folder of the Swarm's secrets. */
  secrets: string;
  /** Services outside the Swarm. */
  outside: ProxiedService[];
  monitoring: MonitoringSettings;
}

/** Where certificates come from; without it there are none. */
export interface Certificates {
  /** Looks for what has changed. */
  refresh(): Promise<void>;
  certificates(services: ServiceDescription[]): Certificate[];
  states(services: ServiceDescription[]): { name: string; notAfter?: string }[];
  /** Orders what is due; true when there is something new. */
  renew(services: ServiceDescription[]): Promise<boolean>;
  /** Takes one from a person, or says why not. */
  upload(name: string, text: string): Promise<string | undefined>;
  remove(name: string): Promise<boolean>;
  /** Answers to ACME challenges by token. */
  readonly challenges: ReadonlyMap<string, string>;
}

/** Milliseconds that a pass waits for the health checks of images it sees for the first time. */
const imageLimit = 100;
const mostInstances = 50;

/** The services that an engine's message is about. */
const guilty: Record<EngineName, (files: Record<string, string>, message: string) => string[]> = {
  haproxy: (files, message) => guiltyOfProxy(files['haproxy.cfg'] ?? '', message),
  prometheus: guiltyOfMonitor,
  alertmanager: (files, message) => guiltyOfAlerting(files['alertmanager.yml'] ?? '', message),
};

/** Turns the Swarm into the bundles of all engines: each pass looks at everything and renders everything. */
export class Controller {
  readonly bundles: Bundles;
  readonly agents: Agents;
  readonly monitoring: Monitoring;
  /** Called when something was found that a pass would take in. */
  wake: () => void = () => undefined;
  services: ServiceState[] = [];
  listing: SwarmListing | undefined;
  /** The tasks at the last look. */
  tasks: TaskList | undefined;
  /** What is served, the base of certificates. */
  descriptions: ServiceDescription[] = [];
  /** Names of the services that a proxy has a route to. */
  routed: ReadonlySet<string> = new Set();
  private readonly reader: SwarmReader;
  private readonly records: QuarantineRecords;
  private readonly persistent: PersistentAlerts;
  private readonly images: ImageHealthchecks;
  private readonly decisions: DecisionMaker;
  private readonly stateLog: StateLog;
  private readonly described: DescribedLabels;
  /** Instances that agents have asked for. */
  private readonly asked = new Set<string>();
  private seen = '';
  /** Images whose health checks count. */
  private wanted = new Set<string>();
  private certificateProblem = '';

  constructor(
    engine: Engine,
    private readonly settings: ControllerSettings,
    private readonly context: Context,
    readonly certificates?: Certificates,
  ) {
    const now = () => context.clock.now().getTime();
    this.bundles = new Bundles(now);
    this.agents = new Agents(now);
    this.reader = new SwarmReader(engine, context);
    this.records = new QuarantineRecords(settings.labels.notifyLabel, engine, context);
    this.images = new ImageHealthchecks(engine, context);
    this.decisions = new DecisionMaker(this.records, context.log);
    this.stateLog = new StateLog(context.log);
    this.described = new DescribedLabels(settings.labels);
    this.persistent = new PersistentAlerts(settings.labels, engine, context);
    this.monitoring = new Monitoring({
      settings: settings.monitoring,
      labels: settings.labels,
      bundles: this.bundles,
      refused: (name, service, hash) => this.records.refusal(service, hash, name),
      log: context.log,
    });
  }

  /** One full pass; true when something was published. @throws what the Engine says; the bundles stay as they are */
  async pass(): Promise<boolean> {
    const [listing, users] = await Promise.all([
      this.reader.list(),
      readSecretUsers(this.settings.secrets),
      this.records.read(),
      this.persistent.read(),
      this.refreshCertificates(),
    ]);
    if (listing === this.listing && this.fingerprint(users) === this.seen) {
      await this.images.look(this.wanted, imageLimit, () => this.wake());
      return false;
    }
    const networks = new Map<string, ReturnType<typeof proxyNetworks>>();
    const surroundings = {
      labels: this.settings.labels,
      described: this.described,
      users,
      networks: (instance: string) => {
        const known = networks.get(instance) ?? proxyNetworks(listing, instance, this.settings.proxyNetworks);
        networks.set(instance, known);
        return known;
      },
      refused: (service: string, hash: string) => this.records.refusal(service, hash),
    };
    const decided = await this.decisions.make(listing, surroundings);
    this.wanted = imagesToKnow(listing, decided);
    await this.images.look(this.wanted, imageLimit, () => this.wake());
    const plan = planServices(listing, decided, this.instances(listing), (image) => this.images.of(image));
    await this.persistent.keep(plan);
    const published = this.render(plan, listing);
    this.listing = listing;
    this.seen = this.fingerprint(users);
    return published;
  }

  /** Takes in what an agent tells; a refusal leads to quarantine of who is to blame. */
  async report(report: AgentReport): Promise<void> {
    const { engine, instance, running, refused } = report;
    const news = this.agents.report(report);
    this.bundles.confirm(engine, instance, running);
    if (!refused || !news) return;
    const { log } = this.context;
    const blame = this.bundles.blame(engine, instance, refused, guilty[engine]);
    if (!blame) return log.debug(`${report.agent} refused ${refused.revision}, which is not known here any more`);
    if (blame.services.length === 0 && engine === 'alertmanager' && this.monitoring.leaveOutOwn()) {
      log.error(`${report.agent} refused what the operator has added, which is left out: ${blame.message}`);
      return this.wake();
    }
    if (blame.services.length === 0) {
      this.bundles.block(engine, instance, { revision: refused.revision, message: blame.message });
      log.error(
        `${report.agent} refused revision ${refused.revision} for ${engine}, no service can be named for it, and the last ` +
          `good revision stays: ${blame.message}`,
      );
      return;
    }
    for (const { name, hash } of blame.services) {
      if (await this.persistent.forget(name, this.listing))
        log.error(`${report.agent} refused the alerts that ${name} has left, which are given up: ${blame.message}`);
      else await this.records.refuse(name, hash, blame.message, engine);
    }
    this.wake();
  }

  /** An agent asks for an instance; one that is not known yet is rendered from now on. */
  ask(instance: string): void {
    if (this.asked.has(instance) || this.asked.size >= mostInstances) return;
    this.asked.add(instance);
    this.wake();
  }

  /** An agent asks for an engine of monitoring; one that is not known yet is rendered from now on. */
  askMonitoring(engine: MonitoringEngine): void {
    if (this.monitoring.ask(engine)) this.wake();
  }

  /** Looks which tasks run. @throws what the Engine says; the targets stay as they are */
  async lookAtTasks(): Promise<boolean> {
    const { listing } = this;
    if (!listing) return false;
    this.tasks = await this.reader.tasks();
    return this.monitoring.retarget(this.tasks, listing, this.context.clock.now());
  }

  /** How labels are read. */
  get labels(): LabelSettings {
    return this.settings.labels;
  }

  /** Whether there was a pass that saw everything. */
  get ready(): boolean {
    return this.listing !== undefined;
  }

  private instances(listing: SwarmListing): Set<string> {
    return new Set([this.settings.proxy.instance, ...instancesOf(listing), ...this.asked]);
  }

  private render(plan: Plan, listing: SwarmListing): boolean {
    const proxied = [...plan.proxied.values()].flat();
    this.descriptions = [...proxied, ...this.settings.outside].map(({ description }) => description);
    const certificates = this.certificates?.certificates(this.descriptions) ?? [];
    const outputs = new Map<string, ProxyOutput>();
    const hashes = hashesOf(plan);
    let published = false;
    for (const [instance, inside] of plan.proxied) {
      const outside = this.settings.outside.filter(
        ({ description }) => (description.proxy.instance ?? '') === instance,
      );
      const services = [...inside, ...outside];
      const output = renderInstance(services, certificates, { ...this.settings.proxy, instance });
      outputs.set(instance, output);
      const passwords = passwordsOf({ services });
      if (this.bundles.publish('haproxy', instance, output.files, hashes, passwords)) published = true;
    }
    this.bundles.retain('haproxy', new Set(plan.proxied.keys()));
    const monitoring = this.monitoring.render(plan, this.persistent.gone(listing, this.described));
    this.services = serviceStates(plan, outputs, listing, monitoring.problems);
    this.routed = new Set(this.services.flatMap(({ name, routes }) => (routes.length > 0 ? [name] : [])));
    this.stateLog.tell(this.services);
    return published || monitoring.published;
  }

  /** Of all that a pass depends on besides the listing. */
  private fingerprint(users: SecretUsers): string {
    const certificates = this.certificates?.certificates(this.descriptions) ?? [];
    const asked = [[...this.asked], this.monitoring.fingerprint];
    const parts = [
      this.records.fingerprint(),
      this.persistent.fingerprint(),
      users.fingerprint,
      certificates,
      asked,
      this.images.changes,
    ];
    return createHash('sha1').update(JSON.stringify(parts)).digest('base64');
  }

  private async refreshCertificates(): Promise<void> {
    try {
      await this.certificates?.refresh();
      this.certificateProblem = '';
    } catch (error) {
      if (this.context.signal.aborted) throw error;
      const problem = messageOf(error);
      if (problem !== this.certificateProblem) this.context.log.warn(`certificates are used as they were: ${problem}`);
      this.certificateProblem = problem;
    }
  }
}
