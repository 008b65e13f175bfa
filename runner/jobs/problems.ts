import { isMap, isPair, isScalar, type Document, type LineCounter, type Node } from 'yaml';
import type { z } from 'zod';
import { didYouMean } from '../common/suggest';
import type { Problem } from './relations';
import { knownKeys } from './schema';

/** One line for each problem: file, line, column, key and what is wrong, in the order of the file. */
export function describeProblems(file: string, document: Document, lines: LineCounter, problems: Problem[]): string[] {
  return problems
    .map((problem) => ({ ...problem, offset: offsetOf(document, problem.path) }))
    .sort((a, b) => a.offset - b.offset)
    .map(({ path, message, offset }) => {
      const { line, col } = lines.linePos(offset);
      return `${file}:${line}:${col}: ${path.length > 0 ? `${path.join('.')} ` : ''}${message}`;
    });
}

/** The schema's findings in words; an unknown key is named with the nearest known one. */
export function schemaProblems(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  prefix: (string | number)[] = [],
): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = [...prefix, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(path);
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `is not a known key${didYouMean(key, known)}; known are ${known.join(', ')}`,
      }));
    }
    if (issue.code === 'invalid_union') {
      const inner = issue.errors.find((each) => each.some((one) => one.code === 'unrecognized_keys'));
      if (inner) return schemaProblems(inner, value, path);
      const given = at(value, path);
      const advice = ['number', 'boolean'].includes(typeof given) ? '; put it in quotes' : '';
      return [{ path, message: `is ${shown(given)}, which is not allowed here${advice}` }];
    }
    if (issue.code === 'invalid_type') {
      const given = at(value, path);
      return [{ path, message: given === undefined ? 'is missing' : `is ${shown(given)}, not a ${issue.expected}` }];
    }
    return [{ path, message: issue.message }];
  });
}

const at = (value: unknown, path: (string | number)[]) =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value);

const shown = (value: unknown) => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};

/** Where the key of that path stands, or the nearest mapping around it that exists. */
function offsetOf(document: Document, path: (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = (document.contents as Node | null)?.range?.[0] ?? 0;
  for (const key of path) {
    const pair = isMap(node)
      ? node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key))
      : undefined;
    const next: unknown = pair
      ? pair.value
      : (node as { get?: (key: unknown, keep: boolean) => unknown })?.get?.(key, true);
    const start = (pair ? (pair.key as Node) : (next as Node | undefined))?.range?.[0];
    if (start === undefined) break;
    offset = start;
    node = next;
  }
  return offset;
}
