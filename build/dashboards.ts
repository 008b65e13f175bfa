/**
 * The dashboards for Grafana, of 9 and later: https://grafana.com/docs/grafana/v9.5/dashboards/build-dashboards/view-dashboard-json-model/.
 * Only panels that every Grafana has. Queries use what the cluster, HAProxy, node_exporter, Prometheus and Alertmanager
 * tell themselves.
 */

interface Query {
  expr: string;
  legend: string;
}

interface Panel {
  title: string;
  /** What is to be seen in it, for who looks at it the first time. */
  description: string;
  type: 'timeseries' | 'stat' | 'table';
  unit: 'short' | 'percentunit' | 'bytes' | 's' | 'reqps' | 'Bps' | 'cps';
  /** Of the 24 columns. */
  width: number;
  queries: Query[];
}

interface Dashboard {
  title: string;
  description: string;
  /** Its one choice beside the data source, from the values of a label. */
  choice?: { label: string; metric: string };
  panels: Panel[];
}

const graph = (title: string, unit: Panel['unit'], description: string, ...queries: [string, string][]): Panel => ({
  ...{ title, unit, description, type: 'timeseries', width: 12 },
  queries: queries.map(([expr, legend]) => ({ expr, legend })),
});

const figure = (title: string, unit: Panel['unit'], description: string, expr: string): Panel => ({
  ...{ title, unit, description, type: 'stat', width: 4 },
  queries: [{ expr, legend: '' }],
});

const table = (title: string, description: string, expr: string): Panel => ({
  ...{ title, unit: 'short', description, type: 'table', width: 24 },
  queries: [{ expr, legend: '' }],
});

const chosen = '{service=~"$service"}';
const containers = '{container_label_com_docker_swarm_service_name=~"$service"}';
const byContainer = 'container_label_com_docker_swarm_service_name';
/** HAProxy's backends are named `<service>:<index>`. */
const backends = '{proxy=~"($service):.*"}';
const node = '{node=~"$node"}';

