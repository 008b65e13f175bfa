import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { dashboardFiles } from '../../build/dashboards';
import { freePort, until } from '../agent/support';

interface Panel {
  id: number;
  title: string;
  type: string;
  datasource: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { expr: string }[];
}

interface Dashboard {
  uid: string;
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
  panels: Panel[];
}

const folder = path.join(__dirname, '../../resources/dashboards');
const read = (name: string) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Dashboard;
const names = readdirSync(folder);

/** All that queries may ask for, as the cluster, HAProxy, node_exporter and Alertmanager tell it. */
const service = 'service="shop_main",stack="shop"';
const container = 'container_label_com_docker_swarm_service_name="shop_main",id="/docker/1",name="shop_main.1.x"';
const backend = 'proxy="shop_main:0"';
const known: Record<string, string[]> = {
  homeostat_service_replicas_wanted: [service],
  homeostat_service_replicas_running: [service],
  homeostat_service_replicas_pending: [service],
  homeostat_service_tasks_failed_total: [service],
  homeostat_service_updating: [service],
  homeostat_service_update_started_seconds: [service],
  homeostat_service_image_info: [`${service},image="shop",digest="sha256:0"`],
  homeostat_service_scale_minimum: [service],
  homeostat_service_scale_maximum: [service],
  homeostat_service_held: [`${service},direction="up"`],
  homeostat_services: ['state="quarantined"'],
  homeostat_node_info: ['node="one",role="manager",availability="active",state="ready",address="10.0.0.1"'],
  homeostat_node_up: ['node="one"'],
  homeostat_questions_open: [''],
  container_cpu_usage_seconds_total: [container],
  container_memory_working_set_bytes: [container],
  container_spec_memory_limit_bytes: [container],
  container_network_receive_bytes_total: [`${container},interface="eth0"`],
  container_network_transmit_bytes_total: [`${container},interface="eth0"`],
  haproxy_backend_http_requests_total: [backend],
  haproxy_backend_http_responses_total: [`${backend},code="2xx"`, `${backend},code="5xx"`],
  haproxy_backend_response_time_average_seconds: [backend],
  haproxy_backend_queue_time_average_seconds: [backend],
  haproxy_backend_connect_time_average_seconds: [backend],
  haproxy_backend_current_queue: [backend],
  haproxy_backend_active_servers: [backend],
  haproxy_backend_retry_warnings_total: [backend],
  haproxy_backend_redispatch_warnings_total: [backend],
  haproxy_backend_connection_errors_total: [backend],
  haproxy_frontend_http_requests_total: ['proxy="http"'],
  haproxy_frontend_http_responses_total: ['proxy="http",code="2xx"', 'proxy="http",code="5xx"'],
  haproxy_frontend_current_sessions: ['proxy="http"'],
  node_cpu_seconds_total: ['cpu="0",mode="idle"'],
  node_load1: [''],
  node_memory_MemAvailable_bytes: [''],
  node_memory_MemTotal_bytes: [''],
  node_filesystem_avail_bytes: ['mountpoint="/",device="/dev/vda1",fstype="ext4"'],
  node_filesystem_size_bytes: ['mountpoint="/",device="/dev/vda1",fstype="ext4"'],
  node_network_receive_bytes_total: ['device="ens3"'],
  node_network_transmit_bytes_total: ['device="ens3"'],
  alertmanager_notifications_total: ['integration="webhook"', 'integration="slack"'],
  alertmanager_notifications_failed_total: ['integration="webhook"', 'integration="slack"'],
};

const rules = `groups:
  - name: shop
    rules:
      - { alert: shop_main_slow, expr: 'vector(1)', labels: { receiver: system, service: shop_main, scale: up } }
`;

