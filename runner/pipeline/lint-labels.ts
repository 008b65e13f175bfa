import type { Context } from '../common/context';
import { describeService } from '../labels/describe';
import type { LabelSettings, ServiceDescription } from '../labels/description';
import { withoutSecrets } from '../labels/redact';
import { readStackLabels, type StackLabels } from './stack-labels';
import { placeOf, type StackProblem } from './written-labels';

export interface LintedService extends Pick<StackLabels, 'file' | 'line' | 'name' | 'stack' | 'service'> {
  takesPart: boolean;
  /** Without passwords and keys; absent where the service takes no part or a label is wrong. */
  description?: ServiceDescription;
  problems: StackProblem[];
}

export interface Lint {
  services: LintedService[];
  /** Of files and services, by place. */
  problems: StackProblem[];
  errors: number;
  warnings: number;
}

/** Reads the labels of stack files as the controller would, and tells everything that is wrong with them at once. */
export async function lintLabels(files: string[], settings: LabelSettings, context: Context): Promise<Lint> {
  const read = await readStackLabels(files, settings.prefix, context);
  const services = read.services.map((service) => lintService(service, settings));
  const order = new Map(files.map((file, index) => [file, index]));
  const problems = [...read.problems, ...services.flatMap((service) => service.problems)].sort(
    (a, b) => order.get(a.file)! - order.get(b.file)! || (a.line ?? 0) - (b.line ?? 0),
  );
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  return { services, problems, errors, warnings: problems.length - errors };
}

function lintService(read: StackLabels, settings: LabelSettings): LintedService {
  const { file, line, name, stack, service, labels, lines } = read;
  const { takesPart, description, problems } = describeService({ name, stack, labels }, settings);
  const told = problems.map((problem) => ({ ...problem, file, line: lines[problem.label] ?? line }));
  return {
    file,
    line,
    name,
    stack,
    service,
    takesPart,
    ...(description ? { description: withoutSecrets(description) } : {}),
    problems: [...read.problems, ...told],
  };
}

/** `file:line severity: message` */
export const problemLine = (problem: StackProblem): string =>
  `${placeOf(problem)} ${problem.severity}: ${problem.message}`;
