import type { Document, LineCounter } from 'yaml';
import type { Environment } from '../common/context';
import { interpolate } from '../common/interpolate';
import { isTree, type Tree } from './stack-file';
import { lineAt } from './yaml-places';

/** Something about a stack file that a person has to know. */
export interface StackProblem {
  severity: 'error' | 'warning';
  file: string;
  line?: number;
  column?: number;
  label?: string;
  message: string;
}

/** `file:line:column`, as far as they are known. */
export const placeOf = ({ file, line, column }: StackProblem): string =>
  [file, line, column].filter((part) => part !== undefined).join(':');

/** A stack file that is being read. */
export interface Reading {
  file: string;
  stack: string;
  document: Document;
  counter: LineCounter;
  tree: Tree;
  prefix: string;
  env: Environment;
}

export interface WrittenLabel {
  text: string;
  line: number;
}

/** Labels of a section in list or map form, with variables filled in; every broken form is told. */
export function labelsIn(reading: Reading, at: string[], problems: StackProblem[]): Map<string, WrittenLabel> {
  const { file, document, counter, tree, env, prefix } = reading;
  const found = new Map<string, WrittenLabel>();
  const section = at.slice(2).join('.');
  const labels = at.reduce<unknown>((value, key) => (isTree(value) ? value[key] : undefined), tree);
  const tell = (severity: StackProblem['severity'], line: number, message: string, label?: string) =>
    problems.push({ severity, file, line, message, ...(label === undefined ? {} : { label }) });
  const fill = (text: string, line: number, name: string) => {
    const { text: filled, unresolved, illegal } = interpolate(text, env);
    if (illegal) tell('error', line, `${name} has a $ that the docker client refuses: write $$ for the sign itself`);
    for (const each of unresolved)
      tell('warning', line, `${name} uses the variable ${each}, which has no value: it counts as empty`);
    return filled;
  };
  const add = (label: string, text: string, line: number) => {
    if (found.has(label) && label.startsWith(prefix))
      tell('warning', line, `${label} is there twice; the last one counts`, label);
    found.set(label, { text, line });
  };
  const addItem = (item: unknown, index: number) => {
    const line = lineAt(document, counter, [...at, index]);
    if (typeof item !== 'string') {
      tell('error', line, `item ${index + 1} of ${section} is no text: write NAME=VALUE${hintFor(item)}`);
      return;
    }
    const [written, value] = cut(item);
    if (value === undefined && item.startsWith(prefix))
      tell('warning', line, `${written} has no '=', so its value is empty`, written);
    const [label, text = ''] = cut(fill(item, line, written));
    add(label, text, line);
  };
  const addEntry = (label: string, value: unknown) => {
    const line = lineAt(document, counter, [...at, label]);
    if (typeof value === 'object' && value !== null) tell('error', line, `${label} is no text`, label);
    else add(label, fill(String(value ?? ''), line, label), line);
  };
  if (Array.isArray(labels)) labels.forEach(addItem);
  else if (isTree(labels)) for (const [label, value] of Object.entries(labels)) addEntry(label, value);
  else if (labels !== undefined && labels !== null)
    tell('error', lineAt(document, counter, at), `${section} is neither a list nor a map`);
  return found;
}

/** Values hold `=` too: the first one counts. */
function cut(item: string): [label: string, text?: string] {
  const at = item.indexOf('=');
  return at < 0 ? [item] : [item.slice(0, at), item.slice(at + 1)];
}

/** `- name: value` is a map in a list, which is easily written and not what was meant. */
function hintFor(item: unknown): string {
  const [entry] = isTree(item) ? Object.entries(item) : [];
  return entry ? `, here '${entry[0].slice(0, 80)}=…'` : '';
}
