import { Refusal, refused } from './definition';
import type { LabelProblem, LabelSettings } from './description';
import { costsOf, sortLabels } from './sort';
import { definitionOf, isLabelName, type LabelName, type ValueOf } from './table';

/** The labels of one service, each read once. */
export interface Labels {
  /** The value of that index, else the one without index, else the operator's default. */
  get<Name extends LabelName>(name: Name, index?: number): ValueOf<Name> | undefined;
  /** The value of exactly that index. */
  own<Name extends LabelName>(name: Name, index?: number): ValueOf<Name> | undefined;
  /** Indexes that any of these labels has, in order; 0 where it has none. */
  indexes(names: readonly LabelName[]): number[];
  /** Whether the service has any of these, right or wrong. */
  has(names: readonly LabelName[]): boolean;
  /** Whether the value that counts for that index was refused. */
  wrong(name: LabelName, index?: number): boolean;
  error(name: LabelName, index: number, message: string): void;
  warn(name: LabelName, index: number, message: string): void;
  others: Record<string, string>;
  problems: LabelProblem[];
  settings: LabelSettings;
}

interface Entry {
  /** Undefined where the text was refused. */
  value: unknown;
  label: string;
}

/** Reads all labels under the prefix; what is wrong is told in `problems`, and then counts as absent. */
export function readLabels(labels: Record<string, string>, settings: LabelSettings): Labels {
  const { known, others, problems } = sortLabels(labels, settings.prefix);
  const entries = new Map<LabelName, Map<number, Entry>>();
  for (const { name, index, label, text } of known) {
    const value = text === undefined ? refused : readValue(name, text, settings.separator);
    if (value instanceof Refusal && text !== undefined)
      problems.push({ severity: 'error', label, message: explain(name, label, text, value), ...costsOf(name) });
    if (!entries.has(name)) entries.set(name, new Map());
    entries.get(name)!.set(index, { value: value instanceof Refusal ? undefined : value, label });
  }
  const defaults = new Map<LabelName, unknown>();
  for (const [name, text] of Object.entries(settings.defaults)) {
    const value =
      isLabelName(name) && text.trim() !== '' ? readValue(name, text.trim(), settings.separator) : undefined;
    if (value !== undefined && !(value instanceof Refusal)) defaults.set(name as LabelName, value);
  }
  const entryOf = (name: LabelName, index: number) => entries.get(name)?.get(index) ?? entries.get(name)?.get(0);
  const tell = (severity: LabelProblem['severity'], name: LabelName, index: number, message: string) => {
    const label = entryOf(name, index)?.label ?? `${settings.prefix}${name}${index > 0 ? `.${index}` : ''}`;
    const costs = severity === 'error' ? costsOf(name) : {};
    const problem = { severity, label, message: `${label} ${message}`, ...costs };
    // Several routes may take the same value from the label without index.
    if (!problems.some((each) => each.message === problem.message)) problems.push(problem);
  };
  return {
    get: <Name extends LabelName>(name: Name, index = 0) => {
      const entry = entryOf(name, index);
      return (entry ? entry.value : defaults.get(name)) as ValueOf<Name> | undefined;
    },
    own: <Name extends LabelName>(name: Name, index = 0) =>
      entries.get(name)?.get(index)?.value as ValueOf<Name> | undefined,
    indexes: (names) =>
      [...new Set(names.flatMap((name) => [...(entries.get(name)?.keys() ?? [])]))].sort((a, b) => a - b),
    has: (names) => names.some((name) => entries.has(name)),
    wrong: (name, index = 0) => {
      const entry = entryOf(name, index);
      return entry !== undefined && entry.value === undefined;
    },
    error: (name, index, message) => tell('error', name, index, message),
    warn: (name, index, message) => tell('warning', name, index, message),
    others,
    problems,
    settings,
  };
}

const readValue = (name: LabelName, text: string, separator: string) => definitionOf(name).form.read(text, separator);

function explain(name: LabelName, label: string, text: string, { reason }: Refusal): string {
  const { form, secret } = definitionOf(name);
  const told = secret ? 'has a value that is not allowed' : (reason ?? `is '${shown(text)}'`);
  return `${label} ${told}; it must be ${form.allowed}`;
}

const shown = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text);
