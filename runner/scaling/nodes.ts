import type { Context } from '../common/context';
import { ask, request, type Engine } from '../common/engine';
import { fail } from '../common/errors';
import { defaultLabelSettings } from '../labels/description';
import { readLabels } from '../labels/reader';
import { takeLease } from '../swarm/lease';
import { hostnameOf, listNodes, changeNode, removeNode, type NodeObject } from '../swarm/nodes';
import { findService } from '../swarm/services';
import type { Task } from '../swarm/types';
import { decideNodes, type NodeDecision, type NodeLimits, type NodeRole } from './decide-nodes';
import { drainNode, planDrain } from './drain';
import { readHistory, recordBegin, recordMade } from './history';
import type { Wish } from './model';
import { nodeDriver, type NodeDriver } from './node-driver';
import { planReschedule, reschedule, type Rescheduled } from './reschedule';
import type { ScalingSettings } from './settings';

export interface NodeRequest {
  role: NodeRole;
  wish: Wish;
  /** The service whose labels hold the limits; without it their defaults. */
  service?: string | undefined;
  by: string;
  id?: string | undefined;
}

export interface NodeResult {
  role: NodeRole;
  decision: NodeDecision;
  /** Host names that joined, or that are gone. */
  nodes: string[];
  rescheduled: Rescheduled[];
}

const interval = 1000;
const drainDeadline = 300_000;
/** Nodes are remembered like services, under a name that none can have. */
const subjectOf = (role: NodeRole) => `nodes ${role}`;

const usual: Record<NodeRole, NodeLimits> = {
  worker: { minimum: 0, maximum: 5, upBy: 1, downBy: 1 },
  manager: { minimum: 3, maximum: 7, upBy: 1, downBy: 1 },
};

async function limitsOf(
  engine: Engine,
  { role, service }: NodeRequest,
  { labels }: ScalingSettings,
  context: Context,
): Promise<NodeLimits> {
  const found = service === undefined ? undefined : await findService(engine, service, context);
  if (service !== undefined && !found) fail('SERVICE_MISSING', `there is no service ${service}`);
  const read = readLabels(found?.Spec.Labels ?? {}, { ...defaultLabelSettings, ...labels });
  const { minimum, maximum, upBy, downBy } = usual[role];
  const prefix = role === 'worker' ? 'scaleWorkerNode' : 'scaleManagerNode';
  return {
    minimum: read.get(`${prefix}Min`) ?? minimum,
    maximum: read.get(`${prefix}Max`) ?? maximum,
    upBy: read.get(`${prefix}UpBy`) ?? upBy,
    downBy: read.get(`${prefix}DownBy`) ?? downBy,
  };
}

/** What would be done with the nodes now. @throws SERVICE_MISSING */
export async function planNodes(
  engine: Engine,
  wanted: NodeRequest,
  settings: ScalingSettings,
  context: Context,
): Promise<NodeDecision> {
  const [limits, nodes, { changes }] = await Promise.all([
    limitsOf(engine, wanted, settings, context),
    nodesOf(engine, wanted.role, context),
    readHistory(engine, subjectOf(wanted.role), context),
  ]);
  const { role, wish, id } = wanted;
  const ready = nodes.filter(isReady).length;
  const now = context.clock.now().getTime();
  const unready = nodes.length - ready;
  const cooldown = settings.nodeCooldown;
  return decideNodes({ now, role, ready, unready, limits, cooldown, wish, id, changes });
}

const isReady = ({ Status }: NodeObject) => Status.State === 'ready';

/** The nodes of a role that take tasks, or will; those that people have paused or drained are left alone. */
const nodesOf = async (engine: Engine, role: NodeRole, context: Context) =>
  (await listNodes(engine, context)).filter(
    ({ Spec, Status }) => Spec.Role === role && Spec.Availability === 'active' && Status.State !== 'down',
  );

/**
 * Adds or removes nodes within the limits of the service's labels. New nodes get their share of the services that are
 * labelled so; nodes that go are drained first.
 * @param wait milliseconds in which new nodes have to be ready
 * @throws NODE_SCALER_FAILED, DRAIN_INCOMPLETE, LEASE_HELD, SERVICE_MISSING
 */
