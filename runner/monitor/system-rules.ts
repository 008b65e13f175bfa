import { alertConditions, conditionLabel, fewTasks } from '../common/alert-labels';
import { diskUsed } from './alerts/node-shortcuts';
import { linkOf, type AlertRule } from './alerts/rules';
import { alertmanagerJob, controllerJob, nodeJob, prometheusJob } from './job-names';

interface SystemRule {
  expr: string;
  for?: string;
  severity: 'info' | 'warning' | 'critical';
  summary: string;
  description: string;
  runbook: string;
  condition?: string;
}

/** Of each service with its stack, whichever controller told it. */
const each = (metric: string) => `max by (service, stack) (homeostat_service_${metric})`;
const notUpdating = `unless on (service) ${each('updating')} == 1`;
const down = (by: string) => `sum by (${by}) (up{job!~"homeostat-.*",service!=""} == bool 0)`;
const value = '{{ $value | humanize }}';
const percentage = '{{ $value | humanizePercentage }}';

const services: Record<string, SystemRule> = {
  HomeostatServiceDown: {
    expr: `${each('replicas_running')} == 0 and on (service) ${each('replicas_wanted')} > 0`,
    for: '2m',
    severity: 'critical',
    condition: alertConditions.serviceDown,
    summary: '{{ $labels.service }}: no task runs',
    description: 'None of its tasks has run for 2 minutes, though some are wanted.',
    runbook: 'See why they do not start: homeostat status, docker service ps --no-trunc {{ $labels.service }}.',
  },
  HomeostatServiceShort: {
    expr: `${each('replicas_running')} < on (service) group_left () ${each('replicas_wanted')} and on (service) ${each('replicas_running')} > 0 ${notUpdating}`,
    for: '2m',
    severity: 'warning',
    condition: fewTasks,
    summary: '{{ $labels.service }}: fewer tasks run than are wanted',
    description: `${value} run, and have for 2 minutes, with no rollout under way.`,
    runbook: 'See why the others do not start: homeostat status, docker service ps --no-trunc {{ $labels.service }}.',
  },
  HomeostatCrashLoop: {
    expr: 'round(sum by (service, stack) (increase(homeostat_service_tasks_failed_total[5m]))) >= 3',
    severity: 'critical',
    summary: '{{ $labels.service }}: its tasks die again and again',
    description: `${value} of its tasks have failed within 5 minutes.`,
    runbook: 'Read the log of the last one; if it came with a release: homeostat rollback.',
  },
  HomeostatStuckRollout: {
    expr: `time() - ${each('update_started_seconds')} > 900`,
    severity: 'critical',
    condition: alertConditions.rollout,
    summary: '{{ $labels.service }}: its rollout does not end',
    description: 'It began {{ $value | humanizeDuration }} ago; meanwhile the service is not scaled.',
    runbook: 'See why new tasks do not start, then homeostat rollback or deploy again.',
  },
  HomeostatTargetDown: {
    // Tasks are asked from their start on, before they can answer.
    expr: `${down('service, stack')} > 0 unless on (service) ${down('service')} <= on (service) ${each('replicas_pending')} ${notUpdating}`,
    for: '1m',
    severity: 'warning',
    summary: '{{ $labels.service }}: its metrics cannot be read',
    description: `${value} of its tasks give no metrics, or more than is allowed.`,
    runbook:
      'Compare com.df.scrapePort and com.df.metricsPath with what the tasks do; Prometheus tells the reason under Targets.',
  },
  HomeostatRuleFails: {
    expr: 'label_replace(max by (rule_group) (increase(prometheus_rule_evaluation_failures_total[5m])), "service", "$1", "rule_group", ".*;(.*)") > 0',
    for: '1m',
    severity: 'warning',
    summary: '{{ $labels.service }}: a rule of it fails',
    description:
      'Its rules {{ $labels.rule_group }} failed within 5 minutes: they match too much, or what they match does not fit together.',
    runbook: 'Prometheus tells the reason under Rules; correct com.df.alertIf.',
  },
};

