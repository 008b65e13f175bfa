import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { changeRecord, presentLabels } from '../people/change-record';
import { createRecord, listRecords, readRecord, recordName, removeRecord } from '../swarm/store';
import type { Direction, Hold } from './model';

export interface ServiceHold extends Hold {
  service: string;
}

export type HoldDraft = Pick<ServiceHold, 'service' | 'only' | 'by' | 'reason' | 'until'>;

const longestReason = 300;
const nameOf = (service: string) => recordName('hold', service);

const fromLabels = (labels: Record<string, string>): ServiceHold => ({
  service: labels.service ?? '',
  until: Number(labels.until),
  by: labels.by ?? '',
  reason: labels.reason ?? '',
  source: 'hold',
  ...(labels.only ? { only: labels.only as Direction } : {}),
});

/** Holds that are not over, of one service or of all, by name. */
export async function listHolds(
  engine: Engine,
  context: Context,
  wanted: { service?: string } = {},
): Promise<ServiceHold[]> {
  const records = await listRecords<object>(engine, { kind: 'hold', ...wanted }, context);
  const now = context.clock.now().getTime();
  return records
    .map(({ labels }) => fromLabels(labels))
    .filter(({ until }) => until > now)
    .sort((a, b) => (a.service < b.service ? -1 : 1));
}

/** Keeps a service from being scaled until then; a hold that is there already is replaced. Holds that are over go. */
export async function holdService(engine: Engine, draft: HoldDraft, context: Context): Promise<ServiceHold> {
  const { service, only, by, until } = draft;
  const reason = context.masker(draft.reason).slice(0, longestReason);
  const labels = presentLabels({ kind: 'hold', service, only, by, until: String(until), reason });
  const read = () => readRecord<object>(engine, nameOf(service), context);
  for (;;) {
    if (await createRecord(engine, nameOf(service), labels, {}, context)) break;
    if (await changeRecord(engine, read, () => labels, context)) break;
  }
  const now = context.clock.now().getTime();
  for (const record of await listRecords<object>(engine, { kind: 'hold' }, context))
    if (!(Number(record.labels.until) > now)) await removeRecord(engine, record.id, context);
  return fromLabels(labels);
}

/** Ends a hold; the one that there was, or undefined. */
export async function releaseService(
  engine: Engine,
  service: string,
  context: Context,
): Promise<ServiceHold | undefined> {
  const record = await readRecord<object>(engine, nameOf(service), context);
  if (!record) return undefined;
  await removeRecord(engine, record.id, context);
  const hold = fromLabels(record.labels);
  return hold.until > context.clock.now().getTime() ? hold : undefined;
}
