import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import type { AgentReport, Bundle } from '../../runner/common/bundle';
import type { TargetGroup } from '../../runner/common/targets';
import { sharedLab, uniqueName } from '../lab';
import { eventually, Site, startController, type LiveController } from '../controller/live';

const run = promisify(execFile);
const limit = 30_000;
const site = async (t: Test) => new Site(await sharedLab(t)).prepare(t);

/** A bundle of an engine that was asked for before, or is now. */
async function bundleOf(live: LiveController, engine: string): Promise<Bundle> {
  let bundle: Bundle | undefined;
  await eventually(async () => {
    const { status, data } = await live.agent.get<Bundle>(`/v1/bundles/${engine}`);
    if (status === 200) bundle = data;
    return bundle !== undefined;
  }, limit);
  return bundle!;
}

function writeBundle(t: Test, { files }: Bundle): string {
  const folder = t.testdir({});
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

const alert = (index: number, name: string, condition: string) => ({
  [`com.df.alertName.${index}`]: name,
  [`com.df.alertIf.${index}`]: condition,
});

const report = (bundle: Bundle, message: string): AgentReport => ({
  ...{
    engine: bundle.engine,
    instance: '',
    agent: uniqueName('agent'),
    node: 'n',
    version: '1',
    engineVersion: '2.53',
  },
  ...{ running: '', reloads: 0, refused: { revision: bundle.revision, message } },
});

t.test(
  'labels become rules that promtool takes and routes that amtool takes; a bad alert costs itself alone',
  async (t) => {
    const place = await site(t);
    const live = await startController(t, place, {
      env: { HOMEOSTAT_ALERTING_JOB_URL: 'http://jobs.example.com:8080' },
    });
    const [shop, cart] = [uniqueName('shop'), uniqueName('cart')];
    await place.create(shop, {
      'com.df.servicePath': `/${shop}`,
      'com.df.port': '8080',
      'com.df.scrapePort': '8080',
      'com.df.scaleMin': '2',
      'com.df.scaleMax': '4',
      ...alert(1, 'mem', '@service_mem_limit:0.8'),
      ...alert(2, 'broken', 'sum(('),
    });
    await place.create(cart, alert(1, 'busy', 'sum(rate(cart_total[1m])) > 5'));
    await eventually(async () => (await live.state(cart)) !== undefined, limit);
    const monitor = await bundleOf(live, 'prometheus');
    t.match(monitor.files[`rules/${shop}.yml`], /mem/);
    t.notMatch(monitor.files[`rules/${shop}.yml`], /broken/);
    t.match(monitor.files[`rules/${cart}.yml`], /cart_total/);
    const folder = writeBundle(t, monitor);
    mkdirSync(path.join(folder, 'targets'), { recursive: true });
    writeFileSync(path.join(folder, 'targets/services.json'), '[]');
    await run(
      'promtool',
      ['check', 'rules', ...Object.keys(monitor.files).filter((name) => name.startsWith('rules/'))],
      {
        cwd: folder,
      },
    );
    const state = (await live.state(shop))!;
    t.match(state.problems, [{ label: 'com.df.alertIf.2' }], 'it is said which label of which service is wrong');
    t.equal(state.state, 'accepted', 'its route does not suffer');
    t.same(state.routes.length, 1);

    const alerting = await bundleOf(live, 'alertmanager');
    t.match(alerting.files['alertmanager.yml'], new RegExp(`scale/${shop}/up`));
    await run('amtool', ['check-config', path.join(writeBundle(t, alerting), 'alertmanager.yml')]);
    const { data: routed } = await live.reader.get<{ alerts: { service: string }[]; destinations: object }>(
      '/v1/monitoring',
    );
    t.match(
      routed.alerts.filter(({ service }) => service === shop),
      [{ alert: `${shop.replace(/\W/g, '_')}_mem`, receivers: ['homeostat/people/warning'] }],
      'where each alert goes is told',
    );
    t.match(routed.destinations, {
      [`homeostat/scale/${shop}/up`]: 'job service-scale, up',
      'homeostat/people/warning': 'nobody',
    });
    t.equal((await live.agent.get('/v1/monitoring')).status, 403);

    const blamed = `Checking rules/${cart}.yml\n  FAILED:\nrules/${cart}.yml: group "x", rule 1: nonsense`;
    await live.agent.put('/v1/agents', report(monitor, blamed));
    await eventually(async () => !(`rules/${cart}.yml` in (await bundleOf(live, 'prometheus')).files), limit);
    t.ok(`rules/${shop}.yml` in (await bundleOf(live, 'prometheus')).files, 'the others stay');
    await eventually(async () => /refused its alerts.*nonsense/s.test(JSON.stringify(await live.state(cart))), limit);
  },
);

t.test('each task that runs is a target with its address, and is none when it has gone', async (t) => {
  const place = await site(t);
  const image = await place.lab.image('busybox');
  const env = { HOMEOSTAT_MONITOR_NETWORKS: place.network, DF_SCRAPE_TARGET_LABELS: 'team' };
  const live = await startController(t, place, { env });
  const name = uniqueName('shop');
  await place.create(
    name,
    { 'com.df.scrapePort': '9000', 'com.df.metricsPath': '/stats', 'com.df.team': 'blue' },
    { image, replicas: 2 },
  );
  let groups: TargetGroup[] = [];
  const have = '';
  const ask = async (wait = 0) => {
    const answer = await live.agent.get<TargetGroup[]>('/v1/targets', { params: { have, wait } });
    if (answer.status === 200) groups = answer.data.filter(({ labels }) => labels.service === name);
    return answer;
  };
  await eventually(async () => (await ask()).status === 200 && groups.length === 2, 60_000);
  for (const { targets, labels } of groups) {
    t.match(targets, [/^10\.\d+\.\d+\.\d+:9000$/]);
    t.match(labels, { job: name, __metrics_path__: '/stats', team: 'blue', task: /^\w{25}$/, node: /./ });
  }
  t.same(groups.map(({ labels }) => labels.slot).sort(), ['1', '2']);
  await place.update(name, undefined, 1);
  await eventually(async () => (await ask()).status === 200 && groups.length === 1, 60_000);
  await place.remove(name);
  await eventually(async () => (await ask()).status === 200 && groups.length === 0, 60_000);
});

t.test('who has the newest targets waits for others; without a token nobody learns anything', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  await eventually(async () => (await live.agent.get('/v1/targets')).status === 200, limit);
  t.equal((await live.reader.get('/v1/targets')).status, 403);
  t.equal((await live.agent.get('/v1/bundles/nothing')).status, 404);
  t.equal((await live.agent.get('/v1/bundles/prometheus', { params: { instance: 'x' } })).status, 400);
});