const nodes: Record<string, SystemRule> = {
  HomeostatNodeLost: {
    expr: 'max by (node) (homeostat_node_up) == 0',
    for: '30s',
    severity: 'critical',
    condition: alertConditions.nodeLost,
    summary: 'node {{ $labels.node }} is lost',
    description: 'The Swarm does not hear from it. Its tasks are started elsewhere, where there is room.',
    runbook: 'Bring it back, or remove it: docker node rm {{ $labels.node }}.',
  },
  HomeostatDiskFull: {
    expr: `${diskUsed(`job="${nodeJob}"`)} > 0.85`,
    for: '2m',
    severity: 'warning',
    summary: 'disk {{ $labels.device }} of node {{ $labels.node }} is nearly full',
    description: `${percentage} of it is in use.`,
    runbook: 'Remove images and volumes that nobody needs (docker system df, docker image prune), or make it larger.',
  },
  HomeostatMemoryFull: {
    expr: `1 - max by (instance, node) (node_memory_MemAvailable_bytes{job="${nodeJob}"}) / max by (instance, node) (node_memory_MemTotal_bytes{job="${nodeJob}"} > 0) > 0.95`,
    for: '2m',
    severity: 'critical',
    summary: 'node {{ $labels.node }} has hardly any memory left',
    description: `${percentage} of it is in use; the kernel will end processes.`,
    runbook: 'Limit the services on it, drain it, or add a node.',
  },
};

const own = (name: string, job: string) => `${name}{job="${job}"}`;

