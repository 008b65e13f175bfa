import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LineCounter, parseDocument, type Document } from 'yaml';
import type { Context, Environment } from '../common/context';
import { fail } from '../common/errors';
import { interpolate } from '../common/interpolate';
import { didYouMean } from '../common/suggest';
import { valueOf } from '../common/yaml-file';

export type Tree = Record<string, unknown>;

/** A Compose v3 stack file: as written, and as it reads with the environment filled in. */
export interface StackFile {
  file: string;
  folder: string;
  /** Variables not yet filled in: the docker client does that, with its own types. */
  tree: Tree;
  /** With variables filled in, for decisions. */
  resolved: Tree;
}

export interface StackService extends Tree {
  image?: string;
  deploy?: Tree & { labels?: unknown; replicas?: unknown; mode?: string; update_config?: Tree };
  networks?: unknown;
  healthcheck?: Tree;
  ports?: unknown[];
}

/**
 * Reads a stack file and refuses what cannot be deployed.
 * @throws STACK_MISSING, STACK_INVALID, VARIABLE_UNRESOLVED
 */
export async function readStackFile(file: string, folder: string, context: Context): Promise<StackFile> {
  const full = path.resolve(folder, file);
  const text = await readFile(full, 'utf8').catch((error: NodeJS.ErrnoException) =>
    fail('STACK_MISSING', `there is no stack file ${file}`, {
      cause: error.code === 'ENOENT' ? `looked for ${full}` : error.message,
    }),
  );
  return parseStackFile(text, file, path.dirname(full), context.env);
}

const foreignTags = new Set(['tag:yaml.org,2002:timestamp', 'tag:yaml.org,2002:bool']);

/**
 * The YAML of a stack file. Compose files are YAML 1.1 (0440 is octal), but the docker client knows neither base-60
 * numbers nor dates, and takes yes, no, on and off for texts (https://github.com/go-yaml/yaml/tree/v3#compatibility).
 * @throws STACK_INVALID naming every place that is no YAML
 */
export function parseStackYaml(
  text: string,
  file: string,
): { document: Document; counter: LineCounter; tree: unknown } {
  const counter = new LineCounter();
  const document = parseDocument(text, {
    version: '1.1',
    merge: true,
    lineCounter: counter,
    prettyErrors: false,
    customTags: (tags) => [
      ...tags.filter(
        (tag) => typeof tag === 'string' || (!('format' in tag && tag.format === 'TIME') && !foreignTags.has(tag.tag)),
      ),
      'bool',
      'intOct',
    ],
  });
  if (document.errors.length > 0) {
    const lines = document.errors.map((error) => {
      const { line, col } = counter.linePos(error.pos[0]);
      return `${file}:${line}:${col} ${error.message}`;
    });
    fail('STACK_INVALID', `${file} is not valid YAML`, { evidence: lines });
  }
  return { document, counter, tree: valueOf(document, counter, file, 'STACK_INVALID', 1000) };
}

export function parseStackFile(text: string, file: string, folder: string, env: Environment): StackFile {
  const { tree } = parseStackYaml(text, file);
  if (!isTree(tree) || !isTree(tree.services) || Object.keys(tree.services).length === 0)
    fail('STACK_INVALID', `${file} has no services`, { remedy: 'Write a Compose v3 file with a `services:` map.' });
  const unresolved = new Map<string, string>();
  const illegal: string[] = [];
  const resolved = Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [
      key,
      sections.has(key) ? resolveTree(value, env, key, unresolved, illegal) : value,
    ]),
  );
  if (illegal.length > 0) {
    const evidence = illegal.map((at) => `${at}: a $ that no variable follows; write $$ for the sign itself`);
    fail('STACK_INVALID', `${file} has a $ that the docker client refuses`, { evidence });
  }
  if (unresolved.size > 0) {
    const lines = [...unresolved].map(([name, at]) => `\${${name}} at ${at}`);
    fail(
      'VARIABLE_UNRESOLVED',
      `${file} uses ${lines.length === 1 ? 'a variable' : 'variables'} without value or default`,
      { evidence: lines },
    );
  }
  const problems = Object.entries(servicesOf({ resolved } as StackFile)).flatMap(([name, service]) =>
    problemsOf(name, service),
  );
  if (problems.length > 0) fail('STACK_INVALID', `${file} cannot be deployed`, { evidence: problems });
  return { file, folder, tree, resolved };
}

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where the docker client fills in variables; elsewhere (x-…, version) it does not. */
const sections = new Set(['services', 'networks', 'volumes', 'configs', 'secrets']);

/** A value with its variables filled in; what has none is collected by name, with its first place. */
export function resolveTree(
  value: unknown,
  env: Environment,
  at: string,
  unresolved: Map<string, string>,
  illegal: string[],
): unknown {
  if (typeof value === 'string') {
    const result = interpolate(value, env);
    for (const name of result.unresolved) if (!unresolved.has(name)) unresolved.set(name, at);
    if (result.illegal) illegal.push(at);
    return result.text;
  }
  if (Array.isArray(value))
    return value.map((item, index) => resolveTree(item, env, `${at}[${index}]`, unresolved, illegal));
  if (isTree(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, resolveTree(item, env, `${at}.${key}`, unresolved, illegal)]),
    );
  return value;
}

function problemsOf(name: string, service: StackService): string[] {
  if (!isTree(service)) return [`services.${name} is empty`];
  if ('build' in service)
    return [`services.${name}.build: a stack file cannot build; name an image (homeostat.yml says how it is built)`];
  const { deploy } = service;
  if (deploy !== undefined && deploy !== null && !isTree(deploy)) return [`services.${name}.deploy is not a map`];
  const replicas = deploy?.replicas ?? 1;
  if (!/^\d{1,9}$/.test(String(replicas)))
    return [`services.${name}.deploy.replicas is '${String(replicas).slice(0, 80)}', which is not a whole number`];
  return [];
}

export const servicesOf = (stack: Pick<StackFile, 'resolved'>): Record<string, StackService> =>
  stack.resolved.services as Record<string, StackService>;

/** @throws STACK_INVALID when the stack has no such service */
export function requireService(stack: StackFile, name: string): StackService {
  const services = servicesOf(stack);
  const names = Object.keys(services);
  return (
    (Object.hasOwn(services, name) ? services[name] : undefined) ??
    fail('STACK_INVALID', `${stack.file} has no service '${name}'${didYouMean(name, names)}`, {
      cause: `its services: ${names.join(', ')}`,
      remedy: 'Name the service in the stack file as `name:` in homeostat.yml does.',
    })
  );
}

/** Labels of a service's `deploy` section, from list or map form. */
export function deployLabels(service: StackService): Record<string, string> {
  const labels = service.deploy?.labels;
  if (Array.isArray(labels)) {
    return Object.fromEntries(
      labels.map((label) => {
        const [key, ...value] = String(label).split('=');
        return [key!, value.join('=')];
      }),
    );
  }
  return isTree(labels)
    ? Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value ?? '')]))
    : {};
}

/** A copy of the stack with one service changed. */
export function changeService(tree: Tree, name: string, change: (service: StackService) => StackService): Tree {
  const services = tree.services as Record<string, StackService>;
  return { ...tree, services: { ...services, [name]: change(services[name]!) } };
}

/** The text for `docker stack deploy -c -`: JSON is YAML, and leaves nothing to interpretation. */
export function renderStack(tree: Tree): string {
  return JSON.stringify({
    ...tree,
    version: typeof tree.version === 'string' && /^3/.test(tree.version) ? tree.version : '3.8',
  });
}
