import type { Context } from '../common/context';
import { ask, request, type Engine } from '../common/engine';
import { fail } from '../common/errors';
import { listServices, listTasks, updateService } from '../swarm/services';
import { createRecord, readRecord, recordName, removeRecord, type StoredRecord } from '../swarm/store';
import { stackOf, wantedReplicas, withReplicas, type Service, type Task } from '../swarm/types';
import { changeNode, hostnameOf, requireNode, type Availability, type NodeObject } from '../swarm/nodes';
import { liveOf } from './look';
import { withStacks } from './stack-leases';

/** A service with tasks on the node. */
export interface DrainedService {
  service: string;
  stack: string;
  /** Replicas it has, and with replacements for the tasks on the node. */
  replicas: number;
  raised: number;
}

export interface DrainPlan {
  node: string;
  id: string;
  availability: Availability;
  services: DrainedService[];
  /** Services whose task on this node ends, and is not wanted elsewhere. */
  globals: string[];
  /** Why it cannot be drained now. */
  obstacles: string[];
}

const interval = 200;
const nameOf = (id: string) => recordName('drain', id);

/** What is on the node. Draining that was broken off goes on where it was. @throws SWARM_NODE_MISSING */
export async function planDrain(engine: Engine, name: string, context: Context): Promise<DrainPlan> {
  const node = await requireNode(engine, name, context);
  const begun = await readRecord<DrainPlan>(engine, nameOf(node.ID), context);
  if (begun) return { ...begun.data, obstacles: [] };
  const [services, tasks] = await Promise.all([listServices(engine, context), tasksOn(engine, node, context)]);
  const plan: DrainPlan = {
    ...{ node: hostnameOf(node), id: node.ID, availability: node.Spec.Availability },
    ...{ services: [], globals: [], obstacles: [] },
  };
  for (const live of services.sort((a, b) => (a.Spec.Name < b.Spec.Name ? -1 : 1))) {
    const here = tasks.filter(({ ServiceID }) => ServiceID === live.ID).length;
    if (here === 0) continue;
    const service = live.Spec.Name;
    const replicas = wantedReplicas(live.Spec);
    if (replicas === undefined) plan.globals.push(service);
    else plan.services.push({ service, stack: stackOf(live), replicas, raised: replicas + here });
    const state = live.UpdateStatus?.State ?? '';
    if (['updating', 'paused', 'rollback_started', 'rollback_paused'].includes(state))
      plan.obstacles.push(`${service}: a rollout is not over, Swarm says ${state}`);
  }
  return plan;
}

/** Tasks of the node that are to run. */
function tasksOn(engine: Engine, { ID }: Pick<NodeObject, 'ID'>, context: Context): Promise<Task[]> {
  const query = { filters: { node: [ID], 'desired-state': ['running'] } };
  return ask(context, 'listing the tasks of a node', () => request<Task[]>(engine, 'GET', '/tasks', { query }));
}

/**
 * Empties a node without a moment in which a service has too few tasks. Swarm's own drain ends tasks before their
 * replacements run, so these are started first: the node takes no new tasks, each service gets as many more replicas as
 * it has tasks there, and only when they run is the node drained and the number put back.
 * @param deadline milliseconds in which the replacements have to run
 * @throws DRAIN_INCOMPLETE with everything put back, LEASE_HELD, CONFLICT
 * @see https://github.com/moby/moby/issues/34139
 */
export async function drainNode(engine: Engine, plan: DrainPlan, deadline: number, context: Context): Promise<void> {
  if (plan.obstacles.length > 0)
    fail('DRAIN_INCOMPLETE', `the node ${plan.node} is not drained`, { evidence: plan.obstacles });
  const stacks = plan.services.map(({ stack }) => stack);
  await withStacks(engine, stacks, `drain of ${plan.node}`, (leased) => drain(engine, plan, deadline, leased), context);
}

