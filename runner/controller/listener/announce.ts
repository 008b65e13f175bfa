import type { Parameters } from './parameters';
import type { Notice } from './queue';

/** Something that is told of: how it is announced, and how its end is. */
export interface Subject {
  name: string;
  create: Parameters;
  remove: Parameters;
}

/**
 * Compares what is there with what was told: what is new or different is announced, what has gone is removed.
 * @param told text of the last notice of each subject, by this process; empty at its start, so that all is told again
 * @param announced what may be known to those who listen, also from before a restart, with what its removal says
 * @param later subjects that are there and not ready to be announced
 */
export function announce(
  present: Subject[],
  told: ReadonlyMap<string, string>,
  announced: ReadonlyMap<string, Parameters>,
  later: ReadonlySet<string> = new Set(),
): Map<string, Notice> {
  const names = new Set(present.map(({ name }) => name));
  const gone = [...announced]
    .filter(([name]) => !names.has(name) && !later.has(name))
    .map(([name, parameters]) => [name, { kind: 'remove', parameters }] as const);
  const there = present.map(({ name, create }) => [name, { kind: 'create', parameters: create }] as const);
  return new Map<string, Notice>([...gone, ...there].filter(([name, notice]) => told.get(name) !== textOf(notice)));
}

/** The same notice gives the same text; removals are the same whatever they say. */
export const textOf = ({ kind, parameters }: Notice): string =>
  kind === 'remove' ? kind : JSON.stringify(Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1)));