export const dashboards: Record<string, Dashboard> = {
  services: {
    title: 'Homeostat: services',
    description: 'What runs, what it uses, and how it answers',
    choice: { label: 'service', metric: 'homeostat_service_replicas_wanted' },
    panels: [
      figure('Wanted', 'short', 'Tasks that there should be', `sum(homeostat_service_replicas_wanted${chosen})`),
      figure('Running', 'short', 'Tasks that run', `sum(homeostat_service_replicas_running${chosen})`),
      figure('Pending', 'short', 'Tasks on their way', `sum(homeostat_service_replicas_pending${chosen})`),
      figure(
        'Failed within an hour',
        'short',
        'Tasks that failed or were rejected',
        `sum(increase(homeostat_service_tasks_failed_total${chosen}[1h]))`,
      ),
      figure('Rollouts', 'short', 'Services in a rollout', `sum(homeostat_service_updating${chosen})`),
      figure(
        'Alerts',
        'short',
        'Alerts of these services that fire',
        'count(ALERTS{alertstate="firing",service=~"$service"}) or vector(0)',
      ),
      graph(
        'Tasks',
        'short',
        'Wanted and running tasks of each service',
        [`max by (service) (homeostat_service_replicas_wanted${chosen})`, '{{service}} wanted'],
        [`max by (service) (homeostat_service_replicas_running${chosen})`, '{{service}} running'],
      ),
      graph('Requests', 'reqps', 'Requests that HAProxy gave to each service', [
        `sum by (proxy) (rate(haproxy_backend_http_requests_total${backends}[$__rate_interval]))`,
        '{{proxy}}',
      ]),
      graph('Response time', 's', 'Mean of the last 1024 answers, of the slowest proxy', [
        `max by (proxy) (haproxy_backend_response_time_average_seconds${backends})`,
        '{{proxy}}',
      ]),
      graph('Server errors', 'percentunit', 'Share of answers with 5xx', [
        `sum by (proxy) (rate(haproxy_backend_http_responses_total{proxy=~"($service):.*",code="5xx"}[$__rate_interval])) / (sum by (proxy) (rate(haproxy_backend_http_responses_total${backends}[$__rate_interval])) > 0)`,
        '{{proxy}}',
      ]),
      graph('CPU', 'short', 'Cores in use', [
        `sum by (${byContainer}) (rate(container_cpu_usage_seconds_total${containers}[$__rate_interval]))`,
        `{{${byContainer}}}`,
      ]),
      graph('Memory', 'bytes', 'Memory that cannot be given back, of all tasks', [
        `sum by (${byContainer}) (container_memory_working_set_bytes${containers})`,
        `{{${byContainer}}}`,
      ]),
      graph('Memory of its limit', 'percentunit', 'Of the task that is nearest to its limit', [
        `max by (${byContainer}) (container_memory_working_set_bytes${containers} / (container_spec_memory_limit_bytes > 0))`,
        `{{${byContainer}}}`,
      ]),
      graph(
        'Network',
        'Bps',
        'Received and sent',
        [
          `sum by (${byContainer}) (rate(container_network_receive_bytes_total${containers}[$__rate_interval]))`,
          `{{${byContainer}}} in`,
        ],
        [
          `sum by (${byContainer}) (rate(container_network_transmit_bytes_total${containers}[$__rate_interval]))`,
          `{{${byContainer}}} out`,
        ],
      ),
      table('What runs', 'Image and digest of each service', `homeostat_service_image_info${chosen}`),
    ],
  },
  nodes: {
    title: 'Homeostat: nodes',
    description: 'The machines of the Swarm',
    choice: { label: 'node', metric: 'homeostat_node_info' },
    panels: [
      figure('Nodes', 'short', 'Nodes of the Swarm', 'count(homeostat_node_info)'),
      figure('Up', 'short', 'Nodes that the Swarm hears from', 'sum(homeostat_node_up)'),
      figure('Managers', 'short', 'Nodes that may lead', 'count(homeostat_node_info{role="manager"})'),
      figure('Tasks', 'short', 'Tasks that run', 'sum(homeostat_service_replicas_running)'),
      figure(
        'Memory in use',
        'percentunit',
        'Of all nodes together',
        '1 - sum(node_memory_MemAvailable_bytes) / sum(node_memory_MemTotal_bytes)',
      ),
      figure(
        'Fullest disk',
        'percentunit',
        'Of all nodes',
        '1 - min(node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660"} / (node_filesystem_size_bytes > 0))',
      ),
      graph('CPU', 'percentunit', 'Share that is in use', [
        `1 - avg by (node) (rate(node_cpu_seconds_total{mode="idle",node=~"$node"}[$__rate_interval]))`,
        '{{node}}',
      ]),
      graph('Load', 'short', 'Processes that run or wait, in the last minute', [
        'max by (node) (node_load1{node=~"$node"})',
        '{{node}}',
      ]),
      graph('Memory', 'percentunit', 'Share that is in use', [
        '1 - max by (node) (node_memory_MemAvailable_bytes{node=~"$node"}) / max by (node) (node_memory_MemTotal_bytes{node=~"$node"})',
        '{{node}}',
      ]),
      graph('Disks', 'percentunit', 'Share that is in use', [
        '1 - min by (node, mountpoint) (node_filesystem_avail_bytes{node=~"$node",fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660"} / (node_filesystem_size_bytes > 0))',
        '{{node}} {{mountpoint}}',
      ]),
      graph(
        'Network',
        'Bps',
        'Received and sent, without the containers’ own interfaces',
        [
          'sum by (node) (rate(node_network_receive_bytes_total{node=~"$node",device!~"lo|veth.*|docker.*|br-.*"}[$__rate_interval]))',
          '{{node}} in',
        ],
        [
          'sum by (node) (rate(node_network_transmit_bytes_total{node=~"$node",device!~"lo|veth.*|docker.*|br-.*"}[$__rate_interval]))',
          '{{node}} out',
        ],
      ),
      table('All nodes', 'Role, availability, state and address', `homeostat_node_info${node}`),
    ],
  },
  proxy: {
    title: 'Homeostat: proxy',
    description: 'What comes in at the door',
    choice: { label: 'proxy', metric: 'haproxy_backend_http_requests_total' },
    panels: [
      figure(
        'Requests',
        'reqps',
        'Of all proxies',
        'sum(rate(haproxy_frontend_http_requests_total[$__rate_interval]))',
      ),
      figure('Sessions', 'short', 'Connections that are open', 'sum(haproxy_frontend_current_sessions)'),
      figure('Queue', 'short', 'Requests that wait for a task', 'sum(haproxy_backend_current_queue)'),
      figure(
        'Server errors',
        'percentunit',
        'Share of answers with 5xx',
        'sum(rate(haproxy_frontend_http_responses_total{code="5xx"}[$__rate_interval])) / (sum(rate(haproxy_frontend_http_responses_total[$__rate_interval])) > 0)',
      ),
      figure('Proxies', 'short', 'Proxies that answer', 'sum(up{job="homeostat-proxy"})'),
      figure(
        'Services without a task',
        'short',
        'Backends without a server that is up',
        'count(max by (proxy) (haproxy_backend_active_servers) == 0) or vector(0)',
      ),
      graph('Requests by backend', 'reqps', 'Of all proxies', [
        'sum by (proxy) (rate(haproxy_backend_http_requests_total{proxy=~"$proxy"}[$__rate_interval]))',
        '{{proxy}}',
      ]),
      graph('Answers by status', 'reqps', 'Of the chosen backends', [
        'sum by (code) (rate(haproxy_backend_http_responses_total{proxy=~"$proxy"}[$__rate_interval]))',
        '{{code}}',
      ]),
      graph(
        'Times',
        's',
        'Mean of the last 1024 requests: in the queue, to connect, until the answer',
        ['max by (proxy) (haproxy_backend_queue_time_average_seconds{proxy=~"$proxy"})', '{{proxy}} queue'],
        ['max by (proxy) (haproxy_backend_connect_time_average_seconds{proxy=~"$proxy"})', '{{proxy}} connect'],
        ['max by (proxy) (haproxy_backend_response_time_average_seconds{proxy=~"$proxy"})', '{{proxy}} answer'],
      ),
      graph('Servers', 'short', 'Tasks that are up, by the proxy that sees the fewest', [
        'min by (proxy) (haproxy_backend_active_servers{proxy=~"$proxy"})',
        '{{proxy}}',
      ]),
      graph(
        'Second tries',
        'cps',
        'Requests that were tried again, or given to another task',
        [
          'sum by (proxy) (rate(haproxy_backend_retry_warnings_total{proxy=~"$proxy"}[$__rate_interval]))',
          '{{proxy}} again',
        ],
        [
          'sum by (proxy) (rate(haproxy_backend_redispatch_warnings_total{proxy=~"$proxy"}[$__rate_interval]))',
          '{{proxy}} another task',
        ],
      ),
      graph('Connections refused by tasks', 'cps', 'They do not listen, or are gone', [
        'sum by (proxy) (rate(haproxy_backend_connection_errors_total{proxy=~"$proxy"}[$__rate_interval]))',
        '{{proxy}}',
      ]),
    ],
  },
  adaptation: {
    title: 'Homeostat: adaptation',
    description: 'How the cluster adapts: limits, rollouts, alerts, and what was done about them',
    choice: { label: 'service', metric: 'homeostat_service_scale_maximum' },
    panels: [
      figure('Alerts', 'short', 'That fire', 'count(ALERTS{alertstate="firing"}) or vector(0)'),
      figure('Questions', 'short', 'That wait for a person', 'sum(homeostat_questions_open)'),
      figure('Quarantined', 'short', 'Services whose labels are wrong', 'sum(homeostat_services{state="quarantined"})'),
      figure(
        'Held',
        'short',
        'Services that are not scaled for now',
        'count(homeostat_service_held == 1) or vector(0)',
      ),
      figure(
        'At the most',
        'short',
        'Services that have as many tasks as they may',
        'count(max by (service) (homeostat_service_replicas_wanted) >= on (service) max by (service) (homeostat_service_scale_maximum)) or vector(0)',
      ),
      figure('Rollouts', 'short', 'Under way', 'sum(homeostat_service_updating)'),
      graph(
        'Tasks within their limits',
        'short',
        'Wanted tasks between the least and the most',
        [`max by (service) (homeostat_service_replicas_wanted${chosen})`, '{{service}}'],
        [`max by (service) (homeostat_service_scale_minimum${chosen})`, '{{service}} least'],
        [`max by (service) (homeostat_service_scale_maximum${chosen})`, '{{service}} most'],
      ),
      graph('Alerts that scale', 'short', 'Those that fire for the machine', [
        'count by (service, scale) (ALERTS{alertstate="firing",receiver="system",service=~"$service"})',
        '{{service}} {{scale}}',
      ]),
      graph(
        'Requests to the job',
        'cps',
        'Sent by Alertmanager, and those that failed',
        ['sum(rate(alertmanager_notifications_total{integration="webhook"}[$__rate_interval]))', 'sent'],
        ['sum(rate(alertmanager_notifications_failed_total{integration="webhook"}[$__rate_interval]))', 'failed'],
      ),
      graph(
        'Messages to people',
        'cps',
        'Sent by Alertmanager, and those that failed',
        ['sum(rate(alertmanager_notifications_total{integration!="webhook"}[$__rate_interval]))', 'sent'],
        ['sum(rate(alertmanager_notifications_failed_total{integration!="webhook"}[$__rate_interval]))', 'failed'],
      ),
      graph('Rollouts', 's', 'How long each has been under way', [
        `time() - max by (service) (homeostat_service_update_started_seconds${chosen})`,
        '{{service}}',
      ]),
      graph('Failed tasks', 'short', 'Within five minutes', [
        `sum by (service) (increase(homeostat_service_tasks_failed_total${chosen}[5m]))`,
        '{{service}}',
      ]),
      table('Firing now', 'All alerts that fire', 'ALERTS{alertstate="firing"}'),
    ],
  },
};