async function drain(engine: Engine, plan: DrainPlan, deadline: number, context: Context): Promise<void> {
  const { obstacles: _obstacles, ...data } = plan;
  await createRecord(engine, nameOf(plan.id), { kind: 'drain', node: plan.node }, data, context);
  try {
    await changeNode(engine, plan.id, { Availability: 'pause' }, context);
    for (const { service, replicas, raised } of plan.services)
      await setReplicas(engine, service, replicas, raised, context);
    await waitForReplacements(engine, plan, deadline, context);
    await changeNode(engine, plan.id, { Availability: 'drain' }, context);
  } catch (error) {
    // A stopped command still has to put back what it has raised.
    const quiet = { ...context, signal: AbortSignal.timeout(3500) };
    await changeNode(engine, plan.id, { Availability: plan.availability }, quiet);
    await putBack(engine, plan, quiet);
    throw error;
  }
  // What does not run goes first when the number goes down: the second replacements that the drain has asked for.
  await putBack(engine, plan, context);
  await waitUntilEmpty(engine, plan, deadline, context);
}

async function putBack(engine: Engine, plan: DrainPlan, context: Context): Promise<void> {
  for (const { service, replicas, raised } of plan.services)
    await setReplicas(engine, service, raised, replicas, context);
  const record: StoredRecord<unknown> | undefined = await readRecord(engine, nameOf(plan.id), context);
  if (record) await removeRecord(engine, record.id, context);
}

/** Gives the service that many replicas, unless somebody has given it others meanwhile. */
async function setReplicas(engine: Engine, service: string, from: number, to: number, context: Context): Promise<void> {
  const change = ({ Spec }: Service) => (wantedReplicas(Spec) === from ? withReplicas(Spec, to) : undefined);
  await updateService(engine, service, change, undefined, context);
}

/** Until each service has as many tasks elsewhere as it is to have. */
async function waitForReplacements(engine: Engine, plan: DrainPlan, deadline: number, context: Context): Promise<void> {
  const end = context.clock.monotonic() + deadline;
  for (;;) {
    const waiting = await lacking(engine, plan, context);
    if (waiting.length === 0) return;
    if (context.clock.monotonic() >= end)
      fail('DRAIN_INCOMPLETE', `the node ${plan.node} is not drained: replacements do not run`, { evidence: waiting });
    await context.clock.sleep(interval, context.signal);
  }
}

async function lacking(engine: Engine, { id, services }: DrainPlan, context: Context): Promise<string[]> {
  const names = new Set(services.map(({ service }) => service));
  const lives = (await listServices(engine, context)).filter(({ Spec }) => names.has(Spec.Name));
  const ids = lives.map(({ ID }) => ID);
  const tasks = (await listTasks(engine, ids, context)).filter(({ NodeID }) => NodeID !== id);
  return services.flatMap(({ service, replicas }) => {
    const live = lives.find(({ Spec }) => Spec.Name === service);
    if (!live) return [];
    const own = tasks.filter(({ ServiceID }) => ServiceID === live.ID);
    const { running } = liveOf(live, own);
    if (running >= replicas) return [];
    const why = own.find(({ DesiredState, Status }) => DesiredState === 'running' && Status.Err)?.Status.Err;
    return [`${service}: ${running} of ${replicas} run elsewhere${why ? ` (${why})` : ''}`];
  });
}

async function waitUntilEmpty(engine: Engine, plan: DrainPlan, deadline: number, context: Context): Promise<void> {
  const end = context.clock.monotonic() + deadline;
  const query = { filters: { node: [plan.id] } };
  for (;;) {
    const all = await ask(context, 'listing the tasks of a node', () =>
      request<Task[]>(engine, 'GET', '/tasks', { query }),
    );
    const left = all.filter(({ Status }) => ['running', 'starting', 'preparing'].includes(Status.State));
    if (left.length === 0 && (await lacking(engine, plan, context)).length === 0) return;
    if (context.clock.monotonic() >= end)
      fail('DRAIN_INCOMPLETE', `the node ${plan.node} takes no tasks any more, and ${left.length} have not ended yet`);
    await context.clock.sleep(interval, context.signal);
  }
}

/** Lets a node take tasks again; Swarm puts none there by itself until something is scheduled. */
export async function endDrain(engine: Engine, name: string, context: Context): Promise<string> {
  const node = await requireNode(engine, name, context);
  await changeNode(engine, node.ID, { Availability: 'active' }, context);
  return hostnameOf(node);
}