const system: Record<string, SystemRule> = {
  HomeostatPartDown: {
    expr: 'min by (job, node, instance) (up{job=~"homeostat-.*"}) == 0',
    for: '1m',
    severity: 'critical',
    summary: '{{ $labels.job }} on {{ or $labels.node $labels.instance }} does not answer',
    description: 'Prometheus could not read its metrics for a minute.',
    runbook: 'See whether it runs: homeostat status.',
  },
  HomeostatControllerAway: {
    expr: `absent(up{job="${controllerJob}"} == 1)`,
    for: '1m',
    severity: 'critical',
    summary: 'the controller does not answer',
    description: 'Traffic goes on; changes of services do not reach the proxies and the monitor meanwhile.',
    runbook: 'See why it does not run: homeostat status, docker service ps --no-trunc homeostat-controller_controller.',
  },
  HomeostatControllerFailing: {
    expr: 'max(homeostat_controller_failing) == 1',
    for: '1m',
    severity: 'critical',
    summary: 'the controller cannot read the Swarm',
    description: 'Changes of services do not reach the proxies and the monitor.',
    runbook: 'See its log: docker service logs homeostat-controller_controller.',
  },
  HomeostatServiceQuarantined: {
    expr: 'max(homeostat_services{state="quarantined"}) > 0',
    for: '30s',
    severity: 'warning',
    summary: 'labels of services are wrong',
    description: `${value} services are served by their last good labels, or not at all.`,
    runbook: 'homeostat status names them and what is wrong.',
  },
  HomeostatConfigurationBlocked: {
    expr: 'max by (engine) (homeostat_bundle_blocked) == 1',
    for: '30s',
    severity: 'critical',
    summary: '{{ $labels.engine }} refuses its configuration',
    description: 'No service can be named for it, so the last good one stays for all.',
    runbook: "homeostat status shows the engine's own words; the operator's settings are the likely cause.",
  },
  HomeostatAgentsBehind: {
    expr: 'max(homeostat_agents{state="behind"}) > 0',
    for: '1m',
    severity: 'warning',
    summary: 'engines run an old configuration',
    description: `${value} of them have been behind what is published for a minute.`,
    runbook: 'homeostat status names them; see the log of the agent.',
  },
  HomeostatCertificateExpires: {
    expr: 'min by (name) (homeostat_certificate_expires_seconds) - time() < 14 * 86400',
    for: '5m',
    severity: 'warning',
    summary: 'certificate {{ $labels.name }} expires soon',
    description: 'It is valid for another {{ $value | humanizeDuration }}.',
    runbook: 'See why it was not renewed (homeostat status), or upload a new one.',
  },
  HomeostatQuestionOpen: {
    expr: 'max(homeostat_questions_open) > 0',
    for: '10m',
    severity: 'info',
    summary: 'questions wait for an answer',
    description: `${value} of them have for 10 minutes.`,
    runbook: 'homeostat questions',
  },
  HomeostatPrometheusReload: {
    expr: `${own('prometheus_config_last_reload_successful', prometheusJob)} == 0`,
    for: '30s',
    severity: 'critical',
    summary: 'Prometheus did not take its configuration',
    description: 'It goes on with the one before.',
    runbook: "homeostat status shows Prometheus' own words.",
  },
  HomeostatPrometheusTrouble: {
    expr: `increase(${own('prometheus_tsdb_compactions_failed_total', prometheusJob)}[10m]) > 0 or increase(${own('prometheus_tsdb_wal_writes_failed_total', prometheusJob)}[10m]) > 0`,
    severity: 'critical',
    summary: 'Prometheus cannot write',
    description: 'Writing its data failed within 10 minutes: its disk may be full.',
    runbook: 'See the disk of its node, and its log.',
  },
  HomeostatRulesLate: {
    expr: `sum by (instance) (increase(${own('prometheus_rule_group_iterations_missed_total', prometheusJob)}[5m])) > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'Prometheus does not get through its rules in time',
    description: `${value} rounds were left out within 5 minutes: alerts come late.`,
    runbook: 'Give it more CPU, or see under Rules which take longest.',
  },
  HomeostatAlertsLost: {
    expr: `increase(${own('prometheus_notifications_dropped_total', prometheusJob)}[5m]) > 0 or ${own('prometheus_notifications_alertmanagers_discovered', prometheusJob)} < 1`,
    for: '1m',
    severity: 'critical',
    summary: 'alerts do not reach Alertmanager',
    description: 'Prometheus knows no Alertmanager, or none takes its alerts.',
    runbook: 'See whether Alertmanager runs: homeostat status.',
  },
  HomeostatAlertmanagerReload: {
    expr: `${own('alertmanager_config_last_reload_successful', alertmanagerJob)} == 0`,
    for: '30s',
    severity: 'critical',
    summary: 'Alertmanager did not take its configuration',
    description: 'It goes on with the one before.',
    runbook: "homeostat status shows Alertmanager's own words.",
  },
  HomeostatNoticesFail: {
    expr: `sum by (integration) (increase(${own('alertmanager_notifications_failed_total', alertmanagerJob)}[5m])) > 0`,
    for: '1m',
    severity: 'warning',
    summary: 'Alertmanager cannot deliver by {{ $labels.integration }}',
    description: `${value} tries failed within 5 minutes; it tries again.`,
    runbook: 'See whether Slack or the job server answers, and their tokens.',
  },
};

/** Alerts that nobody has to ask for, as groups of rules. */
export function systemRuleGroups(link: string | undefined): { name: string; rules: AlertRule[] }[] {
  return Object.entries({ services, nodes, system }).map(([name, rules]) => ({
    name: `homeostat-${name}`,
    rules: Object.entries(rules).map(([alert, rule]): AlertRule => ({
      alert,
      expr: rule.expr,
      ...(rule.for === undefined ? {} : { for: rule.for }),
      labels: {
        severity: rule.severity,
        ...(rule.condition === undefined ? {} : { [conditionLabel]: rule.condition }),
      },
      annotations: {
        description: rule.description,
        // The page of a service is no page of a node.
        link: linkOf(name === 'services' ? undefined : link?.includes('{service}') ? undefined : link, '', alert),
        runbook: rule.runbook,
        summary: rule.summary,
      },
    })),
  }));
}
