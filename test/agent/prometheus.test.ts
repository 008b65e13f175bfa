import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { healthFile, runAgent } from '../../runner/agent/agent';
import { withLocalPaths } from '../../runner/agent/prometheus/configuration';
import { PrometheusEngine } from '../../runner/agent/prometheus/engine';
import { flagsOf } from '../../runner/agent/prometheus/flags';
import { HomeostatError } from '../../runner/common/errors';
import { targetsText } from '../../runner/common/targets';
import { renderMonitor } from '../../runner/monitor/render';
import { defaultMonitorSettings } from '../../runner/monitor/settings';
import { guiltyServices } from '../../runner/monitor/guilty';
import { realContext } from '../lab/context';
import { TestController, token } from './controller';
import { freePort, until } from './support';

const limit = 60_000;

interface World {
  controller: TestController;
  port: number;
  folder: string;
  context: ReturnType<typeof realContext>;
  pid(): Promise<number | undefined>;
  ask(path: string): Promise<{ data: Record<string, unknown> }>;
  query(expression: string): Promise<Record<string, string>[]>;
  stop(): Promise<void>;
}

/** An agent in this process with a real Prometheus, and the controller's side of it. */
async function world(
  t: Test,
  options: { folder?: string; controller?: TestController; token?: boolean } = {},
): Promise<World> {
  const controller = options.controller ?? new TestController('prometheus');
  const controllerPort = await controller.listen();
  const work = await mkdtemp(path.join(tmpdir(), 'homeostat-agent-'));
  const folder = options.folder ?? path.join(work, 'state');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(work, 'token'), `${token}\n`);
  if (options.token !== false) await writeFile(path.join(work, 'reader-token'), 'a-token-of-the-readers\n');
  const port = await freePort();
  const output = openSync(path.join(work, 'output.log'), 'w');
  const stopping = new AbortController();
  const context = realContext({ signal: stopping.signal });
  const engine = new PrometheusEngine(
    {
      ...{ folder, output, program: 'prometheus', checker: 'promtool', checkLimit: 30_000 },
      ...{ listen: `127.0.0.1:${port}`, credentialsFile: path.join(work, 'reader-token') },
    },
    context,
  );
  const runFolder = path.join(work, 'run');
  const settings = {
    ...{ controller: `http://127.0.0.1:${controllerPort}`, tokenFile: path.join(work, 'token'), folder, runFolder },
    ...{ instance: '', agent: 'agent-1', node: 'node-1', drain: 10_000, wait: 20_000 },
  };
  const ended = runAgent(engine, settings, context);
  ended.catch(() => undefined);
  const stop = async () => {
    stopping.abort(new HomeostatError('STOPPED', 'stopped by the test'));
    await ended;
  };
  t.teardown(async () => {
    await stop().catch(() => undefined);
    if (!t.passing()) t.comment(context.written());
    closeSync(output);
    await controller.close();
    await rm(work, { recursive: true, force: true });
  });
  const ask = async (url: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${url}`);
    return (await answer.json()) as { data: Record<string, unknown> };
  };
  return {
    ...{ controller, port, folder, context, ask, stop },
    pid: async () => {
      const text = await readFile(path.join(runFolder, healthFile), 'utf8').catch(() => undefined);
      return text === undefined ? undefined : Number(text);
    },
    query: async (expression) => {
      const { data } = await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`);
      return (data.result as { metric: Record<string, string> }[]).map(({ metric }) => metric);
    },
  };
}

/** A bundle as the controller makes it, with rules of one service. */
function files(condition: string, service = 'shop_web'): Record<string, string> {
  const description = {
    ...{ name: service, aclName: service, destinations: [], others: {}, proxy: {} },
    alerts: [{ index: 0, name: 'sum', condition: 'vector(1) > 0', labels: {}, annotations: {}, persistent: false }],
  } as never;
  const { files: rendered } = renderMonitor({
    services: [{ description, mode: 'replicated', createdAt: '', labels: {} }],
    settings: { ...defaultMonitorSettings, scrapeInterval: 1000, evaluationInterval: 1000 },
  });
  const name = `rules/${service}.yml`;
  return { ...rendered, [name]: rendered[name]!.replace('vector(1) > 0', condition) };
}