export async function scaleNodes(
  engine: Engine,
  wanted: NodeRequest,
  settings: ScalingSettings,
  wait: number,
  context: Context,
): Promise<NodeResult> {
  const lease = await takeLease(engine, 'nodes', `scaling of ${wanted.role}s`, context);
  const leased = { ...context, signal: lease.signal };
  try {
    const decision = await planNodes(engine, wanted, settings, leased);
    const result: NodeResult = { role: wanted.role, decision, nodes: [], rescheduled: [] };
    if (decision.verdict !== 'scale') return result;
    const driver = nodeDriver(context);
    const { from, to } = decision;
    const grow = to > from;
    result.nodes = grow
      ? await grown(engine, driver, wanted.role, from, to, wait, leased)
      : await shrunk(engine, driver, wanted.role, from, to, leased);
    await remember(engine, wanted, decision, leased);
    if (!grow) return result;
    result.rescheduled = await reschedule(engine, await planReschedule(engine, undefined, settings, leased), leased);
    return result;
  } finally {
    await lease.release();
  }
}

async function remember(
  engine: Engine,
  { role, by, id }: NodeRequest,
  { from, to, reason }: Extract<NodeDecision, { verdict: 'scale' }>,
  context: Context,
): Promise<void> {
  const { changes } = await readHistory(engine, subjectOf(role), context);
  const change = { at: context.clock.now().getTime(), from, to, by, reason, ...(id === undefined ? {} : { id }) };
  await recordBegin(engine, subjectOf(role), changes, change, context);
  await recordMade(engine, subjectOf(role), context);
}

async function grown(
  engine: Engine,
  driver: NodeDriver,
  role: NodeRole,
  from: number,
  to: number,
  wait: number,
  context: Context,
): Promise<string[]> {
  const known = new Set((await nodesOf(engine, role, context)).map(({ ID }) => ID));
  await driver.order({ action: 'add', role, count: to - from, wanted: to, nodes: [] }, context);
  const end = context.clock.monotonic() + wait;
  for (;;) {
    const ready = (await nodesOf(engine, role, context)).filter(isReady);
    const joined = ready.filter(({ ID }) => !known.has(ID)).map(hostnameOf);
    if (ready.length >= to) return joined;
    if (context.clock.monotonic() >= end)
      fail('NODE_SCALER_FAILED', `${ready.length} of ${to} ${role}s are ready after ${Math.round(wait / 1000)} s`, {
        remedy: 'Look at what the node scaler did; nodes have to join the Swarm by themselves.',
      });
    await context.clock.sleep(interval, context.signal);
  }
}

async function shrunk(
  engine: Engine,
  driver: NodeDriver,
  role: NodeRole,
  from: number,
  to: number,
  context: Context,
): Promise<string[]> {
  const leaving = await emptiest(engine, role, from - to, context);
  for (const { ID } of leaving) {
    await drainNode(engine, await planDrain(engine, ID, context), drainDeadline, context);
    if (role === 'manager') await changeNode(engine, ID, { Role: 'worker' }, context);
  }
  const nodes = leaving.map(hostnameOf);
  await driver.order({ action: 'remove', role, count: nodes.length, wanted: to, nodes }, context);
  for (const node of leaving)
    if (!(await removeNode(engine, node.ID, context)))
      context.log.warn(
        `${hostnameOf(node)} is drained and still in the list: remove it when it is down (docker node rm)`,
      );
  return nodes;
}

/** The nodes with the fewest tasks; a leader stays. */
async function emptiest(engine: Engine, role: NodeRole, count: number, context: Context): Promise<NodeObject[]> {
  const query = { filters: { 'desired-state': ['running'] } };
  const [nodes, tasks] = await Promise.all([
    nodesOf(engine, role, context),
    ask(context, 'listing tasks', () => request<Task[]>(engine, 'GET', '/tasks', { query })),
  ]);
  const load = (node: NodeObject) => tasks.filter(({ NodeID }) => NodeID === node.ID).length;
  const mayGo = (node: NodeObject & { ManagerStatus?: { Leader?: boolean } }) => node.ManagerStatus?.Leader !== true;
  return nodes
    .filter((node) => isReady(node) && mayGo(node))
    .sort((a, b) => load(a) - load(b))
    .slice(0, count);
}
