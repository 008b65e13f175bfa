import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import type { Executors } from '../people/execute';
import type { PeopleSettings } from '../people/settings';

/**
 * Who carries out the decisions of people, by the kind of question.
 * @param prefix what labels begin with
 */
export async function executorsFor(
  engine: Engine,
  { env }: Context,
  { jenkins, prefix }: Pick<PeopleSettings, 'jenkins'> & { prefix: string },
): Promise<Executors> {
  const [{ limitExecutor }, { scalingSettings }, { releaseInput }, { drainNode }] = await Promise.all([
    import('../scaling/answer-limit'),
    import('../scaling/settings'),
    import('../people/release-input'),
    import('../people/drain-node'),
  ]);
  return {
    limit: limitExecutor(engine, scalingSettings(env, prefix)),
    approval: releaseInput(jenkins),
    node: drainNode(engine),
  };
}
