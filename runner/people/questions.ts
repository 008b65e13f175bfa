import { createHash, randomInt } from 'node:crypto';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import { createRecord, listRecords, recordName, removeRecord, type StoredRecord } from '../swarm/store';
import { changeRecord, presentLabels, type Labels } from './change-record';
import { deliveryLabels, readDelivery, type Delivery } from './delivery';
import {
  refusalOf,
  type Answer,
  type Decision,
  type Draft,
  type Outcome,
  type Question,
  type QuestionKind,
  type QuestionState,
  type Via,
} from './question';
import { decidersOf, namesOf } from './settings';

/** A question with what has become of it. */
export interface AskedQuestion {
  question: Question;
  state: QuestionState;
  delivery: Delivery;
  record: StoredRecord<Question>;
}

/** Questions kept; those that are done go first. */
const kept = 100;
const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
const idLength = 7;
const longest = { title: 200, why: 1000, label: 80, text: 600, url: 500, reason: 300, outcome: 500, evidence: 12 };

const aboutOf = ({ kind, subject, key }: Pick<Question, 'kind' | 'subject' | 'key'>) =>
  createHash('sha256')
    .update(JSON.stringify([kind, subject, key]))
    .digest('hex')
    .slice(0, 16);

const newId = () => `q-${Array.from({ length: idLength }, () => letters[randomInt(letters.length)]).join('')}`;

/** All labels of a question's record. */
export function questionLabels(question: Question, state: QuestionState, delivery: Delivery): Labels {
  const decision = state.state === 'open' ? undefined : state;
  return {
    ...presentLabels({
      kind: 'question',
      id: question.id,
      about: aboutOf(question),
      state: state.state,
      unsettled: state.state === 'done' ? undefined : 'yes',
      choice: decision?.choice,
      by: decision?.by,
      via: decision?.via,
      at: decision?.at,
      reason: decision?.reason,
      standing: decision?.standing ? 'yes' : undefined,
      ...(state.state === 'done' ? { outcome: state.outcome || 'done', ok: state.ok ? 'yes' : 'no' } : {}),
    }),
    ...deliveryLabels(delivery, state.state),
  };
}

function readState(labels: Labels): QuestionState {
  if (labels.state === 'open') return { state: 'open' };
  const decision: Decision = {
    choice: labels.choice ?? '',
    by: labels.by ?? '',
    via: (labels.via ?? 'command line') as Via,
    at: labels.at ?? '',
    ...(labels.reason ? { reason: labels.reason } : {}),
    ...(labels.standing ? { standing: true } : {}),
  };
  if (labels.state === 'decided') return { state: 'decided', ...decision };
  return { state: 'done', ...decision, outcome: labels.outcome ?? '', ok: labels.ok === 'yes' };
}

export const readAsked = (record: StoredRecord<Question>): AskedQuestion => ({
  question: record.data,
  state: readState(record.labels),
  delivery: readDelivery(record.labels),
  record,
});

/**
 * Asks people something. While a question of the same kind about the same subject and key is open, that one comes back.
 * @throws what the Engine says
 */
export async function askQuestion(
  engine: Engine,
  draft: Draft,
  context: Context,
): Promise<{ question: Question; created: boolean }> {
  const about = aboutOf(draft);
  for (;;) {
    const asked = (await listRecords<Question>(engine, { kind: 'question', about }, context)).map(readAsked);
    const open = asked.find(({ state }) => state.state === 'open');
    if (open) return { question: open.question, created: false };
    const question = questionOf(draft, context);
    // The number in the name makes the creation a mutex: of two who ask at once one finds the name taken.
    const number = Math.max(0, ...asked.map(({ record }) => Number(record.name.split('-').at(-1)))) + 1;
    const name = recordName('question', about, number);
    if (!(await createRecord(engine, name, questionLabels(question, { state: 'open' }, {}), question, context)))
      continue;
    await tidy(engine, context);
    return { question, created: true };
  }
}

function questionOf({ expiresIn, ...draft }: Draft, context: Context): Question {
  const settings = decidersOf(context.env);
  const now = context.clock.now();
  const clip = (text: string, length: number) => {
    const masked = context.masker(text);
    return masked.length <= length ? masked : `${masked.slice(0, length - 1)}\u2026`;
  };
  return {
    ...draft,
    id: newId(),
    title: clip(draft.title, longest.title),
    why: clip(draft.why, longest.why),
    evidence: (draft.evidence ?? []).slice(0, longest.evidence).map(({ label, text, url }) => ({
      label: clip(label, longest.label),
      text: clip(text, longest.text),
      ...(url && url.length <= longest.url ? { url } : {}),
    })),
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + expiresIn).toISOString(),
    deciders: draft.deciders ?? settings.deciders,
    selfApproval: draft.selfApproval ?? settings.selfApproval,
    guard: draft.guard ?? {},
  };
}

