import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { fail, HomeostatError } from '../common/errors';
import { isTree, parseStackYaml, resolveTree, type StackService } from './stack-file';
import { labelsIn, placeOf, type Reading, type StackProblem, type WrittenLabel } from './written-labels';
import { lineAt } from './yaml-places';

/** A service of a stack file with its labels, as the Swarm would have it. */
export interface StackLabels {
  file: string;
  line: number;
  /** `<stack>_<service>` */
  name: string;
  stack: string;
  service: string;
  /** Those of `deploy`, and the one by which the docker client marks the stack. */
  labels: Record<string, string>;
  /** Those of the container, which nobody reads. */
  containerLabels: Record<string, string>;
  /** Lines of the labels of `deploy`. */
  lines: Record<string, number>;
  /** Undefined for a global service. */
  replicas?: number;
  /** As the Engine has it, such as `['CMD-SHELL', 'curl …']`. */
  healthcheck?: string[];
  /** Full names in the Swarm. */
  networks: string[];
  update: { parallelism?: number; startFirst: boolean };
  problems: StackProblem[];
}

/**
 * The labelled services of stack files, also of old ones that could not be deployed any more: only their labels are
 * looked at. A stack has its file's name, or that of the folder where the file is called stack.yml and the like.
 * @throws STACK_MISSING, STACK_INVALID naming every problem of every file
 */
export async function labelledServices(files: string[], context: Context, prefix = 'com.df.'): Promise<StackLabels[]> {
  const { services, problems } = await readStackLabels(files, prefix, context);
  if (problems.length === 0) return services;
  const evidence = problems.map((problem) => `${placeOf(problem)} ${problem.message}`);
  const missing = problems.some(({ message }) => message.startsWith(missingFile));
  return fail(missing ? 'STACK_MISSING' : 'STACK_INVALID', 'not every stack file can be read', { evidence });
}

const missingFile = 'cannot be read';

/** The same, with the problems of whole files beside the services of the others. */
export async function readStackLabels(
  files: string[],
  prefix: string,
  context: Context,
): Promise<{ services: StackLabels[]; problems: StackProblem[] }> {
  const problems: StackProblem[] = [];
  const services: StackLabels[] = [];
  for (const file of files) {
    try {
      services.push(...(await servicesIn(file, prefix, problems, context)));
    } catch (error) {
      if (!(error instanceof HomeostatError)) throw error;
      for (const line of error.evidence) problems.push(problemOfLine(line, file));
    }
  }
  return { services, problems };
}

/** `file:line:column message`, as the YAML reader tells it. */
function problemOfLine(text: string, file: string): StackProblem {
  const [, line, column, message] = /^:(\d+):(\d+) (.*)$/s.exec(text.slice(file.length)) ?? [];
  return {
    severity: 'error',
    file,
    line: Number(line),
    column: Number(column),
    message: `is not valid YAML: ${message}`,
  };
}

async function servicesIn(file: string, prefix: string, problems: StackProblem[], context: Context) {
  const full = path.resolve(context.cwd, file);
  let text: string;
  try {
    text = await readFile(full, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    problems.push({
      severity: 'error',
      file,
      message: `${missingFile}: ${code === 'ENOENT' ? 'there is no such file' : message}`,
    });
    return [];
  }
  const { document, counter, tree } = parseStackYaml(text, file);
  if (!isTree(tree) || !isTree(tree.services) || Object.keys(tree.services).length === 0) {
    problems.push({
      severity: 'error',
      file,
      message: 'has no services: a Compose file with a `services:` map is expected',
    });
    return [];
  }
  const reading = { file, stack: stackOf(full), document, counter, tree, prefix, env: context.env };
  return Object.entries(tree.services).map(([service, value]) => serviceIn(reading, service, value));
}

const usualNames = /^(?:stack|docker-stack|docker-compose|compose)$/;

/** The name of the stack that a file is for. */
export function stackOf(full: string): string {
  const name = path.basename(full).replace(/\.[^.]+$/, '');
  return (usualNames.test(name) ? path.basename(path.dirname(full)) || name : name)
    .replace(/[^\w-]+/g, '-')
    .toLowerCase();
}

function serviceIn(reading: Reading, service: string, written: unknown): StackLabels {
  const { file, stack, document, counter, tree, env, prefix } = reading;
  const value: StackService = isTree(written) ? written : {};
  const resolve = (part: unknown) => resolveTree(part, env, '', new Map(), []);
  const deploy = isTree(value.deploy) ? value.deploy : {};
  const problems: StackProblem[] = [];
  const labelsAt = (...at: string[]) => labelsIn(reading, ['services', service, ...at], problems);
  const own = labelsAt('deploy', 'labels');
  const container = labelsAt('labels');
  for (const [label, { line }] of container)
    if (label.startsWith(prefix) && !own.has(label))
      problems.push({
        severity: 'warning',
        file,
        line,
        label,
        message: `${label} is a label of the container, which nobody reads: write it under deploy.labels`,
      });
  const update = resolve(deploy.update_config);
  const mode = resolve(deploy.mode);
  const replicas = Number(resolve(deploy.replicas) ?? 1);
  return {
    file,
    line: lineAt(document, counter, ['services', service]),
    name: `${stack}_${service}`,
    stack,
    service,
    labels: { ...textsOf(own), 'com.docker.stack.namespace': stack },
    containerLabels: textsOf(container),
    lines: Object.fromEntries([...own].map(([label, { line }]) => [label, line])),
    ...(mode === 'global' || !Number.isSafeInteger(replicas) || replicas < 0 ? {} : { replicas }),
    ...healthcheckOf(resolve(value.healthcheck)),
    networks: networksOf(stack, resolve(value.networks), resolve(tree.networks)),
    update: {
      ...(isTree(update) && Number.isSafeInteger(update.parallelism)
        ? { parallelism: update.parallelism as number }
        : {}),
      startFirst: isTree(update) && update.order === 'start-first',
    },
    problems,
  };
}

const textsOf = (labels: Map<string, WrittenLabel>) =>
  Object.fromEntries([...labels].map(([label, { text }]) => [label, text]));

function healthcheckOf(written: unknown): { healthcheck?: string[] } {
  if (!isTree(written) || written.disable === true) return {};
  const { test } = written;
  if (typeof test === 'string') return { healthcheck: ['CMD-SHELL', test] };
  return Array.isArray(test) && test[0] !== 'NONE' ? { healthcheck: test.map(String) } : {};
}

function networksOf(stack: string, written: unknown, all: unknown): string[] {
  const keys = Array.isArray(written) ? written.map(String) : isTree(written) ? Object.keys(written) : ['default'];
  return keys.map((key) => {
    const network = isTree(all) && Object.hasOwn(all, key) && isTree(all[key]) ? all[key] : {};
    const external = isTree(network.external) ? network.external.name : undefined;
    const name = network.name ?? external;
    return typeof name === 'string' ? name : network.external ? key : `${stack}_${key}`;
  });
}
