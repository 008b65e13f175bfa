import type { Context } from '../common/context';
import { ask, isOutOfSequence, request, statusOf, type Engine } from '../common/engine';
import { fail } from '../common/errors';

export type Availability = 'active' | 'pause' | 'drain';

/** A node, with the whole spec that a change has to send back. */
export interface NodeObject {
  ID: string;
  Version: { Index: number };
  Spec: { Role: 'manager' | 'worker'; Availability: Availability; [key: string]: unknown };
  Description?: { Hostname?: string };
  Status: { State: string };
}

export const hostnameOf = ({ ID, Description }: NodeObject): string => Description?.Hostname ?? ID;

export const listNodes = (engine: Engine, context: Context): Promise<NodeObject[]> =>
  ask(context, 'listing the nodes', () => request<NodeObject[]>(engine, 'GET', '/nodes'));

/**
 * The node of that host name or id.
 * @throws SWARM_NODE_MISSING, also when several have the name
 */
export async function requireNode(engine: Engine, name: string, context: Context): Promise<NodeObject> {
  const found = (await listNodes(engine, context)).filter((node) => node.ID === name || hostnameOf(node) === name);
  if (found.length === 1) return found[0]!;
  const cause = found.length === 0 ? {} : { cause: `several have this name: ${found.map(({ ID }) => ID).join(', ')}` };
  return fail('SWARM_NODE_MISSING', `there is no node '${name.slice(0, 80)}'`, cause);
}

const conflictTries = 5;

/**
 * Changes a node's spec by compare-and-swap.
 * @throws SWARM_NODE_MISSING, CONFLICT
 */
export async function changeNode(
  engine: Engine,
  id: string,
  change: Partial<NodeObject['Spec']>,
  context: Context,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { Spec, Version } = await requireNode(engine, id, context);
    try {
      const options = { query: { version: Version.Index }, body: { ...Spec, ...change } };
      await ask(context, `changing the node ${id}`, () => request(engine, 'POST', `/nodes/${id}/update`, options));
      return;
    } catch (error) {
      if (!isOutOfSequence(error)) throw error;
      if (tries >= conflictTries)
        fail('CONFLICT', `the node ${id} was changed by somebody else ${tries} times in a row`);
    }
  }
}

/** Removes a node that is down; false when the Swarm does not let it go yet. */
export async function removeNode(engine: Engine, id: string, context: Context): Promise<boolean> {
  return ask(context, `removing the node ${id}`, () => request(engine, 'DELETE', `/nodes/${id}`), [400, 404, 500]).then(
    () => true,
    (error: unknown) => statusOf(error) === 404,
  );
}
