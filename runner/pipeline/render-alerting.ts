import type { AlertedService, AlertingOutput } from '../alerting/model';
import { withoutSecrets } from '../alerting/redact';
import { renderAlerting } from '../alerting/render';
import { alertingSettings } from '../alerting/settings';
import { readAlertingTexts } from '../common/alerting-files';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import { describeService } from '../labels/describe';
import { defaultLabelSettings } from '../labels/description';
import { lintLabels, problemLine } from './lint-labels';
import { labelledServices } from './stack-labels';

/**
 * Alertmanager's configuration that stack files would give, with the settings of the environment; without secrets, and
 * such that `amtool check-config` takes it wherever it lies.
 * @throws LABELS_INVALID listing every wrong label, USAGE_INVALID for the settings
 */
export async function renderAlertingStacks(files: string[], context: Context): Promise<AlertingOutput> {
  const { settings, templates } = await settingsOf(context);
  const labels = { ...defaultLabelSettings, ...(context.env.SEPARATOR ? { separator: context.env.SEPARATOR } : {}) };
  const lint = await lintLabels(files, labels, context);
  for (const problem of lint.problems) if (problem.severity === 'warning') context.log.warn(problemLine(problem));
  const errors = lint.problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0)
    fail('LABELS_INVALID', 'the labels are wrong, so there is no configuration', { evidence: errors.map(problemLine) });
  const stacks = await labelledServices(files, context);
  const services = stacks.flatMap((stack): AlertedService[] => {
    const { description } = describeService(stack, labels);
    return description ? [description] : [];
  });
  const output = renderAlerting({ services, settings: withoutSecrets(settings), templates });
  for (const { service, message } of output.refusals)
    context.log.warn(service === '' ? message : `${service}: ${message}`);
  return output;
}

async function settingsOf(context: Context) {
  const { settingsFile, templates } = await readAlertingTexts(context.env, context.cwd).catch((error: unknown) =>
    fail('USAGE_INVALID', 'the file that HOMEOSTAT_ALERTING_FILE names cannot be read', { cause: messageOf(error) }),
  );
  const { settings, problems } = alertingSettings(context.env, settingsFile);
  if (problems.length > 0)
    fail('USAGE_INVALID', 'the settings of alerting are wrong', {
      evidence: problems.map(({ message }) => message),
      remedy: 'Correct the keys named; docs/alert-routing.md explains each.',
    });
  return { settings, templates };
}