t.test('the metrics of the cluster stand beside the controller’s own', async (t) => {
  const place = await site(t);
  const live = await startController(t, place);
  const name = uniqueName('shop');
  await place.create(name, { 'com.df.scaleMin': '2', 'com.df.scaleMax': '7' }, { replicas: 3 });
  const wanted = new RegExp(`homeostat_service_replicas_wanted\\{service="${name}".*\\} 3`);
  const maximum = new RegExp(`homeostat_service_scale_maximum\\{service="${name}".*\\} 7`);
  await eventually(async () => {
    const { data } = await live.reader.get<string>('/metrics');
    return wanted.test(data) && maximum.test(data) && /homeostat_node_up\{node=".+"\} 1/.test(data);
  }, limit);
  t.pass('replicas, limits and nodes are told');
});

t.test(
  'alerts that are to stay outlive their service and the controller, until the service says otherwise',
  async (t) => {
    const place = await site(t);
    const live = await startController(t, place);
    const name = uniqueName('shop');
    const labels = {
      ...alert(1, 'stays', 'absent(up)'),
      'com.df.alertPersistent.1': 'true',
      ...alert(2, 'goes', 'up == 0'),
    };
    const rules = async (of: LiveController) => (await bundleOf(of, 'prometheus')).files[`rules/${name}.yml`];
    await place.create(name, labels);
    await eventually(
      async () => /stays/.test((await rules(live)) ?? '') && /goes/.test((await rules(live)) ?? ''),
      limit,
    );
    await place.lab.docker(1, 'service', 'rm', name);
    await eventually(async () => !/goes/.test((await rules(live)) ?? ''), limit);
    t.match(await rules(live), /stays/);
    await live.close();
    const second = await startController(t, place);
    await eventually(async () => /stays/.test((await rules(second)) ?? ''), limit);
    t.notMatch(await rules(second), /goes/);

    await place.create(name, { ...labels, 'com.df.alertPersistent.1': 'false' });
    await eventually(async () => /goes/.test((await rules(second)) ?? ''), limit);
    await place.lab.docker(1, 'service', 'rm', name);
    await eventually(async () => (await rules(second)) === undefined, limit);

    await place.create(name, labels);
    await eventually(async () => /goes/.test((await rules(second)) ?? ''), limit);
    await place.lab.docker(1, 'service', 'rm', name);
    await eventually(async () => !/goes/.test((await rules(second)) ?? ''), limit);
    const left = await bundleOf(second, 'prometheus');
    await second.agent.put('/v1/agents', report(left, `rules/${name}.yml: group "x", rule 1: nonsense`));
    await eventually(async () => (await rules(second)) === undefined, limit);
    const records = await place.lab.docker(1, 'config', 'ls', '--format', '{{.Name}}');
    t.notMatch(records, new RegExp(`persistent-.*${name}`), 'nothing of it is left in the store');
  },
);
