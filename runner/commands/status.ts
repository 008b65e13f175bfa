import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { HomeostatError } from '../common/errors';
import type { RolloutStatus, StatusSources } from '../system/status';
import type { Command } from './command';
import { text } from './shared';

const command: Command = {
  name: 'status',
  describe: 'What runs in this Swarm: services, releases, nodes, candidates. Settles rollouts that a killed run left',
  examples: [
    ['homeostat status', 'The whole Swarm'],
    ['homeostat status --stack shop --json', 'One stack, with everything that is known, as JSON'],
  ],
  options: { stack: { type: 'string', describe: 'Name of one stack, or of a service that belongs to none' } },
  async run(context, values) {
    const [{ connectEngine }, { readStatus }, { renderStatus }] = await Promise.all([
      import('../common/engine'),
      import('../system/status'),
      import('../system/status-render'),
    ]);
    const engine = connectEngine(context);
    const status = await readStatus(engine, text(values, 'stack'), await sourcesFor(engine, context), context);
    return { result: status, summary: renderStatus(status) };
  },
};

export default command;

async function sourcesFor(engine: Engine, context: Context): Promise<StatusSources> {
  const [{ settleAll }, { listCandidates }, { listReleases }, { scaleLimits }] = await Promise.all([
    import('../pipeline/settle'),
    import('../pipeline/candidate'),
    import('../pipeline/releases'),
    import('../pipeline/limits'),
  ]);
  return {
    settle: (stack) => settleAll(engine, stack, context).catch((error: unknown) => [unsettled(error, stack, context)]),
    candidates: (stack) => listCandidates(engine, stack, context),
    async latestRelease(stack) {
      const [last] = await listReleases(engine, stack, context);
      return last && { number: last.data.number, ...last.data.origin };
    },
    limits: (labels) => scaleLimits(labels),
  };
}

/** A rollout that cannot be settled is told; when the Swarm cannot be asked at all, nothing can be told. */
function unsettled(error: unknown, stack: string | undefined, context: Context): RolloutStatus {
  if (context.signal.aborted || !(error instanceof HomeostatError)) throw error;
  if (/^(ENGINE|SWARM)_/.test(error.code)) throw error;
  const problem = `${error.message}${error.causeText ? ` (${error.causeText})` : ''}`;
  return { stack: stack ?? 'a stack', problem };
}
