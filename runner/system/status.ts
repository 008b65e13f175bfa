import type { Context } from '../common/context';
import { ask, request, type Engine } from '../common/engine';
import { fail } from '../common/errors';
import { stackLabel, type Service, type Task } from '../swarm/types';
import type { ServiceWithStatus } from './checks/facts';
import { probeLabel } from './checks/load-balancing';
import { hostOf, isReachable, type Node } from './nodes';
import { doorProblems } from './door-render';
import { readDoor, type DoorStatus } from './door-status';
import { monitorProblems } from './monitor-render';
import { readMonitor, type MonitorStatus } from './monitor-status';
import { judgeService, type Limits, type ServiceStatus } from './service-status';

/** The last release of a stack. */
export interface ReleaseSummary {
  number: number;
  kind: string;
  by: string;
  at: string;
  revision?: string | undefined;
}

export interface StackStatus {
  /** Name of the stack, or of the one service that belongs to none. */
  name: string;
  healthy: boolean;
  release?: ReleaseSummary & { ageSeconds: number };
  services: ServiceStatus[];
}

export interface NodeStatus {
  name: string;
  id: string;
  role: 'leader' | 'manager' | 'worker';
  /** `ready`, `down`, `unknown` or `disconnected`. */
  state: string;
  availability: string;
  address?: string;
  engine?: string;
  healthy: boolean;
  message?: string;
}

export interface CandidateStatus {
  name: string;
  running: number;
  wanted: number;
}

/** An unfinished rollout: in somebody's hands, settled just now, or why it could not be settled. */
export interface RolloutStatus {
  stack: string;
  running?: string;
  settled?: string;
  problem?: string;
}

export interface Status {
  healthy: boolean;
  /** When it was read. */
  at: string;
  nodes: NodeStatus[];
  stacks: StackStatus[];
  /** The system's own stacks. */
  system: StackStatus[];
  candidates: CandidateStatus[];
  rollouts: RolloutStatus[];
  /** Routes, proxies and certificates, where there is a controller. */
  door?: DoorStatus;
  /** Targets, alerts and where they go, where there is a monitor. */
  monitor?: MonitorStatus;
}

/** What only the delivery part knows; handed in, because it is a part of its own. */
export interface StatusSources {
  settle(stack: string | undefined): Promise<RolloutStatus[]>;
  candidates(stack: string | undefined): Promise<string[]>;
  latestRelease(stack: string): Promise<ReleaseSummary | undefined>;
  limits(labels: Record<string, string>): Limits | undefined;
}

/** What was read of the Swarm at one moment. */
export interface SwarmView {
  nodes: Node[];
  services: ServiceWithStatus[];
  tasks: Task[];
  now: Date;
}

/**
 * What runs in this Swarm, in all or of one stack; unfinished rollouts that nobody holds are settled first.
 * @throws SERVICE_MISSING when there is no such stack; ENGINE_UNREACHABLE, SWARM_MISSING, SWARM_NOT_MANAGER, SWARM_NO_LEADER
 */
export async function readStatus(
  engine: Engine,
  stack: string | undefined,
  sources: StatusSources,
  context: Context,
): Promise<Status> {
  const rollouts = await sources.settle(stack);
  const list = <T>(what: string, path: string, query = {}) =>
    ask(context, `listing the ${what}`, () => request<T[]>(engine, 'GET', path, { query, signal: context.signal }));
  const [nodes, services, tasks, candidates] = await Promise.all([
    list<Node>('nodes', '/nodes'),
    list<ServiceWithStatus>('services', '/services', { status: true }),
    list<Task>('tasks', '/tasks'),
    sources.candidates(stack),
  ]);
  const view = { nodes, services, tasks, now: context.clock.now() };
  const names = stackNames(view.services, candidates).filter((name) => stack === undefined || name === stack);
  if (stack !== undefined && names.length === 0 && rollouts.length === 0 && candidates.length === 0)
    fail('SERVICE_MISSING', `there is no stack or service ${stack}`, {
      cause: `there are: ${stackNames(view.services, candidates).join(', ') || 'none'}`,
    });
  const releases = new Map(
    await Promise.all(names.map(async (name) => [name, await sources.latestRelease(name)] as const)),
  );
  const status = summarise(view, names, candidates, rollouts, releases, sources.limits);
  const [door, monitor] = await Promise.all([readDoor(view.services, context), readMonitor(view.services, context)]);
  const problems = [...doorProblems(door), ...monitorProblems(monitor)];
  return {
    ...status,
    healthy: status.healthy && problems.length === 0,
    ...(door ? { door } : {}),
    ...(monitor ? { monitor } : {}),
  };
}