/** A real Prometheus that scrapes all these, each second. */
async function startPrometheus(t: Test): Promise<string> {
  let count = 1;
  const page = () =>
    Object.entries(known)
      .flatMap(([name, all]) => all.map((labels) => `${name}${labels === '' ? '' : `{${labels}}`} ${count}`))
      .join('\n');
  const server = createServer((_, response) => {
    count++;
    response.end(`${page()}\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const work = t.testdir({ 'rules.yml': rules });
  writeFileSync(
    path.join(work, 'prometheus.yml'),
    `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [rules.yml]
scrape_configs:
  - job_name: homeostat-proxy
    static_configs: [{ targets: ['${target}'], labels: { node: one } }]
    honor_labels: true
`,
  );
  const port = await freePort();
  const prometheus = spawn(
    'prometheus',
    [
      `--config.file=${work}/prometheus.yml`,
      `--storage.tsdb.path=${work}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const ended = once(prometheus, 'exit');
  t.teardown(async () => {
    prometheus.kill();
    await ended;
  });
  return `http://127.0.0.1:${port}`;
}

async function query(url: string, expression: string): Promise<{ status: string; error?: string; count: number }> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`).catch(() => undefined);
  // It listens before it is ready, and says so in plain text.
  if (!answer || answer.status === 503) return { status: 'away', count: 0 };
  const { status, error, data } = (await answer.json()) as {
    status: string;
    error?: string;
    data?: { result: { value: [number, string] }[] };
  };
  const results = (data?.result ?? []).filter(({ value }) => value[1] !== 'NaN');
  return { status, ...(error ? { error } : {}), count: results.length };
}

const filledIn = (expression: string) =>
  expression.replaceAll('$__rate_interval', '1m').replace(/\$(?:service|node|proxy)\b/g, '.*');

t.test('the committed files are those that the sources give', async (t) => {
  t.same(names, ['adaptation.json', 'nodes.json', 'proxy.json', 'services.json']);
  for (const { file, content } of dashboardFiles())
    t.equal(readFileSync(path.join(__dirname, '../..', file), 'utf8'), content, file);
});

t.test(
  'panels lie beside each other, are of kinds that every Grafana has, and use the chosen data source',
  async (t) => {
    for (const name of names) {
      const { panels, templating } = read(name);
      t.match(templating.list[0], { name: 'datasource', type: 'datasource', query: 'prometheus' });
      t.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
      for (const { title, type, datasource, gridPos, targets } of panels) {
        t.ok(['timeseries', 'stat', 'table'].includes(type), `${name}: ${title}`);
        t.equal(datasource.uid, '${datasource}');
        t.ok(gridPos.x + gridPos.w <= 24);
        t.ok(targets.length > 0);
      }
      const overlap = panels.some((a) =>
        panels.some(
          (b) =>
            a.id < b.id &&
            a.gridPos.x < b.gridPos.x + b.gridPos.w &&
            b.gridPos.x < a.gridPos.x + a.gridPos.w &&
            a.gridPos.y < b.gridPos.y + b.gridPos.h &&
            b.gridPos.y < a.gridPos.y + a.gridPos.h,
        ),
      );
      t.notOk(overlap, name);
    }
  },
);

t.test('each query finds something in a real Prometheus', async (t) => {
  const url = await startPrometheus(t);
  await until(
    'it has scraped twice, and an alert fires',
    async () =>
      (await query(url, 'rate(haproxy_backend_http_requests_total[1m]) > 0')).count > 0 &&
      (await query(url, 'ALERTS{alertstate="firing"}')).count > 0,
    60_000,
  );
  t.equal((await query(url, 'sum by (')).status, 'error', 'what is wrong is told');
  for (const name of names) {
    const { panels, templating } = read(name);
    for (const { title, targets } of panels)
      for (const { expr } of targets) {
        const { count, error } = await query(url, filledIn(expr));
        t.ok(count > 0, `${name}: ${title}: ${expr} ${error ?? ''}`);
      }
    for (const { query: asked } of templating.list.slice(1)) {
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec((asked as { query: string }).query)!;
      t.ok((await query(url, `${metric}{${label}!=""}`)).count > 0, `${name}: values of ${label}`);
    }
  }
});
