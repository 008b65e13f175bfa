import t from 'tap';
import { parse } from 'yaml';
import { problemOfPromql } from '../../runner/monitor/alerts/promql';
import { safeTemplate } from '../../runner/monitor/alerts/template';
import { systemRules } from '../../runner/monitor/files';
import { render } from './support';
import { metric, steady, unitTests, type Series, type UnitCase } from './unit';

const rules = render([]).files[systemRules]!;

const swarm = (values: Record<string, number | string>, service = 'shop_web'): Series =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      metric(`homeostat_service_${key}`, { service, stack: 'shop', instance: 'c' }),
      typeof value === 'number' ? steady(value) : value,
    ]),
  );

/** Found once, so that this alone is no reason to fire. */
const controller = { [metric('up', { job: 'homeostat-controller', instance: 'c' })]: steady(1) };
const up = (value: number | string, labels: Record<string, string>): Series => ({
  [metric('up', labels)]: typeof value === 'number' ? steady(value) : value,
});
const of = (name: string, value: number | string, labels: Record<string, string> = {}): Series => ({
  [metric(name, labels)]: typeof value === 'number' ? steady(value) : value,
});
const prometheus = { job: 'homeostat-prometheus', instance: 'p' };
const disk = (free: number, fstype = 'ext4'): Series => {
  const labels = { job: 'homeostat-nodes', instance: 'n1', node: 'n1', device: '/dev/sda1', fstype, mountpoint: '/' };
  return { ...of('node_filesystem_size_bytes', 100, labels), ...of('node_filesystem_free_bytes', free, labels) };
};
const shop = { job: 'shop_web', service: 'shop_web', stack: 'shop', instance: '10.0.0.5:80' };