/** Removes the oldest questions beyond the number kept, and none that is open or being carried out. */
async function tidy(engine: Engine, context: Context): Promise<void> {
  const all = await listQuestions(engine, context);
  const done = all.filter(({ state }) => state.state === 'done');
  for (const { record } of done.slice(Math.max(0, kept - (all.length - done.length))))
    await removeRecord(engine, record.id, context);
}

/** Questions, newest first: all, only those that are open, or those of one kind. */
export async function listQuestions(
  engine: Engine,
  context: Context,
  wanted: { open?: boolean; kind?: QuestionKind } = {},
): Promise<AskedQuestion[]> {
  const labels: Labels = { kind: 'question', ...(wanted.open ? { state: 'open' } : {}) };
  const records = await listRecords<Question>(engine, labels, context);
  return records
    .map(readAsked)
    .filter(({ question }) => wanted.kind === undefined || question.kind === wanted.kind)
    .sort((a, b) => (a.question.createdAt < b.question.createdAt ? 1 : -1));
}

/** Questions that are open, or decided and not carried out yet. */
export const listUnsettled = async (engine: Engine, context: Context): Promise<AskedQuestion[]> =>
  (await listRecords<Question>(engine, { kind: 'question', unsettled: 'yes' }, context)).map(readAsked);

const find = async (engine: Engine, id: string, context: Context): Promise<StoredRecord<Question> | undefined> =>
  (await listRecords<Question>(engine, { kind: 'question', id }, context))[0];

/**
 * The question of that id.
 * @throws QUESTION_MISSING
 */
export async function readQuestion(engine: Engine, id: string, context: Context): Promise<AskedQuestion> {
  const record = await find(engine, id, context);
  return record ? readAsked(record) : missing(id);
}

const missing = (id: string): never => fail('QUESTION_MISSING', `there is no question '${id.slice(0, 40)}'`);

export type Decided = 'decided' | { already: Decision } | { refused: string };

/**
 * Decides a question: the first answer that may be given wins, by compare-and-swap.
 * @throws QUESTION_MISSING, CONFLICT
 */
export async function decideQuestion(engine: Engine, id: string, answer: Answer, context: Context): Promise<Decided> {
  const now = context.clock.now();
  const { groups } = decidersOf(context.env);
  const known = { ...answer, alsoKnownAs: namesOf([answer.by, ...(answer.alsoKnownAs ?? [])], groups) };
  const refusal = (question: Question) => refusalOf(question, known, now.getTime());
  const before = await changeRecord<Question>(
    engine,
    () => find(engine, id, context),
    (record) => {
      const { question, state, delivery } = readAsked(record);
      if (state.state !== 'open' || refusal(question) !== undefined) return undefined;
      return questionLabels(question, { state: 'decided', ...decisionOf(answer, now, context) }, delivery);
    },
    context,
  );
  if (!before) return missing(id);
  const { question, state } = readAsked(before);
  if (state.state !== 'open') return { already: state };
  const refused = refusal(question);
  return refused === undefined ? 'decided' : { refused };
}

const decisionOf = ({ choice, by, via, reason, standing }: Answer, at: Date, { masker }: Context): Decision => ({
  choice,
  by: by.slice(0, longest.label),
  via,
  at: at.toISOString(),
  ...(reason ? { reason: masker(reason).slice(0, longest.reason) } : {}),
  ...(standing ? { standing: true } : {}),
});

/** Records what became of a decision; false when somebody has done so before. */
export async function endQuestion(
  engine: Engine,
  id: string,
  { outcome, ok }: Outcome,
  context: Context,
): Promise<boolean> {
  const text = context.masker(outcome).slice(0, longest.outcome);
  const before = await changeRecord<Question>(
    engine,
    () => find(engine, id, context),
    (record) => {
      const { question, state, delivery } = readAsked(record);
      if (state.state !== 'decided') return undefined;
      return questionLabels(question, { ...state, state: 'done', outcome: text, ok }, delivery);
    },
    context,
  );
  return before !== undefined && readAsked(before).state.state === 'decided';
}
