import { alertNames } from './alerts/names';
import { judgeAlerts, ruleOf, type JudgedAlert } from './alerts/rules';
import { fileOf, systemRules } from './files';
import type {
  AlertInfo,
  MonitoredService,
  MonitorInput,
  MonitorOutput,
  MonitorRefusal,
  MonitorSettings,
} from './model';
import { alertmanagerConfigs, globalSettings, scrapeConfigs } from './scrape';
import { isMap, joinTrees } from './settings-tree';
import { systemRuleGroups } from './system-rules';
import { rulesText, yamlText } from './write';

/**
 * Prometheus' whole configuration but for the targets, from what services say of themselves. The same input gives the
 * same bytes, in whatever order the services are. An alert that cannot be had is refused alone; a service's rules are a
 * file of their own, which no other service changes.
 */
export function renderMonitor({ services, settings }: MonitorInput): MonitorOutput {
  const refusals: MonitorRefusal[] = [];
  const judged = [...services].sort(byAge).flatMap((service): [MonitoredService, JudgedAlert[]][] => {
    const { name } = service.description;
    if (!isPlainName(name)) {
      refusals.push({
        service: name,
        severity: 'error',
        message: 'its name has characters that Prometheus does not take',
      });
      return [];
    }
    const { alerts, refusals: refused } = judgeAlerts(service, settings);
    refusals.push(...refused);
    return [[service, alerts]];
  });
  const names = alertNames(
    judged.flatMap(([{ description }, alerts]) =>
      alerts.map((alert) => ({ service: description.name, alert: alert.description.name })),
    ),
  );
  const rules: [string, string][] = [];
  const alerts: AlertInfo[] = [];
  for (const [{ description }, own] of judged) {
    if (own.length === 0) continue;
    const file = own.map((alert) => ruleOf(names.shift()!, alert, settings.link));
    rules.push([
      fileOf(description.name),
      rulesText([{ name: description.name, limit: settings.alertLimit, rules: file }]),
    ]);
    alerts.push(
      ...file.map(({ alert, expr, for: time, labels }) => ({
        service: description.name,
        alert,
        expression: expr,
        ...(time === undefined ? {} : { for: time }),
        labels,
      })),
    );
  }
  return {
    files: {
      'prometheus.yml': yamlText(configuration(settings)),
      [systemRules]: rulesText(systemRuleGroups(settings.link)),
      ...Object.fromEntries(rules.sort(([a], [b]) => compare(a, b))),
    },
    refusals: refusals.sort((a, b) => compare(a.service, b.service)),
    alerts: alerts.sort((a, b) => compare(a.alert, b.alert)),
  };
}

function configuration(settings: MonitorSettings) {
  const { global, alerting, scrape_configs: jobs, ...others } = settings.extra;
  const ours = {
    global: globalSettings(settings),
    rule_files: ['rules/*.yml'],
    alerting: { alertmanagers: alertmanagerConfigs(settings) },
    scrape_configs: scrapeConfigs(settings),
  };
  return joinTrees(ours, {
    ...(isMap(global) ? { global } : {}),
    ...(isMap(alerting) ? { alerting } : {}),
    ...(Array.isArray(jobs) ? { scrape_configs: jobs } : {}),
    ...others,
  });
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const byAge = (a: MonitoredService, b: MonitoredService) =>
  compare(a.createdAt, b.createdAt) || compare(a.description.name, b.description.name);

/** What the Swarm takes for a service's name; it becomes a file's name. */
const isPlainName = (name: string): boolean => /^[A-Za-z0-9][\w.-]{0,180}$/.test(name);
