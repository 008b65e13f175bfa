import { LineCounter, parseDocument, visit, type Document } from 'yaml';
import type { z } from 'zod';
import { fail, messageOf } from './errors';
import type { ErrorCode } from './error-table';
import { didYouMean } from './suggest';

export interface Problem {
  path: (string | number)[];
  message: string;
}

/**
 * Reads a YAML text by a schema. All problems are reported at once, each with file, line and column; an unknown key
 * comes with the nearest known one. `more` finds what a schema cannot say, in the file as it was read.
 * @throws the given error code
 */
export function readYaml<S extends z.ZodType>(
  text: string,
  file: string,
  schema: S,
  code: ErrorCode,
  more: (value: unknown) => Problem[] = () => [],
): z.output<S> {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, merge: true });
  if (document.errors.length > 0) {
    const lines = document.errors.map((error) => {
      const { line, col } = counter.linePos(error.pos[0]);
      return `${file}:${line}:${col} ${error.message}`;
    });
    fail(code, `${file} is not valid YAML`, { evidence: lines });
  }
  const value = valueOf(document, counter, file, code, 100) ?? {};
  const parsed = schema.safeParse(value);
  const further = more(value).map(({ path, message }) => ({ path, message: `'${path.join('.')}' ${message}` }));
  if (parsed.success && further.length === 0) return parsed.data;
  const issues = parsed.success ? [] : parsed.error.issues;
  const problems = [...issues.flatMap((issue) => problemsOf(issue as Issue, schema, value)), ...further];
  const lines = problems
    .map(({ path, message }) => ({ at: positionOf(document, counter, path), message }))
    .sort((a, b) => a.at.line - b.at.line || a.at.col - b.at.col)
    .map(({ at, message }) => `${file}:${at.line}:${at.col} ${message}`);
  return fail(code, `${file} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}`, {
    evidence: lines,
  });
}

/**
 * The document as plain data, with aliases filled in: `yaml` finds an alias without anchor, and one that multiplies
 * what it stands for beyond all measure, only now.
 * @throws the given error code
 */
export function valueOf(
  document: Document,
  counter: LineCounter,
  file: string,
  code: ErrorCode,
  maxAliasCount: number,
): unknown {
  try {
    return document.toJS({ maxAliasCount });
  } catch (error) {
    let last: number | undefined;
    let unresolved: number | undefined;
    visit(document, {
      Alias(_key, node) {
        last = node.range?.[0];
        if (!node.resolve(document)) unresolved ??= last;
      },
    });
    const { line, col } = counter.linePos(unresolved ?? last ?? 0);
    return fail(code, `${file} is not valid YAML`, { evidence: [`${file}:${line}:${col} ${messageOf(error)}`] });
  }
}

interface Issue {
  code: string;
  path: (string | number)[];
  message: string;
  keys?: string[];
  errors?: Issue[][];
}

function problemsOf(issue: Issue, schema: z.ZodType, value: unknown): Problem[] {
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return issue.keys!.map((key) => ({
      path: [...issue.path, key],
      message: `unknown key '${[...issue.path, key].join('.')}'${didYouMean(key, known)}`,
    }));
  }
  if (issue.code === 'invalid_union' && issue.errors) {
    // Of the alternatives the one that got furthest explains best.
    const deepest = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0];
    if (deepest && depth(deepest) > 0)
      return deepest.flatMap((inner) => problemsOf({ ...inner, path: [...issue.path, ...inner.path] }, schema, value));
    const given = issue.path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)?.[key], value);
    const advice = ['number', 'boolean'].includes(typeof given) ? '; put it in quotes' : '';
    const allowed = issue.message === 'Invalid input' ? `, which is not allowed here${advice}` : `; ${issue.message}`;
    return [{ path: issue.path, message: `'${at}' is ${shown(given)}${allowed}` }];
  }
  if (issue.code === 'invalid_type' && /received undefined/.test(issue.message) && at)
    return [{ path: issue.path, message: `'${at}' is required` }];
  return [{ path: issue.path, message: `${at ? `'${at}': ` : ''}${issue.message}` }];
}

const shown = (value: unknown) => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};

const depth = (issues: Issue[]) =>
  Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)));

interface Definition {
  type: string;
  shape?: Record<string, z.ZodType>;
  innerType?: z.ZodType;
  in?: z.ZodType;
  element?: z.ZodType;
  valueType?: z.ZodType;
  options?: z.ZodType[];
}

const definitionOf = (schema: z.ZodType) => (schema as unknown as { _zod: { def: Definition } })._zod.def;

/** Known keys of the object that the schema has at a path. */
function keysAt(schema: z.ZodType, path: (string | number)[]): string[] {
  const definition = definitionOf(schema);
  const inner = definition.innerType ?? definition.in;
  if (inner) return keysAt(inner, path);
  if (definition.options) return definition.options.flatMap((option) => keysAt(option, path));
  if (path.length === 0) return Object.keys(definition.shape ?? {});
  const next = definition.shape?.[String(path[0])] ?? definition.element ?? definition.valueType;
  return next ? keysAt(next, path.slice(1)) : [];
}

/** Line and column of the key, or of the nearest thing above it that is there. */
function positionOf(
  document: Document,
  counter: LineCounter,
  path: (string | number)[],
): { line: number; col: number } {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const items =
      (parent as { items?: { key?: { value?: unknown; range?: number[] }; range?: number[] }[] } | undefined)?.items ??
      [];
    const wanted = path[length - 1];
    const pair =
      items.find((item) => item.key && String(item.key.value) === String(wanted)) ??
      (typeof wanted === 'number' ? items[wanted] : undefined);
    const range = pair?.key?.range ?? pair?.range;
    if (range) return counter.linePos(range[0]!);
  }
  return { line: 1, col: 1 };
}
