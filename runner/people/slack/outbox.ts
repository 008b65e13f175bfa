import type { Context } from '../../common/context';
import type { Engine } from '../../common/engine';
import { listRecords, readRecord, type StoredRecord } from '../../swarm/store';
import { changeRecord, type Labels } from '../change-record';
import type { Delivery } from '../delivery';
import { noticeLabels, readNotice, type StoryBase } from '../notices';
import type { Question } from '../question';
import { questionLabels, readAsked } from '../questions';
import { noticeMessage, questionMessage, type Message } from './message';

/** A record that people are to be told of. */
export interface Outgoing {
  /** Name of the record. */
  name: string;
  kind: 'question' | 'notice';
  revision: string;
  message: Message;
  delivery: Delivery;
  /** RFC 3339 */
  createdAt: string;
}

type Told = StoredRecord<Question | StoryBase>;

function outgoingOf(record: Told): Outgoing {
  const { name, createdAt } = record;
  if (record.labels.kind === 'question') {
    const { question, state, delivery } = readAsked(record as StoredRecord<Question>);
    const message = questionMessage(question, state);
    return { name, kind: 'question', revision: state.state, message, delivery, createdAt };
  }
  const { notice, revision, delivery } = readNotice(record as StoredRecord<StoryBase>);
  return { name, kind: 'notice', revision: String(revision), message: noticeMessage(notice), delivery, createdAt };
}

function labelsWith(record: Told, delivery: Delivery): Labels {
  if (record.labels.kind === 'question') {
    const { question, state } = readAsked(record as StoredRecord<Question>);
    return questionLabels(question, state, delivery);
  }
  const { base, notice, revision } = readNotice(record as StoredRecord<StoryBase>);
  return noticeLabels(base, notice, revision, delivery);
}

/** What waits to be told: questions first, then the oldest. */
export async function listOutgoing(engine: Engine, context: Context): Promise<Outgoing[]> {
  const records = await listRecords<Question | StoryBase>(engine, { untold: 'yes' }, context);
  const rank = ({ kind }: Outgoing) => (kind === 'question' ? 0 : 1);
  return records
    .map(outgoingOf)
    .sort((a, b) => rank(a) - rank(b) || (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0));
}

/**
 * Writes what is known of a message; false where the record is about another message by now, or gone.
 * @param change undefined leaves the record as it is
 */
export async function keepDelivery(
  engine: Engine,
  { name, delivery }: Outgoing,
  change: (current: Outgoing) => Delivery,
  context: Context,
): Promise<boolean> {
  let same = false;
  await changeRecord<Question | StoryBase>(
    engine,
    () => readRecord(engine, name, context),
    (record) => {
      const current = outgoingOf(record);
      same = current.delivery.ts === delivery.ts && current.delivery.posting === delivery.posting;
      return same ? labelsWith(record, change(current)) : undefined;
    },
    context,
  );
  return same;
}
