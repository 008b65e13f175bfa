import { alertingSettings } from '../alerting/settings';
import { readAlertingTexts } from '../common/alerting-files';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import { readMonitorTexts } from '../common/monitor-files';
import { describeService } from '../labels/describe';
import { defaultLabelSettings, type LabelSettings } from '../labels/description';
import { monitorSettings } from '../monitor/settings';
import type { ProxiedService } from '../proxy/model';
import { outsideServices } from '../proxy/outside';
import { proxySettings } from '../proxy/settings';
import type { ControllerSettings } from './controller';
import type { MonitoringSettings } from './monitoring';
import { readErrorPages, readTemplates, withSecrets } from './site-files';

export interface SettingOptions {
  prefix: string;
  notifyLabel: string | undefined;
  /** Folder of the Swarm's secrets. */
  secrets: string;
}

const labelName = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;

/**
 * The controller's settings from its options, its environment, secrets, and the folders of the operator's files.
 * @throws USAGE_INVALID listing every variable that is wrong
 */
export async function controllerSettings(options: SettingOptions, context: Context): Promise<ControllerSettings> {
  const { log } = context;
  const env = await withSecrets(context.env, options.secrets);
  const prefix = options.prefix.endsWith('.') ? options.prefix : `${options.prefix}.`;
  const notifyLabel = options.notifyLabel ?? env.DF_NOTIFY_LABEL ?? `${prefix}notify`;
  for (const name of [prefix, notifyLabel])
    if (!labelName.test(name)) fail('USAGE_INVALID', `'${name}' cannot be the name of a label`);
  const { settings, problems } = proxySettings(env);
  if (problems.length > 0)
    fail('USAGE_INVALID', 'the settings of the proxy are wrong', {
      evidence: problems.map(({ variable, message }) => `${variable}: ${message}`),
      remedy: 'Correct the variables named; docs/routing.md explains each.',
    });
  const labels: LabelSettings = { ...defaultLabelSettings, prefix, notifyLabel, ...separatorOf(env.SEPARATOR) };
  const outside = outsideServices(env).flatMap((service): ProxiedService[] => {
    const { description, problems: wrong } = describeService(service, {
      ...defaultLabelSettings,
      ...separatorOf(env.SEPARATOR),
    });
    for (const { label, message } of wrong) log.warn(`${service.name}, outside the Swarm: ${label}: ${message}`);
    return description ? [{ description, createdAt: '', slots: 1 }] : [];
  });
  const proxyNetworks = (env.HOMEOSTAT_PROXY_NETWORKS ?? 'proxy').split(',').map((name) => name.trim());
  const proxy = {
    ...settings,
    templates: await readTemplates(env.HOMEOSTAT_PROXY_TEMPLATES ?? '/templates'),
    errorPages: await readErrorPages(env.HOMEOSTAT_PROXY_ERROR_PAGES ?? '/errorfiles'),
  };
  const monitoring = await monitoringSettings(env, context);
  return { labels, proxy, proxyNetworks: proxyNetworks.filter(Boolean), secrets: options.secrets, outside, monitoring };
}

const separatorOf = (separator: string | undefined) => (separator ? { separator } : {});

/** @throws USAGE_INVALID listing every setting that is wrong */
async function monitoringSettings(
  env: Record<string, string | undefined>,
  { cwd }: Context,
): Promise<MonitoringSettings> {
  const unreadable = (variable: string) => (error: unknown) =>
    fail('USAGE_INVALID', `the file that ${variable} names cannot be read`, { cause: messageOf(error) });
  const texts = await readMonitorTexts(env, cwd).catch(unreadable('HOMEOSTAT_MONITOR_CONFIGURATION'));
  const monitor = monitorSettings(env, texts);
  if (monitor.problems.length > 0)
    fail('USAGE_INVALID', 'the settings of the monitor are wrong', {
      evidence: monitor.problems.map(({ message }) => message),
      remedy: 'Correct the variables named; docs/metrics-and-alerts.md explains each.',
    });
  const { settingsFile, templates } = await readAlertingTexts(env, cwd).catch(unreadable('HOMEOSTAT_ALERTING_FILE'));
  const alerting = alertingSettings(env, settingsFile);
  if (alerting.problems.length > 0)
    fail('USAGE_INVALID', 'the settings of alerting are wrong', {
      evidence: alerting.problems.map(({ message }) => message),
      remedy: 'Correct the keys named; docs/alert-routing.md explains each.',
    });
  return { monitor: monitor.settings, alerting: alerting.settings, templates };
}