/** A task with metrics. */
async function startMetrics(t: Test, answer: () => string): Promise<string> {
  const server = createServer((_request, response) => response.end(answer()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('serves a bundle, scrapes the targets as soon as they are told, and tells the controller', async (t) => {
  const { controller, folder, query, context, pid } = await world(t);
  const address = await startMetrics(t, () => 'orders_total 7\n');
  const revision = controller.publish(files('vector(1) > 0'));
  await until('it runs', () => controller.last?.running === revision, limit);
  t.match(controller.last, { engine: 'prometheus', reloads: 0, engineVersion: /^2\.\d+\.\d+$/ });
  t.ok(await pid());
  controller.publishTargets(targetsText([{ targets: [address], labels: { job: 'shop_web', service: 'shop_web' } }]));
  await until('the task is scraped', async () => (await query('orders_total')).length === 1, limit);
  t.match(await query('orders_total'), [{ job: 'shop_web', service: 'shop_web', instance: address }]);
  await until('its alert fires', async () => (await query('ALERTS{alertstate="firing"}')).length > 0, limit);
  t.ok((await query('ALERTS{alertname="shop_web_sum",service="shop_web"}')).length);
  controller.publishTargets('[]\n');
  await until('the target is gone', async () => (await query('up{job="shop_web"}')).length === 0, limit);
  t.equal((await stat(path.join(folder, 'targets/services.json'))).mode & 0o777, 0o600);
  t.notMatch(context.written(), /a-token-of-the/);
});

t.test('a reload is verified; a refused bundle changes nothing and names the service', async (t) => {
  const { controller, query, ask, pid } = await world(t);
  const first = controller.publish(files('vector(1) > 0'));
  await until('it runs', () => controller.last?.running === first, limit);
  const before = await pid();
  const bad = files('sum(rate(x[5m]) > 0');
  const refused = controller.publish(bad);
  await until('it is refused', () => controller.last?.refused, limit);
  t.match(controller.last, { running: first, refused: { revision: refused, message: /shop_web\.yml/ } });
  t.same(guiltyServices(bad, controller.last!.refused!.message), ['shop_web']);
  t.equal(await pid(), before);
  const second = controller.publish(files('vector(2) > 1'));
  await until('the next one runs', () => controller.last?.running === second, limit);
  t.match(controller.last, { reloads: 1 });
  const { data } = await ask('/api/v1/rules');
  t.match(JSON.stringify(data), /vector\(2\) > 1/);
  await until('the alert fires', async () => (await query('ALERTS{alertname="shop_web_sum"}')).length > 0, limit);
});

t.test('killed, it is started again with what it had, also while the controller is away', async (t) => {
  const controller = new TestController('prometheus');
  const { pid, query, ask } = await world(t, { controller });
  const address = await startMetrics(t, () => 'orders_total 7\n');
  controller.publishTargets(targetsText([{ targets: [address], labels: { job: 'shop_web' } }]));
  const revision = controller.publish(files('vector(1) > 0'));
  await until('it is scraped', async () => (await pid()) && (await query('orders_total')).length === 1, limit);
  const first = (await pid())!;
  await controller.close();
  process.kill(first, 'SIGKILL');
  await until('it is another process', async () => ![first, undefined].includes(await pid()), limit);
  await until('it scrapes', async () => (await query('orders_total')).length === 1, limit);
  const { data } = await ask('/api/v1/status/config');
  t.match(data.yaml, `revision-${revision}`);
  t.ok((await query('count_over_time(orders_total[10m])')).length, 'what was measured before is still there');
});

t.test('what a target may answer is limited, and costs no other target', async (t) => {
  const { controller, query } = await world(t);
  const large = await startMetrics(t, () => `large{text="${'x'.repeat(1000)}"} 1\n`.repeat(12_000));
  const many = await startMetrics(t, () => Array.from({ length: 60_000 }, (_, n) => `m{n="${n}"} 1\n`).join(''));
  const good = await startMetrics(t, () => 'good 1\n');
  controller.publishTargets(
    targetsText(
      Object.entries({ large, many, good }).map(([job, address]) => ({ targets: [address], labels: { job } })),
    ),
  );
  const revision = controller.publish(files('vector(1) > 0'));
  await until('it runs', () => controller.last?.running === revision, limit);
  await until('all are looked at', async () => (await query('up{job=~"large|many|good"}')).length === 3, limit);
  t.same(
    (await query('up == 1')).map(({ job }) => job).filter((job) => /large|many|good/.test(job!)),
    ['good'],
  );
  t.equal((await query('{__name__=~"large|m"}')).length, 0);
});

t.test('no list of targets, no token: what there is stays, and the rest works', async (t) => {
  const { controller, folder, context, ask } = await world(t, { token: false });
  controller.publishTargets('[{"targets":["127.0.0.1:1"],"labels":{}}]\n');
  const revision = controller.publish(files('vector(1) > 0'));
  await until('it runs', () => controller.last?.running === revision, limit);
  const file = path.join(folder, 'targets/services.json');
  await until('targets are there', async () => (await readFile(file, 'utf8').catch(() => '')) !== '', limit);
  controller.publishTargets('{"no": "list"}');
  await until('it is told', () => /is no list of targets/.test(context.written()), limit);
  t.match(await readFile(file, 'utf8'), /127\.0\.0\.1:1/);
  t.match(context.written(), /reader-token cannot be read/);
  const { data } = await ask('/api/v1/status/config');
  t.notMatch(data.yaml, /credentials_file/);
});

t.test('a folder moves to another container: it serves the last good bundle without a controller', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'homeostat-folder-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const one = await world(t, { folder });
  const revision = one.controller.publish(files('vector(1) > 0'));
  await until('it runs', () => one.controller.last?.running === revision, limit);
  await one.stop().catch(() => undefined);
  const two = await world(t, { folder });
  await until('the other one runs', () => two.controller.last?.running === revision, limit);
});

t.test('parts: paths of this machine, flags from the environment', async (t) => {
  const text = renderMonitor({ services: [], settings: defaultMonitorSettings }).files['prometheus.yml']!;
  const paths = { targets: '/data/targets/services.json', credentials: '/run/secrets/reader' };
  const local = withLocalPaths(text, 'abc', paths);
  t.match(local, /- "?\/data\/targets\/services\.json/);
  t.match(local, /credentials_file: "?\/run\/secrets\/reader/);
  t.match(local, /- "?revision-abc-\*\.yml/);
  t.equal(withLocalPaths(text, 'abc', paths), local, 'the same gives the same');
  t.notMatch(withLocalPaths(text, 'abc', { ...paths, credentials: undefined }), /authorization/);
  t.same(
    flagsOf({
      ARG_STORAGE_TSDB_RETENTION_TIME: '30d',
      'ARG_WEB_EXTERNAL-URL': 'http://x/y',
      ARG_CONFIG_FILE: '/etc/x',
      ARG_ALERTMANAGER_URL: 'http://a:9093',
      'ARG_WEB_ENABLE-ADMIN-API': 'true',
      PATH: '/bin',
    }),
    ['--storage.tsdb.retention.time=30d', '--web.enable-admin-api', '--web.external-url=http://x/y'],
  );
  t.match(execFileSync('promtool', ['--version'], { encoding: 'utf8' }), /promtool, version 2\./);
});
