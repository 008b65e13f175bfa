import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { changeRecord } from '../people/change-record';
import { listServices } from '../swarm/services';
import { createRecord, listRecords, readRecord, recordName, removeRecord, type StoredRecord } from '../swarm/store';
import type { Change, Decision, GuardName } from './model';

/** A change with what is needed to know whether it was made, should its process have died amid it. */
export interface RecordedChange extends Change {
  reason: string;
  /** Version of the service before; there until it is known that the change was made. */
  begun?: number;
}

/** A decision that changed nothing. */
export interface RecordedDecision {
  /** Milliseconds since 1970, of the last of `times`. */
  at: number;
  verdict: Exclude<Decision['verdict'], 'scale'>;
  guard?: GuardName;
  from: number;
  reason: string;
  by: string;
  id?: string;
  /** How often in a row. */
  times: number;
}

export interface History {
  changes: RecordedChange[];
  others: RecordedDecision[];
}

/** Kept of each kind, newest first. */
const kept = { changes: 30, others: 10 };
const longestReason = 160;

const nameOf = (service: string) => recordName('scaling', service);

function fromRecord(record: StoredRecord<object> | undefined): History {
  const list = <T>(text: string | undefined) => (text === undefined ? [] : (JSON.parse(text) as T[]));
  return { changes: list(record?.labels.changes), others: list(record?.labels.others) };
}

/** What was decided about a service lately. */
export const readHistory = async (engine: Engine, service: string, context: Context): Promise<History> =>
  fromRecord(await readRecord<object>(engine, nameOf(service), context));

/** What was decided lately, by service. */
export async function listHistories(engine: Engine, context: Context): Promise<Map<string, History>> {
  const records = await listRecords<object>(engine, { kind: 'scaling' }, context);
  return new Map(records.map((record) => [record.labels.service ?? '', fromRecord(record)]));
}

/** A change that was begun counts when the service has become so: its process may have died before it could say so. */
export const madeChanges = ({ changes }: History, live: { version: number; replicas: number }): RecordedChange[] =>
  changes.filter(({ begun, to }) => begun === undefined || (live.version > begun && live.replicas === to));

/** Writes down what is about to be changed, in place of what was begun before and not made. */
export function recordBegin(
  engine: Engine,
  service: string,
  made: RecordedChange[],
  change: RecordedChange,
  context: Context,
): Promise<void> {
  const changes = [clip(change), ...made.map(({ begun: _begun, ...each }) => each)].slice(0, kept.changes);
  return update(engine, service, ({ others }) => ({ changes, others }), context);
}

/** Confirms the change that was begun last. */
export const recordMade = (engine: Engine, service: string, context: Context): Promise<void> =>
  update(
    engine,
    service,
    ({ changes, others }) => ({ changes: changes.map(({ begun: _begun, ...change }) => change), others }),
    context,
  );

/** Writes down a decision that changes nothing; the same again is counted. */
export const recordDecision = (
  engine: Engine,
  service: string,
  decision: Omit<RecordedDecision, 'times'>,
  context: Context,
): Promise<void> =>
  update(
    engine,
    service,
    ({ changes, others: [last, ...rest] }) => {
      const same =
        last?.verdict === decision.verdict &&
        last.guard === decision.guard &&
        last.from === decision.from &&
        last.by === decision.by;
      const next = { ...clip(decision), times: same ? last.times + 1 : 1 };
      return { changes, others: [next, ...(last && !same ? [last] : []), ...rest].slice(0, kept.others) };
    },
    context,
  );

const clip = <T extends { reason: string }>(entry: T): T => ({
  ...entry,
  reason: entry.reason.slice(0, longestReason),
});

async function update(
  engine: Engine,
  service: string,
  next: (history: History) => History,
  context: Context,
): Promise<void> {
  const labelsOf = ({ changes, others }: History) => ({
    kind: 'scaling',
    service,
    changes: JSON.stringify(changes),
    others: JSON.stringify(others),
  });
  const read = () => readRecord<object>(engine, nameOf(service), context);
  for (;;) {
    if (await changeRecord(engine, read, (record) => labelsOf(next(fromRecord(record))), context)) return;
    const first = labelsOf(next({ changes: [], others: [] }));
    if (!(await createRecord(engine, nameOf(service), first, {}, context))) continue;
    return forgetGone(engine, context);
  }
}

/** Removes the histories of services that are gone; a name with a blank is no service's. */
async function forgetGone(engine: Engine, context: Context): Promise<void> {
  const [records, services] = await Promise.all([
    listRecords<object>(engine, { kind: 'scaling' }, context),
    listServices(engine, context),
  ]);
  const names = new Set(services.map(({ Spec }) => Spec.Name));
  const isGone = (name: string) => !name.includes(' ') && !names.has(name);
  for (const { id, labels } of records) if (isGone(labels.service ?? '')) await removeRecord(engine, id, context);
}
