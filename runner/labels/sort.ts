import { nearest } from '../common/suggest';
import type { LabelProblem } from './description';
import {
  definitionOf,
  highestIndex,
  isLabelName,
  labelNames,
  longestService,
  longestValue,
  mostLabels,
  type LabelName,
} from './table';

/** A label that is known, as it was written. */
export interface WrittenLabel {
  name: LabelName;
  /** 0 without index. */
  index: number;
  /** Full name, with prefix and index. */
  label: string;
  /** Undefined where it cannot be read; that is told already. */
  text: string | undefined;
}

export interface SortedLabels {
  known: WrittenLabel[];
  others: Record<string, string>;
  problems: LabelProblem[];
}

const error = (label: string, message: string): LabelProblem => ({
  severity: 'error',
  label: nameOf(label),
  message: `${nameOf(label)} ${message}`,
});
const warning = (label: string, message: string): LabelProblem => ({ ...error(label, message), severity: 'warning' });

/** A label's name is as little to be trusted as its value. */
const nameOf = (label: string) => (label.length > 200 ? `${label.slice(0, 200)}…` : label);

/** Tells the labels under the prefix apart: known ones, others, and what is too much or too long. Empty ones are absent. */
export function sortLabels(labels: Record<string, string>, prefix: string): SortedLabels {
  const sorted: SortedLabels = { known: [], others: {}, problems: [] };
  const mine = Object.entries(labels).filter(([label]) => label.startsWith(prefix));
  if (mine.length > mostLabels) {
    sorted.problems.push(error(prefix, `has ${mine.length} labels; a service may have ${mostLabels}`));
    return sorted;
  }
  const bytes = mine.reduce((sum, [label, text]) => sum + Buffer.byteLength(label) + Buffer.byteLength(text), 0);
  if (bytes > longestService) {
    const [longest] = [...mine].sort(([, a], [, b]) => b.length - a.length)[0]!;
    const message = `is the longest of labels with ${bytes} bytes; all labels of a service may have ${longestService}`;
    sorted.problems.push(error(longest, message));
    return sorted;
  }
  const others: [string, string][] = [];
  for (const [label, text] of mine) sortLabel(label, text, label.slice(prefix.length), prefix, sorted, others);
  sorted.others = Object.fromEntries(others);
  return sorted;
}

function sortLabel(
  label: string,
  text: string,
  rest: string,
  prefix: string,
  sorted: SortedLabels,
  others: [string, string][],
): void {
  const [, base = rest, digits] = /^(.+)\.([1-9]\d{0,3})$/.exec(rest) ?? [];
  const name = isLabelName(rest) ? rest : isLabelName(base) ? base : undefined;
  const indexed = name !== undefined && name !== rest;
  const definition = name && definitionOf(name);
  if (!definition || (indexed && !definition.indexed)) {
    const message = definition
      ? `has an index, which ${name} does not take: it holds for the whole service; the label is ignored`
      : `is not known${suggestion(rest, prefix)}`;
    sorted.problems.push(warning(label, message));
    if (Buffer.byteLength(text) <= longestValue && !control.test(text)) others.push([rest, text]);
    return;
  }
  const written = definition.raw ? text.trim() : text.trim().replaceAll('\\ ', ' ');
  if (written === '') return;
  const longest = definition.longest ?? longestValue;
  const size = Buffer.byteLength(text);
  const known = { name: name!, index: indexed ? Number(digits) : 0, label };
  const refuse = (message: string) => {
    sorted.problems.push({ ...error(label, message), ...costsOf(name!) });
    sorted.known.push({ ...known, text: undefined });
  };
  if (size > longest) refuse(`has ${size} bytes; it may have ${longest}`);
  else if ((definition.raw ? controlButLines : control).test(written))
    refuse('has a control character, such as a line break, which is not allowed here');
  else {
    if (definition.remark) sorted.problems.push(warning(label, definition.remark));
    sorted.known.push({ ...known, text: written });
  }
}

/** What an error in a label costs: an alert or the metrics are left out alone. */
export function costsOf(name: LabelName): Pick<LabelProblem, 'costs'> {
  const { group } = definitionOf(name);
  return group === 'alerts' ? { costs: 'alert' } : group === 'scrape' ? { costs: 'metrics' } : {};
}

const control = /[\u0000-\u001f\u007f]/; // eslint-disable-line no-control-regex
const controlButLines = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/; // eslint-disable-line no-control-regex

/** The nearest name that is known; longer words than any name are no slip of one. */
function suggestion(rest: string, prefix: string): string {
  const [, base = rest, digits = ''] = /^(.+?)(\.\d+)?$/s.exec(rest) ?? [];
  if (isLabelName(base)) return ` (an index is a number from 1 to ${highestIndex}); it is ignored`;
  const match = base.length > 40 ? undefined : nearest(base, labelNames);
  return match ? ` (did you mean '${prefix}${match}${digits}'?)` : '; it is kept for the monitor';
}