/** Name under which a service is told: its stack, or itself. */
const groupOf = ({ Spec }: Service): string => Spec.Labels?.[stackLabel] ?? Spec.Name;

function stackNames(services: Service[], candidates: string[]): string[] {
  const names = services.filter(({ Spec }) => !Spec.Labels?.[probeLabel]).map(groupOf);
  return [...new Set(names)].filter((name) => !candidates.includes(name)).sort();
}

/** Puts together what was read; pure. */
export function summarise(
  view: SwarmView,
  names: string[],
  candidates: string[],
  rollouts: RolloutStatus[],
  releases: Map<string, ReleaseSummary | undefined>,
  limits: StatusSources['limits'],
): Status {
  const servicesOf = (name: string) =>
    view.services
      .filter((service) => groupOf(service) === name)
      .sort((a, b) => a.Spec.Name.localeCompare(b.Spec.Name))
      .map((service) => judgeService(service, view.tasks, limits(service.Spec.Labels ?? {}), view.now));
  const all = names.map((name): StackStatus => {
    const services = servicesOf(name);
    const release = releases.get(name);
    const ageSeconds = release && Math.max(0, Math.round((view.now.getTime() - Date.parse(release.at)) / 1000));
    return {
      name,
      healthy: services.every((service) => service.healthy),
      ...(release ? { release: { ...release, ageSeconds: ageSeconds! } } : {}),
      services,
    };
  });
  const nodes = view.nodes.map(nodeStatus).sort((a, b) => a.name.localeCompare(b.name));
  const isSystem = ({ name }: StackStatus) => name.startsWith('homeostat-');
  return {
    at: view.now.toISOString(),
    healthy: [...all, ...nodes].every((each) => each.healthy) && rollouts.every(({ problem }) => problem === undefined),
    nodes,
    stacks: all.filter((each) => !isSystem(each)),
    system: all.filter(isSystem),
    candidates: candidates.map((name) => {
      const services = servicesOf(name);
      const sum = (key: 'running' | 'wanted') => services.reduce((total, service) => total + service[key], 0);
      return { name, running: sum('running'), wanted: sum('wanted') };
    }),
    rollouts,
  };
}

function nodeStatus(node: Node): NodeStatus {
  const { ManagerStatus: manager, Status: status, Spec, Description } = node;
  const unreachable = manager !== undefined && !isReachable(node);
  const message = [status.Message, unreachable ? 'the other managers do not reach it' : ''].filter(Boolean).join('; ');
  // A manager's own entry may say 0.0.0.0, and the other managers then know better.
  const address = [status.Addr, manager?.Addr?.replace(/:\d+$/, '')].find((each) => each && each !== '0.0.0.0');
  return {
    name: hostOf(node),
    id: node.ID,
    role: manager?.Leader ? 'leader' : Spec.Role,
    state: status.State,
    availability: Spec.Availability,
    ...(address ? { address } : {}),
    ...(Description?.Engine?.EngineVersion ? { engine: Description.Engine.EngineVersion } : {}),
    healthy: status.State === 'ready' && !unreachable,
    ...(message ? { message } : {}),
  };
}
