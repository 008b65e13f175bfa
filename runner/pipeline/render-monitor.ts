import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import { readMonitorTexts } from '../common/monitor-files';
import { targetsText } from '../common/targets';
import { controllerCredentials, targetsFile } from '../monitor/files';
import type { MonitoredService, MonitorOutput, MonitorSettings } from '../monitor/model';
import { renderMonitor } from '../monitor/render';
import { monitorSettings } from '../monitor/settings';
import { withoutSecrets, type YamlMap } from '../monitor/settings-tree';
import { targetsOf } from '../monitor/targets';
import { describedStacks } from './described-stacks';
import type { StackLabels } from './stack-labels';

const hidden = '***';

/**
 * Prometheus' configuration and rules that stack files would give, with the settings of the environment; without
 * passwords, and such that `promtool check config` takes it wherever it lies. Targets are the names of the tasks.
 * @throws LABELS_INVALID listing every wrong label and every alert that cannot be had, USAGE_INVALID for the settings
 */
export async function renderMonitorStacks(files: string[], context: Context): Promise<MonitorOutput> {
  const settings = await settingsOf(context);
  const { services: described, labels } = await describedStacks(files, context);
  const services = described.map(({ stack, description }) => ({ description, ...factsOf(stack, labels.prefix) }));
  const output = renderMonitor({ services, settings });
  const refused = output.refusals.filter(({ severity }) => severity === 'error');
  if (refused.length > 0)
    fail('LABELS_INVALID', 'not every alert can be had', {
      evidence: refused.map(({ service, message }) => `${service}: ${message}`),
    });
  const network = settings.networks[0]!;
  const tasks = services.map(({ description: { name, scrape } }) => ({
    ...{ id: name, service: name, node: '' },
    addresses: { [scrape?.network ?? network]: `tasks.${name}` },
  }));
  const { groups } = targetsOf({ services, tasks, nodes: [], settings });
  const shown = groups.map(({ targets, labels: { node: _, task: __, ...others } }) => ({ targets, labels: others }));
  return {
    ...output,
    files: { ...output.files, [targetsFile]: targetsText(shown), [controllerCredentials]: `${hidden}\n` },
  };
}

async function settingsOf(context: Context): Promise<MonitorSettings> {
  const texts = await readMonitorTexts(context.env, context.cwd).catch((error: unknown) =>
    fail('USAGE_INVALID', 'the file that HOMEOSTAT_MONITOR_CONFIGURATION names cannot be read', {
      cause: messageOf(error),
    }),
  );
  const { settings, problems } = monitorSettings(context.env, texts);
  if (problems.length > 0)
    fail('USAGE_INVALID', 'the settings of the monitor are wrong', {
      evidence: problems.map(({ message }) => message),
      remedy: 'Correct the variables named; docs/metrics-and-alerts.md explains each.',
    });
  return {
    ...settings,
    extra: withoutSecrets(settings.extra, hidden) as YamlMap,
    alertmanagers: settings.alertmanagers.map((url) => withoutSecrets(url, hidden) as string),
  };
}

function factsOf({ stack, replicas, labels }: StackLabels, prefix: string): Omit<MonitoredService, 'description'> {
  const own = Object.entries(labels).filter(([label]) => label.startsWith(prefix));
  return {
    stack,
    mode: replicas === undefined ? 'global' : 'replicated',
    createdAt: '',
    labels: Object.fromEntries(own.map(([label, text]) => [label.slice(prefix.length), text])),
  };
}