const table: Record<string, [what: string, series: Series, fires: number][]> = {
  HomeostatServiceDown: [
    ['no task', swarm({ replicas_running: 0, replicas_wanted: 2 }), 1],
    ['in a rollout too', swarm({ replicas_running: 0, replicas_wanted: 2, updating: 1 }), 1],
    ['a task', swarm({ replicas_running: 1, replicas_wanted: 2 }), 0],
    ['scaled to nothing', swarm({ replicas_running: 0, replicas_wanted: 0 }), 0],
    ['for a moment', swarm({ replicas_running: '0x10 2x100', replicas_wanted: 2 }), 0],
    [
      'two services',
      {
        ...swarm({ replicas_running: 0, replicas_wanted: 2 }),
        ...swarm({ replicas_running: 0, replicas_wanted: 1 }, 'b'),
      },
      2,
    ],
  ],
  HomeostatServiceShort: [
    ['one of two', swarm({ replicas_running: 1, replicas_wanted: 2 }), 1],
    ['in a rollout', swarm({ replicas_running: 1, replicas_wanted: 2, updating: 1 }), 0],
    ['none: it is down, which is another alert', swarm({ replicas_running: 0, replicas_wanted: 2 }), 0],
    ['all', swarm({ replicas_running: 2, replicas_wanted: 2 }), 0],
  ],
  HomeostatCrashLoop: [
    ['again and again', swarm({ tasks_failed_total: '0x40 1 2 3 4x60' }), 1],
    ['once', swarm({ tasks_failed_total: '0x40 1x60' }), 0],
  ],
  HomeostatStuckRollout: [
    ['began long before', swarm({ update_started_seconds: -1000 }), 1],
    ['began just now', swarm({ update_started_seconds: 0 }), 0],
  ],
  HomeostatTargetDown: [
    ['of a service', up(0, shop), 1],
    ['in a rollout', { ...up(0, shop), ...swarm({ updating: 1 }) }, 0],
    ['while it starts', { ...up(0, shop), ...swarm({ replicas_pending: 1 }) }, 0],
    [
      'two, of which one starts',
      { ...up(0, shop), ...up(0, { ...shop, instance: '10.0.0.6:80' }), ...swarm({ replicas_pending: 1 }) },
      1,
    ],
    ['up', up(1, shop), 0],
    ['of the system', up(0, { job: 'homeostat-proxy', instance: 'n1' }), 0],
  ],
  HomeostatRuleFails: [
    [
      'of a service',
      of('prometheus_rule_evaluation_failures_total', '0+1x100', {
        ...prometheus,
        rule_group: '/x/rules/shop_web.yml;shop_web',
      }),
      1,
    ],
    ['none', of('prometheus_rule_evaluation_failures_total', 3, { ...prometheus, rule_group: 'x;shop_web' }), 0],
  ],
  HomeostatNodeLost: [
    ['one of two', { ...of('homeostat_node_up', 0, { node: 'n1' }), ...of('homeostat_node_up', 1, { node: 'n2' }) }, 1],
    ['none', of('homeostat_node_up', 1, { node: 'n1' }), 0],
  ],
  HomeostatDiskFull: [
    ['nearly', disk(5), 1],
    ['room', disk(50), 0],
    ['memory is no disk', disk(5, 'tmpfs'), 0],
  ],
  HomeostatPartDown: [
    ['a proxy', up(0, { job: 'homeostat-proxy', instance: 'n1', node: 'n1' }), 1],
    ['a service', up(0, shop), 0],
  ],
  HomeostatControllerAway: [
    ['not known', {}, 1],
    ['down', up(0, { job: 'homeostat-controller', instance: 'c' }), 1],
    ['up', controller, 0],
  ],
  HomeostatServiceQuarantined: [
    ['two', of('homeostat_services', 2, { state: 'quarantined' }), 1],
    [
      'none',
      {
        ...of('homeostat_services', 0, { state: 'quarantined' }),
        ...of('homeostat_services', 3, { state: 'accepted' }),
      },
      0,
    ],
  ],
  HomeostatConfigurationBlocked: [
    ['one', of('homeostat_bundle_blocked', 1, { engine: 'prometheus' }), 1],
    ['none', of('homeostat_bundle_blocked', 0, { engine: 'prometheus' }), 0],
  ],
  HomeostatAgentsBehind: [
    ['one', of('homeostat_agents', 1, { state: 'behind' }), 1],
    ['none', of('homeostat_agents', 0, { state: 'behind' }), 0],
  ],
  HomeostatCertificateExpires: [
    ['in a week', of('homeostat_certificate_expires_seconds', 7 * 86_400, { name: 'shop' }), 1],
    ['in a month', of('homeostat_certificate_expires_seconds', 30 * 86_400, { name: 'shop' }), 0],
  ],
  HomeostatPrometheusReload: [
    ['refused', of('prometheus_config_last_reload_successful', 0, prometheus), 1],
    ['taken', of('prometheus_config_last_reload_successful', 1, prometheus), 0],
  ],
  HomeostatAlertsLost: [
    ['nobody to tell', of('prometheus_notifications_alertmanagers_discovered', 0, prometheus), 1],
    [
      'dropped',
      {
        ...of('prometheus_notifications_dropped_total', '0+1x100', prometheus),
        ...of('prometheus_notifications_alertmanagers_discovered', 1, prometheus),
      },
      1,
    ],
    ['told', of('prometheus_notifications_alertmanagers_discovered', 1, prometheus), 0],
  ],
  HomeostatNoticesFail: [
    [
      'to Slack',
      of('alertmanager_notifications_failed_total', '0+1x100', { job: 'homeostat-alertmanager', integration: 'slack' }),
      1,
    ],
    [
      'none',
      of('alertmanager_notifications_failed_total', 4, { job: 'homeostat-alertmanager', integration: 'slack' }),
      0,
    ],
  ],
};

t.test('alerts that nobody has to ask for', async (t) => {
  const cases = Object.entries(table).flatMap(([alert, rows]) =>
    rows.map(([what, series, fires]): UnitCase => ({ what: `${alert}: ${what}`, alert, series, fires })),
  );
  t.equal(await unitTests(t, [{ rules, cases }]), '');
});

t.test('each says what, why and what to do, and parses', async (t) => {
  const { groups } = parse(rules) as {
    groups: { rules: { expr: string; labels: object; annotations: Record<string, string> }[] }[];
  };
  const all = groups.flatMap((group) => group.rules);
  t.ok(all.length > 20);
  for (const { expr, labels, annotations } of all) {
    t.equal(problemOfPromql(expr), undefined, expr);
    t.match(labels, { severity: /^(info|warning|critical)$/ });
    t.match(annotations, { summary: /./, description: /./, runbook: /./, link: /./ });
    for (const text of Object.values(annotations)) t.equal(safeTemplate(text).problem, undefined, text);
  }
});
