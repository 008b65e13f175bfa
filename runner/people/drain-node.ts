import { ask, isOutOfSequence, request, statusOf, type Engine } from '../common/engine';
import { HomeostatError } from '../common/errors';
import type { ListedNode } from '../swarm/facts';
import type { Executor } from './execute';

/** Carries out what was decided about a node that is lost: `drain` keeps the Swarm from using it when it comes back. */
export const drainNode =
  (engine: Engine): Executor =>
  async ({ choices, subject }, decision, context) => {
    const { drain } = choices.find(({ id }) => id === decision.choice)?.action ?? {};
    if (typeof drain !== 'string') return { outcome: 'nothing was changed', ok: true };
    const path = `/nodes/${encodeURIComponent(drain)}`;
    try {
      const node = await ask(
        context,
        `reading the node ${subject}`,
        () => request<ListedNode>(engine, 'GET', path),
        [404],
      );
      if (node.Status.State === 'ready') return { outcome: `${subject} is back, so it was left as it is`, ok: true };
      if (node.Spec.Availability === 'drain') return { outcome: `${subject} is drained`, ok: true };
      const body = { ...node.Spec, Availability: 'drain' };
      await ask(context, `draining the node ${subject}`, () =>
        request(engine, 'POST', `${path}/update`, { query: { version: node.Version.Index }, body }),
      );
      return { outcome: `${subject} is drained; \`docker node update --availability active\` gives it back`, ok: true };
    } catch (error) {
      if (statusOf(error) === 404) return { outcome: `there is no node ${subject} any more`, ok: true };
      if (isOutOfSequence(error))
        throw new HomeostatError('CONFLICT', `the node ${subject} was changed by somebody else`);
      throw error;
    }
  };