const datasource = { type: 'prometheus', uid: '${datasource}' };

/** The files of the dashboards, by their path. */
export const dashboardFiles = (): { file: string; content: string }[] =>
  Object.entries(dashboards).map(([name, dashboard]) => ({
    file: `resources/dashboards/${name}.json`,
    content: `${JSON.stringify(modelOf(name, dashboard), null, 2)}\n`,
  }));

function modelOf(name: string, { title, description, choice, panels }: Dashboard) {
  return {
    uid: `homeostat-${name}`,
    title,
    description,
    tags: ['homeostat'],
    schemaVersion: 37,
    editable: true,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        ...(choice ? [variableOf(choice)] : []),
      ],
    },
    panels: placed(panels),
  };
}

const variableOf = ({ label, metric }: { label: string; metric: string }) => ({
  ...{ name: label, label, type: 'query', datasource },
  query: { query: `label_values(${metric}, ${label})`, refId: 'values' },
  ...{ refresh: 2, sort: 1, multi: true, includeAll: true, allValue: '.*' },
  current: { text: 'All', value: '$__all' },
});

const heights = { stat: 4, timeseries: 8, table: 8 };

/** Panels from left to right, in rows of 24 columns. */
function placed(panels: Panel[]) {
  let x = 0;
  let y = 0;
  let height = 0;
  return panels.map((panel, index) => {
    if (x + panel.width > 24) {
      x = 0;
      y += height;
      height = 0;
    }
    const gridPos = { x, y, w: panel.width, h: heights[panel.type] };
    x += panel.width;
    height = Math.max(height, gridPos.h);
    const now = panel.type !== 'timeseries';
    return {
      id: index + 1,
      ...{ title: panel.title, description: panel.description, type: panel.type, datasource, gridPos },
      fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
      options: {},
      targets: panel.queries.map(({ expr, legend }, number) => ({
        ...{ refId: String.fromCharCode(65 + number), datasource, expr },
        ...(legend === '' ? {} : { legendFormat: legend }),
        ...(now ? { instant: true } : {}),
        ...(panel.type === 'table' ? { format: 'table' } : {}),
      })),
    };
  });
}
