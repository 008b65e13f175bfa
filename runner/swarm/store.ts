import { createHash } from 'node:crypto';
import type { Context } from '../common/context';
import { ask, isOutOfSequence, request, statusOf, type Engine } from '../common/engine';

/**
 * The Swarm's own Raft store as a database: config objects whose data never changes and whose labels do, by
 * compare-and-swap on the version. Creating a name that exists fails, which makes creation a mutex.
 */
export interface StoredRecord<T> {
  id: string;
  name: string;
  version: number;
  labels: Record<string, string>;
  data: T;
  createdAt: string;
}

const prefix = 'com.homeostat.';
const maximumNameLength = 64;

/** A record's name: kind, a hash of the subject (names of configs are short), and further parts. */
export function recordName(kind: string, subject: string, ...parts: (string | number)[]): string {
  const hash = createHash('sha256').update(subject).digest('hex').slice(0, 12);
  return ['homeostat', kind, hash, ...parts].join('-').slice(0, maximumNameLength);
}

interface Config {
  ID: string;
  Version: { Index: number };
  CreatedAt: string;
  Spec: { Name: string; Labels?: Record<string, string>; Data: string };
}

function fromConfig<T>(config: Config): StoredRecord<T> {
  const labels = Object.fromEntries(
    Object.entries(config.Spec.Labels ?? {})
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
  return {
    id: config.ID,
    name: config.Spec.Name,
    version: config.Version.Index,
    createdAt: config.CreatedAt,
    labels,
    data: JSON.parse(Buffer.from(config.Spec.Data, 'base64').toString()) as T,
  };
}

const withPrefix = (labels: Record<string, string>) =>
  Object.fromEntries(Object.entries(labels).map(([key, value]) => [prefix + key, value]));

/** Creates a record; false when the name is taken. */
export async function createRecord(
  engine: Engine,
  name: string,
  labels: Record<string, string>,
  data: object,
  context: Context,
): Promise<boolean> {
  const body = { Name: name, Labels: withPrefix(labels), Data: Buffer.from(JSON.stringify(data)).toString('base64') };
  return ask(context, `storing ${name}`, () => request(engine, 'POST', '/configs/create', { body }), [409]).then(
    () => true,
    (error: unknown) => {
      if (statusOf(error) === 409) return false;
      throw error;
    },
  );
}

/** The record of that name, or undefined. */
export async function readRecord<T>(
  engine: Engine,
  name: string,
  context: Context,
): Promise<StoredRecord<T> | undefined> {
  // Inspecting by name is not offered for configs by every version of the API, so the list is filtered.
  const found = await listConfigs(engine, { name: [name] }, context);
  const exact = found.find((config) => config.Spec.Name === name);
  return exact ? fromConfig<T>(exact) : undefined;
}

/** All records that carry these labels. */
export async function listRecords<T>(
  engine: Engine,
  labels: Record<string, string>,
  context: Context,
): Promise<StoredRecord<T>[]> {
  const wanted = Object.entries(withPrefix(labels)).map(([key, value]) => `${key}=${value}`);
  return (await listConfigs(engine, { label: wanted }, context)).map((config) => fromConfig<T>(config));
}

function listConfigs(engine: Engine, filters: object, context: Context): Promise<Config[]> {
  return ask(context, 'reading the store', () => request<Config[]>(engine, 'GET', '/configs', { query: { filters } }));
}

/** Replaces the labels of a record if nobody changed it since it was read; false when somebody did, or it is gone. */
export async function relabelRecord<T>(
  engine: Engine,
  record: StoredRecord<T>,
  labels: Record<string, string>,
  context: Context,
): Promise<boolean> {
  const body = {
    Name: record.name,
    Labels: withPrefix(labels),
    Data: Buffer.from(JSON.stringify(record.data)).toString('base64'),
  };
  return ask(
    context,
    `updating ${record.name}`,
    () => request(engine, 'POST', `/configs/${record.id}/update`, { query: { version: record.version }, body }),
    [404],
  ).then(
    () => true,
    (error: unknown) => {
      if (isOutOfSequence(error) || statusOf(error) === 404) return false;
      throw error;
    },
  );
}

/** Removes a record; one that is gone already is fine. */
export async function removeRecord(engine: Engine, id: string, context: Context): Promise<void> {
  await ask(context, 'removing a record', () => request(engine, 'DELETE', `/configs/${id}`), [404]).catch(
    (error: unknown) => {
      if (statusOf(error) !== 404) throw error;
    },
  );
}
