import type { Context } from '../common/context';
import { fail } from '../common/errors';
import { describeService } from '../labels/describe';
import { defaultLabelSettings, type LabelSettings, type ServiceDescription } from '../labels/description';
import { lintLabels, problemLine } from './lint-labels';
import { labelledServices, type StackLabels } from './stack-labels';

/** A service of a stack file that takes part, with what its labels say. */
export interface DescribedStack {
  stack: StackLabels;
  description: ServiceDescription;
}

/**
 * The services of stack files that take part; warnings about their labels go to the log.
 * @throws LABELS_INVALID listing every wrong label
 */
export async function describedStacks(
  files: string[],
  context: Context,
): Promise<{ services: DescribedStack[]; labels: LabelSettings }> {
  const { env, log } = context;
  const labels = { ...defaultLabelSettings, ...(env.SEPARATOR ? { separator: env.SEPARATOR } : {}) };
  const { problems } = await lintLabels(files, labels, context);
  for (const problem of problems) if (problem.severity === 'warning') log.warn(problemLine(problem));
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0)
    fail('LABELS_INVALID', 'the labels are wrong, so there is no configuration', { evidence: errors.map(problemLine) });
  const services = (await labelledServices(files, context)).flatMap((stack): DescribedStack[] => {
    const { description } = describeService(stack, labels);
    return description ? [{ stack, description }] : [];
  });
  return { services, labels };
}
