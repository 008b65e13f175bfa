import type { Context } from '../common/context';
import { ask, request, type Engine } from '../common/engine';
import { fail } from '../common/errors';
import { deployStack } from '../swarm/stack';
import { watchRollout } from '../swarm/watch';
import { resource } from '../common/resources';
import { addToState, including } from './state';

const startLimit = 60_000;

/** Names of the system's own stacks begin so. */
export const systemPrefix = 'homeostat-';

/** One of the system's own stacks. */
export interface SystemStack {
  /** `homeostat-` and the name of its stack file among the resources. */
  stack: string;
  /** The image of each of its services, by the service's name in the stack file. */
  images: Record<string, string>;
  /** Filled into the stack file. */
  variables: Record<string, string>;
  /** Where the files lie that the stack file names. */
  folder: string;
  /** Makes of the stack file what this installation needs. */
  adapt?(content: string): string;
  /** Milliseconds that its services may take to run. */
  limit?: number;
}

/**
 * Deploys one of the system's own stacks and waits until it runs; it is noted in the state first.
 * @throws SYSTEM_FAILED
 */
export async function startStack(
  engine: Engine,
  { stack, images, variables, folder, adapt = (content) => content, limit = startLimit }: SystemStack,
  stateFolder: string,
  context: Context,
): Promise<void> {
  await addToState(stateFolder, (state) => ({ ...state, stacks: including(state.stacks, stack) }));
  const since = context.clock.now().toISOString();
  const component = stack.slice(systemPrefix.length);
  const content = adapt(resource(`resources/stacks/${component}.yml`));
  await deployStack({ stack, content, folder, credentials: {}, resolve: 'never' }, variables, context);
  const targets = Object.entries(images).map(([service, image]) => ({ service: `${stack}_${service}`, image }));
  const outcome = await watchRollout(
    engine,
    { targets, since, deadline: limit, monitor: 0, signal: context.signal, settled: false },
    context,
  );
  if (outcome.outcome !== 'good')
    fail('SYSTEM_FAILED', `the ${component} did not start`, {
      cause: outcome.reason,
      evidence: 'evidence' in outcome ? outcome.evidence : [],
    });
}

/** Id of the node that is asked. */
export async function nodeId(engine: Engine, context: Context): Promise<string> {
  const info = await ask(context, 'reading the Swarm', () =>
    request<{ Swarm: { NodeID: string } }>(engine, 'GET', '/info'),
  );
  return info.Swarm.NodeID;
}
