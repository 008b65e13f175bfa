import { renderAlerting } from '../alerting/render';
import type { AlertingOutput, AlertingSettings } from '../alerting/model';
import { receiversOf } from '../alerting/receivers-of';
import type { EngineName } from '../common/bundle';
import type { Logger } from '../common/log';
import type { LabelSettings, ServiceDescription } from '../labels/description';
import type { AlertInfo, MonitoredService, MonitorSettings } from '../monitor/model';
import { renderMonitor } from '../monitor/render';
import { targetsOf } from '../monitor/targets';
import type { SwarmListing, TaskList } from '../swarm/facts';
import type { Bundles } from './bundles';
import { monitoredNodes, monitoredServices, monitoredTasks } from './monitored';
import type { Problem } from './model';
import type { GoneService } from './persistent-alerts';
import { hashesOf, type Plan } from './plan';
import { TargetsDesk } from './targets-desk';

export interface MonitoringSettings {
  monitor: MonitorSettings;
  alerting: AlertingSettings;
  /** The operator's own message templates by file name. */
  templates: Record<string, string>;
}

export interface MonitoringParts {
  settings: MonitoringSettings;
  labels: LabelSettings;
  bundles: Bundles;
  /** Why an engine refused what these labels of a service gave. */
  refused(engine: EngineName, service: string, hash: string): string | undefined;
  log: Logger;
}

type Hashes = ReadonlyMap<string, string>;
/** Takes in what is wrong with a service; its name is empty for what is wrong with the settings. */
type Tell = (problem: Problem & { service: string }) => void;

/** An alert of a service, and the names of the receivers that it goes to. */
export interface RoutedAlert extends AlertInfo {
  receivers: string[];
}

/** The engines that this is about; neither has instances. */
export type MonitoringEngine = Exclude<EngineName, 'haproxy'>;

/**
 * Makes what Prometheus and Alertmanager run from the same plan as the proxy's configuration. An engine that no agent has
 * asked for costs nothing.
 */
export class Monitoring {
  readonly targets = new TargetsDesk();
  private readonly asked = new Set<MonitoringEngine>();
  private services: MonitoredService[] = [];
  private targetProblems = new Map<string, Problem[]>();
  /** Alertmanager refused the operator's own parts: they are left out until the controller is started anew. */
  private withoutOwn = false;
  private readonly told = new Set<string>();
  private alerts: AlertInfo[] = [];
  private routing: Pick<AlertingOutput, 'route' | 'destinations'> | undefined;

  constructor(private readonly parts: MonitoringParts) {}

  /** True where the engine is asked for the first time. */
  ask(engine: MonitoringEngine): boolean {
    const news = !this.asked.has(engine);
    this.asked.add(engine);
    return news;
  }

  /** The alerts of all services, with where each goes, and what each receiver does, in words. */
  get routed(): { alerts: RoutedAlert[]; destinations: Record<string, string> } {
    const { routing } = this;
    const alerts = this.alerts.map((each) => ({
      ...each,
      receivers: routing ? receiversOf(routing.route, { ...each.labels, alertname: each.alert }) : [],
    }));
    return { alerts, destinations: routing?.destinations ?? {} };
  }

  /** What a pass depends on besides the listing. */
  get fingerprint(): string {
    return `${[...this.asked].sort().join()} ${this.withoutOwn}`;
  }

  /** Publishes what differs. @returns whether something did, and what is wrong with which service */
  render(plan: Plan, gone: GoneService[]): { published: boolean; problems: Map<string, Problem[]> } {
    const problems = new Map(this.targetProblems);
    const hashes = new Map([
      ...hashesOf(plan),
      ...gone.map(({ service, hash }) => [service.description.name, hash] as const),
    ]);
    const tell: Tell = ({ service, severity, label, message }) => {
      if (service === '') return this.warnOnce(message);
      const problem = { severity, ...(label === undefined ? {} : { label }), message };
      problems.set(service, [...(problems.get(service) ?? []), problem]);
    };
    this.services = this.asked.has('prometheus')
      ? [...monitoredServices(plan, this.parts.labels), ...gone.map(({ service }) => service)]
      : [];
    const monitor = this.asked.has('prometheus') && this.renderMonitor(hashes, tell);
    const alerting = this.asked.has('alertmanager') && this.renderAlerting(plan, hashes, tell);
    return { published: monitor || alerting, problems };
  }

  /** Takes in which tasks run. @returns whether there is something else to scrape */
  retarget(tasks: TaskList, listing: SwarmListing, now: Date): boolean {
    const { settings, labels } = this.parts;
    const { groups, refusals } = targetsOf({
      services: this.services,
      tasks: monitoredTasks(tasks, listing, now),
      nodes: monitoredNodes(listing, labels),
      settings: settings.monitor,
    });
    this.targetProblems = new Map(
      refusals.map(({ service, severity, label, message }) => [
        service,
        [{ severity, ...(label === undefined ? {} : { label: `${labels.prefix}${label}` }), message }],
      ]),
    );
    return this.targets.publish(groups);
  }

  /** Nobody can be named for what Alertmanager refused: it is tried without what the operator has added. */
  leaveOutOwn(): boolean {
    const { routes, receivers, inhibitRules, timeIntervals } = this.parts.settings.alerting.own;
    const isThere = [routes, receivers, inhibitRules, timeIntervals].some((list) => list.length > 0);
    if (this.withoutOwn || !isThere) return false;
    return (this.withoutOwn = true);
  }

  private warnOnce(message: string): void {
    if (!this.told.has(message)) this.parts.log.warn(message);
    this.told.add(message);
  }

  private renderMonitor(hashes: Hashes, tell: Tell): boolean {
    const { settings, bundles, labels } = this.parts;
    const services = this.services.map((service) => {
      const refusal = this.refusalOf('prometheus', service.description, hashes);
      if (refusal === undefined) return service;
      tell({
        service: service.description.name,
        severity: 'error',
        message: `Prometheus refused its alerts: ${refusal}`,
      });
      return { ...service, description: { ...service.description, alerts: [] } };
    });
    const { files, refusals, alerts } = renderMonitor({ services, settings: settings.monitor });
    this.alerts = alerts;
    for (const { label, ...refusal } of refusals)
      tell({ ...refusal, ...(label === undefined ? {} : { label: `${labels.prefix}${label}` }) });
    return bundles.publish('prometheus', '', files, hashes, []);
  }

  private renderAlerting(plan: Plan, hashes: Hashes, tell: Tell): boolean {
    const { settings, bundles } = this.parts;
    const services = plan.services.flatMap(({ decision: { served } }): ServiceDescription[] => {
      const description = served?.description;
      if (!description?.scale) return [];
      const refusal = this.refusalOf('alertmanager', description, hashes);
      if (refusal === undefined) return [description];
      tell({ service: description.name, severity: 'error', message: `Alertmanager refused its routes: ${refusal}` });
      return [];
    });
    const own = this.withoutOwn ? { routes: [], receivers: [], inhibitRules: [], timeIntervals: [] } : undefined;
    const { files, refusals, route, destinations } = renderAlerting({
      services,
      settings: own ? { ...settings.alerting, own } : settings.alerting,
      templates: settings.templates,
    });
    this.routing = { route, destinations };
    refusals.forEach(tell);
    return bundles.publish('alertmanager', '', files, hashes, []);
  }

  private refusalOf(engine: MonitoringEngine, { name }: ServiceDescription, hashes: Hashes): string | undefined {
    const hash = hashes.get(name);
    return hash === undefined ? undefined : this.parts.refused(engine, name, hash);
  }
}
