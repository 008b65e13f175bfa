import type { AlertingOutput } from '../alerting/model';
import { withoutSecrets } from '../alerting/redact';
import { renderAlerting } from '../alerting/render';
import { alertingSettings } from '../alerting/settings';
import { readAlertingTexts } from '../common/alerting-files';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import { describedStacks } from './described-stacks';

/**
 * Alertmanager's configuration that stack files would give, with the settings of the environment; without secrets, and
 * such that `amtool check-config` takes it wherever it lies.
 * @throws LABELS_INVALID listing every wrong label, USAGE_INVALID for the settings
 */
export async function renderAlertingStacks(files: string[], context: Context): Promise<AlertingOutput> {
  const { settings, templates } = await settingsOf(context);
  const services = (await describedStacks(files, context)).services.map(({ description }) => description);
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
