import type { Context } from '../common/context';
import { readMonitorTexts } from '../common/monitor-files';
import { describeService } from '../labels/describe';
import type { LabelProblem, LabelSettings, ServiceDescription } from '../labels/description';
import { withoutSecrets } from '../labels/redact';
import { readCustomShortcuts, type CustomShortcut } from '../monitor/alerts/custom';
import { judgeAlerts } from '../monitor/alerts/rules';
import type { MonitorRefusal } from '../monitor/model';
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
  const texts = await readMonitorTexts({ ...context.env, HOMEOSTAT_MONITOR_CONFIGURATION: '' }, context.cwd);
  const { shortcuts } = readCustomShortcuts(texts.shortcuts);
  const services = read.services.map((service) => lintService(service, settings, shortcuts));
  const order = new Map(files.map((file, index) => [file, index]));
  const problems = [...read.problems, ...services.flatMap((service) => service.problems)].sort(
    (a, b) => order.get(a.file)! - order.get(b.file)! || (a.line ?? 0) - (b.line ?? 0),
  );
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  return { services, problems, errors, warnings: problems.length - errors };
}

function lintService(
  written: StackLabels,
  settings: LabelSettings,
  customShortcuts: Record<string, CustomShortcut>,
): LintedService {
  const { file, line, name, stack, service, labels, lines } = written;
  const { takesPart, description, alerts = [], problems } = describeService({ name, stack, labels }, settings);
  const refused = judgeAlerts({ description: { name, alerts }, stack }, { customShortcuts }).refusals;
  const told = [...problems, ...refused.map(withPrefix(settings.prefix))].map((problem) => ({
    ...problem,
    file,
    line: lines[problem.label] ?? lines[problem.label.replace(/\.\d+$/, '')] ?? line,
  }));
  return {
    file,
    line,
    name,
    stack,
    service,
    takesPart,
    ...(description ? { description: withoutSecrets(description) } : {}),
    problems: [...written.problems, ...told],
  };
}

const withPrefix =
  (prefix: string) =>
  ({ severity, label = '', message }: MonitorRefusal): LabelProblem => ({
    severity,
    label: `${prefix}${label}`,
    message: `${prefix}${message}`,
  });

/** `file:line severity: message` */
export const problemLine = (problem: StackProblem): string =>
  `${placeOf(problem)} ${problem.severity}: ${problem.message}`;
