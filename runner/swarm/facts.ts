import { stackLabel, wantedReplicas, type Service, type ServiceSpec, type Task } from './types';

/** What one version of a service's spec says that its routes depend on. */
export interface SpecFacts {
  labels: Record<string, string>;
  /** Ids of the networks its tasks are on. */
  networks: string[];
}

/** A service as the controller looks at it: what its routes depend on and no more, so that a thousand are small. */
export interface ServiceFacts extends SpecFacts {
  id: string;
  name: string;
  stack?: string;
  /** RFC 3339 */
  createdAt: string;
  mode: 'replicated' | 'global' | 'job';
  /** Replicas it is to have; undefined for a service that is not replicated. */
  replicas?: number;
  image: string;
  /** Test of the spec's own healthcheck; undefined where the image's counts. */
  healthcheck?: string[];
  /** Tasks that an update replaces at once; 0 means all. */
  parallelism: number;
  startFirst: boolean;
  /** What the spec was before the last update, where the Swarm still knows. */
  previous?: SpecFacts;
  /** Tasks that run and that are wanted; undefined where the Engine does not count them. */
  running?: number;
  wanted?: number;
  /** The last rollout, where there was one. */
  update?: UpdateFacts;
}

/** A rollout as the Swarm tells of it. */
export interface UpdateFacts {
  /** `updating`, `paused`, `completed`, `rollback_started`, `rollback_paused` or `rollback_completed` */
  state: string;
  /** RFC 3339 */
  startedAt: string;
  /** RFC 3339; there once it has ended well, or is rolled back. */
  completedAt?: string;
}

/** A task with its node. */
export interface TaskFacts {
  id: string;
  /** Id of its service. */
  service: string;
  /** Id of its node. */
  node: string;
  /** Undefined for a task of a global service. */
  slot?: number;
  /** RFC 3339, by its node's clock: when it came into the state that it is in. */
  since: string;
  /** Its first address on each network, by the network's id. */
  addresses: Record<string, string>;
}

/** The tasks that the Swarm wants to run. */
export interface TaskList {
  running: TaskFacts[];
  /** Those that have a node, and do not run there yet. */
  starting: TaskFacts[];
  /** Those that have no node yet, or do not run any more. */
  others: { id: string; service: string }[];
  /** How many run, by the service's id. */
  counts: Record<string, number>;
  /** How many are on their way, with a node or without, by the service's id. */
  pending: Record<string, number>;
}

export interface NodeFacts {
  id: string;
  hostname: string;
  address: string;
  version: number;
  state: string;
  role: string;
  availability: string;
  labels: Record<string, string>;
  engineLabels: Record<string, string>;
}

/** The whole Swarm at one moment, each list in a fixed order. */
export interface SwarmListing {
  services: ServiceFacts[];
  nodes: NodeFacts[];
  networks: { id: string; name: string }[];
  /** Names of the secrets. */
  secrets: string[];
  /** Running tasks by the service's id, where services do not say it themselves. */
  tasks?: Record<string, number>;
  /** Where the reader was asked for it. */
  taskList?: TaskList;
}

export interface ListedService extends Service {
  CreatedAt?: string;
  ServiceStatus?: { RunningTasks: number; DesiredTasks: number };
}

export interface ListedNode {
  ID: string;
  Version: { Index: number };
  Spec: { Role: string; Availability: string; Labels?: Record<string, string> };
  Description?: { Hostname?: string; Engine?: { Labels?: Record<string, string> } };
  Status: { State: string; Addr?: string };
}

function specFacts(spec: ServiceSpec): SpecFacts {
  // Services of old clients have their networks beside the task's.
  const networks = spec.TaskTemplate.Networks ?? (spec.Networks as { Target: string }[] | undefined) ?? [];
  return { labels: spec.Labels ?? {}, networks: networks.map(({ Target }) => Target) };
}

export function serviceFacts({
  ID,
  CreatedAt,
  Spec,
  PreviousSpec,
  ServiceStatus,
  UpdateStatus,
}: ListedService): ServiceFacts {
  const container = Spec.TaskTemplate.ContainerSpec;
  const test = (container?.Healthcheck as { Test?: string[] } | undefined)?.Test;
  const stack = Spec.Labels?.[stackLabel];
  const replicas = wantedReplicas(Spec);
  return {
    id: ID,
    name: Spec.Name,
    ...(stack ? { stack } : {}),
    createdAt: CreatedAt ?? '',
    mode: Spec.Mode.Replicated ? 'replicated' : Spec.Mode.Global ? 'global' : 'job',
    ...(replicas === undefined ? {} : { replicas }),
    image: container?.Image ?? '',
    // A healthcheck with times and no test leaves the image's test in force.
    ...(test && test.length > 0 ? { healthcheck: test } : {}),
    parallelism: Number(Spec.UpdateConfig?.Parallelism ?? 1),
    startFirst: Spec.UpdateConfig?.Order === 'start-first',
    ...specFacts(Spec),
    ...(PreviousSpec ? { previous: specFacts(PreviousSpec) } : {}),
    ...(ServiceStatus ? { running: ServiceStatus.RunningTasks, wanted: ServiceStatus.DesiredTasks } : {}),
    // Engines tell of a rollout without a state where there never was one.
    ...(UpdateStatus?.State ? { update: updateFacts(UpdateStatus) } : {}),
  };
}

const updateFacts = ({ State, StartedAt, CompletedAt }: NonNullable<Service['UpdateStatus']>): UpdateFacts => ({
  state: State ?? '',
  startedAt: StartedAt ?? '',
  ...(CompletedAt ? { completedAt: CompletedAt } : {}),
});

/** What the Engine's list of tasks says. Tasks without a service are containers of people on a network of the Swarm. */
export function taskList(list: Task[]): TaskList {
  const found: TaskList = { running: [], starting: [], others: [], counts: {}, pending: {} };
  for (const task of list) {
    const service = task.ServiceID;
    if (!service) continue;
    const { State: state } = task.Status;
    if (state === 'running') {
      found.running.push(taskFacts(task));
      found.counts[service] = (found.counts[service] ?? 0) + 1;
      continue;
    }
    if (startStates.has(state)) found.starting.push(taskFacts(task));
    else found.others.push({ id: task.ID, service });
    if (!endStates.has(state)) found.pending[service] = (found.pending[service] ?? 0) + 1;
  }
  for (const tasks of [found.running, found.starting]) tasks.sort((a, b) => (a.id < b.id ? -1 : 1));
  return found;
}

/** States of a task between being given to a node and running there. */
const startStates = new Set(['assigned', 'accepted', 'preparing', 'ready', 'starting']);
const endStates = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']);

function taskFacts({ ID, ServiceID, NodeID, Slot, Status, NetworksAttachments }: Task): TaskFacts {
  const addresses: Record<string, string> = {};
  for (const { Network, Addresses } of NetworksAttachments ?? []) {
    const address = Addresses?.[0]?.replace(/\/\d+$/, '');
    if (address) addresses[Network.ID] = address;
  }
  return {
    ...{ id: ID, service: ServiceID, node: NodeID ?? '', since: Status.Timestamp, addresses },
    ...(Slot ? { slot: Slot } : {}),
  };
}

export const nodeFacts = ({ ID, Version, Spec, Description, Status }: ListedNode): NodeFacts => ({
  id: ID,
  hostname: Description?.Hostname ?? '',
  address: Status.Addr ?? '',
  version: Version.Index,
  state: Status.State,
  role: Spec.Role,
  availability: Spec.Availability,
  labels: Spec.Labels ?? {},
  engineLabels: Description?.Engine?.Labels ?? {},
});
