import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { changeNode, listNodes, type NodeObject } from '../swarm/nodes';
import { nodeId } from './start-stack';
import { addToState, including } from './state';

const labelsOf = ({ Spec }: NodeObject) => (Spec.Labels ?? {}) as Record<string, string>;

/** Gives this node a label by which services are placed, unless a node has it already. */
export async function labelNode(engine: Engine, label: string, folder: string, context: Context): Promise<void> {
  const nodes = await listNodes(engine, context);
  if (nodes.some((node) => labelsOf(node)[label] === 'true')) return;
  const id = await nodeId(engine, context);
  await addToState(folder, (state) => ({ ...state, nodeLabels: including(state.nodeLabels, label) }));
  const own = nodes.find((node) => node.ID === id);
  await changeNode(engine, id, { Labels: { ...(own ? labelsOf(own) : {}), [label]: 'true' } }, context);
}

/** Takes the labels from every node that has them. */
export async function unlabelNodes(engine: Engine, labels: string[], context: Context): Promise<void> {
  if (labels.length === 0) return;
  for (const node of await listNodes(engine, context)) {
    const kept = Object.entries(labelsOf(node)).filter(([label]) => !labels.includes(label));
    if (kept.length < Object.keys(labelsOf(node)).length)
      await changeNode(engine, node.ID, { Labels: Object.fromEntries(kept) }, context);
  }
}
