import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { messageOf } from '../common/errors';
import { limited } from '../common/limited';
import { createRecord, listRecords, readRecord, recordName, removeRecord, type StoredRecord } from '../swarm/store';
import { changeRecord, type Labels } from './change-record';
import { deliveryLabels, readDelivery, type Delivery } from './delivery';

export type NoticeLevel = 'info' | 'good' | 'warning' | 'danger';

/** A story as it is now. */
export interface Notice {
  title: string;
  lines: string[];
  level: NoticeLevel;
  /** Nothing more is to come; what comes nevertheless is a story of its own, with a new message. */
  ended?: boolean;
}

export interface Story extends Notice {
  /** Stays the same while the story goes on: it is one message. */
  story: string;
  /** What it is about, such as `deploy` or `node`. */
  kind: string;
  /** Service, stack or node. */
  subject: string;
}

/** The data of a notice's record: what never changes. */
export type StoryBase = Pick<Story, 'story' | 'kind' | 'subject'>;

export interface StoredNotice {
  base: StoryBase;
  notice: Notice;
  revision: number;
  delivery: Delivery;
  record: StoredRecord<StoryBase>;
}

/** Notices kept; what was told and has ended goes first. */
const kept = 100;
const longest = { title: 200, lines: 12, line: 400 };
/** Milliseconds that telling may hold up who tells. */
const limit = 10_000;

export const readNotice = (record: StoredRecord<StoryBase>): StoredNotice => ({
  base: record.data,
  notice: JSON.parse(record.labels.content ?? '{}') as Notice,
  revision: Number(record.labels.revision ?? 0),
  delivery: readDelivery(record.labels),
  record,
});

export const noticeLabels = (base: StoryBase, notice: Notice, revision: number, delivery: Delivery): Labels => ({
  kind: 'notice',
  about: base.kind,
  content: JSON.stringify(notice),
  revision: String(revision),
  ...(notice.ended ? {} : { open: 'yes' }),
  ...deliveryLabels(delivery, String(revision)),
});

/**
 * Puts a story, or what it has come to, where people will be told of it. It never throws into the work of who tells: what
 * cannot be told is logged.
 * @param ifOpen tells only what is the end of a story that was told and has not ended
 */
export async function tellStory(
  engine: Engine,
  story: Story,
  context: Context,
  { ifOpen = false }: { ifOpen?: boolean } = {},
): Promise<void> {
  if (context.signal.aborted) return;
  try {
    await limited(context.signal, limit, (signal) => putStory(engine, story, { ...context, signal }, ifOpen));
  } catch (error) {
    if (!context.signal.aborted) context.log.warn(`people were not told "${story.title}": ${messageOf(error)}`);
  }
}

/** As `tellStory`, for those whose work it is. @throws what the Engine says */
export async function putStory(engine: Engine, story: Story, context: Context, ifOpen = false): Promise<void> {
  const { story: id, kind, subject } = story;
  const base: StoryBase = { story: id, kind, subject };
  const notice = noticeOf(story, context);
  const name = recordName('notice', id);
  const read = () => readRecord<StoryBase>(engine, name, context);
  const change = (record: StoredRecord<StoryBase>) => {
    const before = readNotice(record);
    if (JSON.stringify(before.notice) === JSON.stringify(notice)) return undefined;
    if (ifOpen && before.notice.ended) return undefined;
    const anew = before.notice.ended && !notice.ended;
    return noticeLabels(base, notice, before.revision + 1, anew ? {} : before.delivery);
  };
  for (;;) {
    if (await changeRecord(engine, read, change, context)) return;
    if (ifOpen) return;
    if (!(await createRecord(engine, name, noticeLabels(base, notice, 1, {}), base, context))) continue;
    return tidy(engine, context);
  }
}

function noticeOf({ title, lines, level, ended }: Story, { masker }: Context): Notice {
  const clip = (text: string, length: number) => {
    const masked = masker(text);
    return masked.length <= length ? masked : `${masked.slice(0, length - 1)}\u2026`;
  };
  return {
    title: clip(title, longest.title),
    lines: lines.slice(0, longest.lines).map((line) => clip(line, longest.line)),
    level,
    ...(ended ? { ended } : {}),
  };
}

/** Removes the oldest notices beyond the number kept, and says so of those that nobody was told. */
async function tidy(engine: Engine, context: Context): Promise<void> {
  const all = await listNotices(engine, context);
  const weight = ({ record, notice }: StoredNotice) => (record.labels.untold ? 2 : 0) + (notice.ended ? 0 : 1);
  const surplus = [...all].sort((a, b) => weight(b) - weight(a)).slice(kept);
  for (const { record } of surplus) await removeRecord(engine, record.id, context);
  const lost = surplus.filter(({ record }) => record.labels.untold);
  if (lost.length > 0) context.log.warn(`${lost.length} notices were dropped that nobody was told: there are too many`);
}

/** All notices that are kept, or those that are open or untold; newest first. */
export async function listNotices(
  engine: Engine,
  context: Context,
  wanted: { open?: boolean; untold?: boolean; about?: string } = {},
): Promise<StoredNotice[]> {
  const labels = {
    kind: 'notice',
    ...(wanted.open ? { open: 'yes' } : {}),
    ...(wanted.untold ? { untold: 'yes' } : {}),
    ...(wanted.about ? { about: wanted.about } : {}),
  };
  const records = await listRecords<StoryBase>(engine, labels, context);
  return records.map(readNotice).sort((a, b) => (a.record.createdAt < b.record.createdAt ? 1 : -1));
}
