import type { Context } from '../../common/context';
import { ask, request, type Engine } from '../../common/engine';
import { messageOf } from '../../common/errors';
import type { LabelSettings } from '../../labels/description';
import type { ServiceFacts, SwarmListing } from '../../swarm/facts';
import type { Task } from '../../swarm/types';
import { replicasOf } from '../service-states';
import type { Subject } from './announce';
import { AnnouncedRecord } from './announced-record';
import { Notifier } from './notifier';
import {
  nodeParameters,
  nodeRemoval,
  removalParameters,
  serviceParameters,
  toldName,
  type Parameters,
  type TaskPlace,
} from './parameters';
import type { ListenerSettings } from './settings';

/** The Swarm as one pass saw it, and who takes part. */
export interface View {
  listing: SwarmListing;
  takesPart(service: string): boolean;
}

const firstLook = 1_000;
const longestLook = 15_000;

/** What docker-flow-swarm-listener did: tells others of services and nodes, and answers what there is. */
export class Listener {
  readonly services: Notifier;
  readonly nodes: Notifier;
  private pending: View | undefined;
  private working = false;
  /** Milliseconds until services that are not complete are looked at again. */
  private look = firstLook;

  constructor(
    private readonly engine: Engine,
    private readonly labels: LabelSettings,
    private readonly settings: ListenerSettings,
    private readonly context: Context,
    private readonly wake: () => void,
  ) {
    const record = (kind: string) => new AnnouncedRecord(`${kind} ${labels.notifyLabel}`, engine, context);
    this.services = new Notifier('service', settings.services, settings, record('services'), context);
    this.nodes = new Notifier('node', settings.nodes, settings, record('nodes'), context);
  }

  /** Tells what has changed, in the background; of several views that come meanwhile the newest counts. */
  update(view: View): void {
    this.pending = view;
    if (this.working || !(this.services.active || this.nodes.active)) return;
    this.working = true;
    void this.work().finally(() => (this.working = false));
  }

  /** Everything is told again. */
  notifyAll(): void {
    this.services.forget();
    this.nodes.forget();
    this.wake();
  }

  /** Parameters of all services whose tasks all run. */
  async listServices({ listing, takesPart }: View): Promise<Parameters[]> {
    const complete = listing.services.filter((each) => takesPart(each.name) && isComplete(each, listing));
    const places = await this.places(complete, listing);
    return complete.map((each) => serviceParameters(each, this.labels, this.settings.namePrefix, places.get(each.id)));
  }

  listNodes({ listing }: Pick<View, 'listing'>): Parameters[] {
    return listing.nodes.map((node) => nodeParameters(node, this.labels));
  }

  private async work(): Promise<void> {
    for (let view = this.take(); view; view = this.take()) {
      try {
        await this.tell(view);
      } catch (error) {
        if (this.context.signal.aborted) return;
        this.context.log.warn(`notices have to wait for the next pass: ${messageOf(error)}`);
      }
    }
  }

  private take(): View | undefined {
    const view = this.pending;
    this.pending = undefined;
    return view;
  }

  private async tell({ listing, takesPart }: View): Promise<void> {
    const { namePrefix, immediately } = this.settings;
    const part = listing.services.filter(({ name }) => takesPart(name));
    const waits = (service: ServiceFacts) =>
      !immediately && this.scrapeNetwork(service) !== undefined && !isComplete(service, listing);
    const ready = part.filter((service) => !waits(service));
    const waiting = part.filter(waits);
    const places = await this.places(ready, listing);
    const subjects = ready.map((service): Subject => ({
      name: toldName(service, this.labels, namePrefix),
      create: serviceParameters(service, this.labels, namePrefix, places.get(service.id)),
      remove: removalParameters(service, this.labels, namePrefix),
    }));
    await this.services.update(
      [...new Map(subjects.map((subject) => [subject.name, subject])).values()],
      new Set(waiting.map((service) => toldName(service, this.labels, namePrefix))),
    );
    const nodes = listing.nodes.map((node) => ({
      name: node.id,
      create: nodeParameters(node, this.labels),
      remove: nodeRemoval(node),
    }));
    await this.nodes.update(nodes, new Set());
    this.lookAgain(waiting.length > 0);
  }

  /** There are no events for tasks: services that are not complete are looked at now and then. */
  private lookAgain(needed: boolean): void {
    if (!needed) {
      this.look = firstLook;
      return;
    }
    const { clock, signal } = this.context;
    void clock.sleep(this.look, signal).then(this.wake, () => undefined);
    this.look = Math.min(longestLook, this.look * 1.5);
  }

  private scrapeNetwork({ labels }: ServiceFacts): string | undefined {
    return labels[`${this.labels.prefix}scrapeNetwork`];
  }

  /** Where the tasks of services with `scrapeNetwork` run, where it is to be told. */
  private async places(services: ServiceFacts[], { nodes }: SwarmListing): Promise<Map<string, TaskPlace[]>> {
    const wanted = new Map(
      services.flatMap((service) => {
        const network = this.scrapeNetwork(service);
        return network === undefined ? [] : [[service.id, network]];
      }),
    );
    if (!this.settings.nodeInfo || wanted.size === 0) return new Map();
    const filters = { service: [...wanted.keys()], 'desired-state': ['running'] };
    const tasks = await ask(this.context, 'listing tasks', () =>
      request<Task[]>(this.engine, 'GET', '/tasks', { query: { filters } }),
    );
    const hosts = new Map(nodes.map((node) => [node.id, node]));
    const places = new Map<string, TaskPlace[]>([...wanted.keys()].map((id) => [id, []]));
    for (const task of tasks) {
      const node = hosts.get(task.NodeID ?? '');
      const network = wanted.get(task.ServiceID);
      const attachment = task.NetworksAttachments?.find((each) => each.Network.Spec.Name === network);
      const address = this.settings.taskAddresses ? attachment?.Addresses?.[0]?.replace(/\/\d+$/, '') : node?.address;
      if (task.Status.State !== 'running' || !node || address === undefined) continue;
      places.get(task.ServiceID)!.push([node.hostname, address, node.id]);
    }
    return places;
  }
}

function isComplete(service: ServiceFacts, listing: SwarmListing): boolean {
  const { running, wanted } = replicasOf(service, listing);
  return running >= wanted;
}
