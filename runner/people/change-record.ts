import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import { relabelRecord, type StoredRecord } from '../swarm/store';

export type Labels = Record<string, string>;

const tries = 30;
/** Milliseconds. */
const longestPause = 60;

/**
 * Changes the labels of a record by compare-and-swap: reads, decides, writes, and begins anew when somebody was faster.
 * @param decide the next labels, or undefined to leave it as it is
 * @returns the record as it was when the decision was made; undefined when there is none
 * @throws CONFLICT
 */
export async function changeRecord<T>(
  engine: Engine,
  read: () => Promise<StoredRecord<T> | undefined>,
  decide: (record: StoredRecord<T>) => Labels | undefined,
  context: Context,
): Promise<StoredRecord<T> | undefined> {
  for (let count = 0; count < tries; count++) {
    const record = await read();
    if (!record) return undefined;
    const labels = decide(record);
    if (!labels || (await relabelRecord(engine, record, labels, context))) return record;
    await context.clock.sleep(Math.random() * longestPause, context.signal);
  }
  return fail('CONFLICT', `a record of the store was changed by others ${tries} times in a row`);
}

/** Labels without those that have no value. */
export const presentLabels = (labels: Record<string, string | undefined>): Labels =>
  Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
