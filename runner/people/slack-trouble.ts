import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { createRecord, listRecords, removeRecord } from '../swarm/store';

/** Why nothing reaches Slack, as everybody can see it. */
export interface SlackTrouble {
  /** RFC 3339 */
  since: string;
  message: string;
}

const name = 'homeostat-slack-trouble';

const find = async (engine: Engine, context: Context) =>
  (await listRecords<SlackTrouble>(engine, { kind: 'slack-trouble' }, context))[0];

/** Undefined where Slack can be told, or is not used. */
export const readSlackTrouble = async (engine: Engine, context: Context): Promise<SlackTrouble | undefined> =>
  (await find(engine, context))?.data;

/** Keeps the trouble for others to see; undefined is its end. */
export async function keepSlackTrouble(
  engine: Engine,
  trouble: SlackTrouble | undefined,
  context: Context,
): Promise<void> {
  const before = await find(engine, context);
  if (before?.data.message === trouble?.message) return;
  if (before) await removeRecord(engine, before.id, context);
  if (trouble) await createRecord(engine, name, { kind: 'slack-trouble' }, trouble, context);
}
