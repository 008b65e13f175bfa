import { conditionLabel } from '../../common/alert-labels';
import type { AlertDescription, ServiceDescription } from '../../labels/description';
import type { MonitoredService, MonitorRefusal, MonitorSettings } from '../model';
import { containerJob, nodeJob } from '../job-names';
import { readCondition, type Condition } from './condition';
import { promDuration } from './promql-text';
import { literal } from './quote';
import { safeTemplate } from './template';

/** A rule as Prometheus reads it. */
export interface AlertRule {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** An alert of a service that can be had; its name in Prometheus comes later. */
export interface JudgedAlert {
  description: AlertDescription;
  condition: Condition;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface JudgedAlerts {
  alerts: JudgedAlert[];
  refusals: MonitorRefusal[];
}

/** Milliseconds that an alert may wait at most. */
const longestTime = 366 * 86_400_000;
/** Longest text of an annotation: more is not read, and Alertmanager would have to carry it. */
const longestText = 2000;

export interface WithAlerts extends Pick<MonitoredService, 'stack' | 'gone'> {
  description: Pick<ServiceDescription, 'name' | 'alerts'>;
}

/** The alerts of one service that can be had, and why the others cannot. Each is judged alone. */
export function judgeAlerts(
  { description, stack, gone }: WithAlerts,
  { customShortcuts }: Pick<MonitorSettings, 'customShortcuts'>,
): JudgedAlerts {
  const service = description.name;
  const refusals: MonitorRefusal[] = [];
  const alerts: JudgedAlert[] = [];
  const known = new Set<string>();
  for (const alert of description.alerts) {
    if (gone && !alert.persistent) continue;
    const refuse = (severity: MonitorRefusal['severity'], name: string, message: string) => {
      const label = alert.index > 0 ? `${name}.${alert.index}` : name;
      refusals.push({ service, severity, label, message: `${label} ${message}` });
    };
    if (known.has(alert.name)) {
      refuse(
        'error',
        'alertName',
        `is '${alert.name}', as another alert of the service is called; this one is left out`,
      );
      continue;
    }
    known.add(alert.name);
    const time = alert.for === undefined ? 0 : promDuration(alert.for);
    if (time === undefined || time > longestTime) {
      refuse('error', 'alertFor', `is '${alert.for!.slice(0, 40)}', which is no time of at most a year, such as 5m`);
      continue;
    }
    const condition = readCondition(alert.condition, {
      service,
      alert: alert.name,
      containerJob,
      nodeJob,
      customShortcuts,
    });
    if ('problem' in condition) {
      refuse('error', 'alertIf', condition.problem);
      continue;
    }
    const template = (name: string, key: string, value: string) => {
      const cut = value.length > longestText ? `${value.slice(0, longestText)}…` : value;
      const { text, problem } = safeTemplate(cut);
      if (problem) refuse('warning', name, `has a template in '${key}' that is shown as it is written: ${problem}`);
      return text;
    };
    const written = Object.entries(alert.labels).filter(([key, value]) => {
      const problem = problemOfLabel(key, value, service, stack);
      if (problem) refuse('warning', 'alertLabels', problem);
      return problem === undefined;
    });
    const brought = Object.entries(condition.labels).filter(
      ([key, value]) => key === conditionLabel || !problemOfLabel(key, value, service, stack),
    );
    alerts.push({
      description: alert,
      condition,
      labels: {
        severity: condition.severity,
        ...Object.fromEntries(brought.map(([key, value]) => [key, safeTemplate(value).text])),
        service,
        ...Object.fromEntries(written.map(([key, value]) => [key, template('alertLabels', key, value)])),
        ...(stack === undefined ? {} : { stack }),
      },
      annotations: {
        ...Object.fromEntries(
          Object.entries(condition.annotations).map(([key, value]) => [key, safeTemplate(value).text]),
        ),
        ...Object.fromEntries(
          Object.entries(alert.annotations).map(([key, value]) => [key, template('alertAnnotations', key, value)]),
        ),
      },
    });
  }
  return { alerts, refusals };
}

/** A service may raise alerts for itself and for others of its stack; another's scaling is none of its business. */
function problemOfLabel(key: string, value: string, service: string, stack: string | undefined): string | undefined {
  if (key === 'alertname' || key === conditionLabel || key.startsWith('__'))
    return `has '${key}', which cannot be set; it is left out`;
  if (key === 'stack' && value !== stack) return `has another stack than the service's; it is left out`;
  if (key !== 'service' || value === service) return undefined;
  if (stack !== undefined && value.startsWith(`${stack}_`) && /^[\w.-]+$/.test(value)) return undefined;
  return `has service='${value.slice(0, 80)}', which is no service of its stack; it is left out`;
}

/** The rule of an alert. @param name its name in Prometheus */
export function ruleOf(name: string, alert: JudgedAlert, link: string | undefined): AlertRule {
  const { description, condition, labels, annotations } = alert;
  return {
    alert: name,
    expr: condition.expression,
    ...(description.for === undefined ? {} : { for: description.for }),
    labels: sorted(labels),
    annotations: sorted({ link: linkOf(link, labels.service!, name), ...annotations }),
  };
}

/** Where a person sees more: the operator's page, or Prometheus' own. */
export const linkOf = (link: string | undefined, service: string, alert: string): string =>
  link === undefined
    ? `{{ $externalURL }}/alerts?search=${alert}`
    : literal(link).replaceAll('{service}', encodeURIComponent(service)).replaceAll('{alert}', alert);

const sorted = (texts: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
