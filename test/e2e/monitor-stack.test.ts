import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Status } from '../../runner/system/status';
import { ask as request } from './door';
import { askedFor, machine, scalings, systemAsItIs } from './machine';
import { until } from './support';

interface Targets {
  data: { activeTargets: { labels: Record<string, string>; health: string }[] };
}

t.test('the monitor as a part of the system', async (t) => {
  const place = await machine(t);
  const { lab, state, run, ask } = place;
  await lab.image('base');
  const busybox = await lab.image('busybox');
  const status = async () => JSON.parse((await run('status', '--json')).stdout) as Status;

  await t.test('settings that are wrong stop it before anything is made', async (t) => {
    mkdirSync(state, { recursive: true });
    writeFileSync(path.join(state, 'settings.env'), 'HOMEOSTAT_ALERTING_REPEAT_UP=soon\n');
    const refused = await run('up', '--no-example');
    t.equal(refused.code, 2);
    t.match(refused.stderr, /settings\.env.*\n.*HOMEOSTAT_ALERTING_REPEAT_UP is 'soon'; allowed is a time/);
    t.same(readdirSync(state), ['settings.env']);
    t.equal(await lab.docker(1, 'service', 'ls', '-q'), '');
  });

  await t.test('it comes up with everything measured, and with the operator’s settings', async (t) => {
    writeFileSync(path.join(state, 'settings.env'), '# ours\nHOMEOSTAT_ALERTING_REPEAT_UP=2m\n');
    const up = await run('up', '--no-example');
    t.equal(up.code, 0, up.stderr.slice(-2000));
    t.match(up.stdout, /Prometheus +http:\/\/127\.0\.0\.1:9090\n +Alertmanager +http:\/\/127\.0\.0\.1:9093/);
    const names = ['alertmanager', 'containers', 'controller', 'nodes', 'prometheus', 'proxy'];
    let seen: Targets['data']['activeTargets'] = [];
    const all = async () => {
      seen = (await ask<Targets>(9090, '/api/v1/targets?state=active')).data.activeTargets;
      const measured = new Set(seen.filter(({ health }) => health === 'up').map(({ labels }) => labels.job));
      return names.every((name) => measured.has(`homeostat-${name}`));
    };
    t.ok(await until(all, 60), 'each part of the system is measured', { seen });
    const environment = await lab.docker(1, 'service', 'inspect', 'homeostat-controller_controller');
    t.match(environment, /HOMEOSTAT_ALERTING_REPEAT_UP=2m/);
    interface Answer {
      data: { result: { metric: Record<string, string> }[] };
    }
    const query = async (text: string) =>
      (await ask<Answer>(9090, `/api/v1/query?query=${encodeURIComponent(text)}`)).data.result;
    t.ok(await until(async () => (await query('node_filesystem_size_bytes{mountpoint="/"}')).length === 1, 60));
    const memory = 'container_memory_usage_bytes{container_label_com_docker_swarm_service_name=~"homeostat-.+"}';
    t.ok(await until(async () => (await query(memory)).length >= 8, 60), 'and each container');
  });

  await t.test('who is not on the node gets no answer', async (t) => {
    for (const port of [7080, 8080, 9090, 9093])
      await t.rejects(request({ address: lab.address(), port, timeout: 5000 }), `port ${port}`);
  });

  await t.test('repeated, it changes nothing', async (t) => {
    const before = await systemAsItIs(place);
    const again = await run('up', '--no-example');
    t.equal(again.code, 0, again.stderr.slice(-2000));
    t.equal(await systemAsItIs(place), before);
  });

  await t.test('an alert that wants a service scaled starts the job once, and nobody else may', async (t) => {
    const label = (name: string, value: string) => ['--label', `com.df.${name}=${value}`];
    await lab.docker(
      1,
      ...['service', 'create', '--detach', '--no-resolve-image', '--name', 'shop', '--network', 'proxy'],
      ...['--endpoint-mode', 'dnsrr', ...label('notify', 'true'), ...label('scaleMin', '1'), ...label('scaleMax', '1')],
      ...label('scrapePort', '9999'),
      ...label('alertName', 'always'),
      ...label('alertIf', 'vector(1)'),
      ...label('alertLabels', 'receiver=system,scale=up,type=service'),
      ...[busybox, 'sleep', '1000'],
    );
    t.ok(await until(async () => (await scalings(place)).length > 0, 90), 'the job server has a build');
    t.match(askedFor((await scalings(place))[0]!), { service: 'shop', scale: 'up', user: 'alertmanager' });
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    t.equal((await scalings(place)).length, 1, 'until the cooldown of two minutes is over it is not asked again');
    await t.rejects(ask(8080, '/job/service-scale/api/json'), 'without a token');
    await t.rejects(ask(8080, '/job/service-scale/api/json', 'homeostat_0000'), 'with a wrong one');
  });

  await t.test('status tells what is not measured, what fires, and who is told', async (t) => {
    const down = async () => (await status()).monitor?.targets.down.some(({ job }) => job === 'shop') ?? false;
    t.ok(await until(down, 60), 'nothing listens at the port that the service names');
    const { monitor, healthy } = await status();
    t.equal(healthy, false);
    t.same(monitor?.problems, []);
    t.match(
      monitor?.alerts.find(({ name }) => name === 'shop_always'),
      { state: 'firing', scales: true, to: ['job service-scale, up'], silenced: false },
    );
    t.match(
      monitor?.rules.find(({ name }) => name === 'shop_always'),
      { service: 'shop', to: ['job service-scale, up'] },
    );
    const { stdout } = await run('status');
    t.match(stdout, /! shop at 10\.\d+\.\d+\.\d+:9999: .*connection refused/);
    t.match(stdout, /alerts: shop_always → job service-scale, up/);
    t.match(stdout, /✔ Alertmanager 0\.\d+\.\d+ +revision [0-9a-f]{8}/);
    t.match((await run('doctor')).stdout, /! monitor +.*not measured: shop/);
  });

  await t.test('where Prometheus is away, that is told, and the rest is known all the same', async (t) => {
    await lab.docker(1, 'service', 'scale', '--detach', 'homeostat-monitor_prometheus=0');
    const away = async () => ((await status()).monitor?.problems.length ?? 0) > 0;
    t.ok(await until(away, 60));
    const { monitor } = await status();
    t.match(monitor?.problems, [/^Prometheus does not answer: /]);
    t.ok(monitor?.rules.length, 'the controller still knows the rules');
    await lab.docker(1, 'service', 'scale', '--detach', 'homeostat-monitor_prometheus=1');
    t.ok(await until(async () => !(await away()), 60), 'it comes back');
  });

  await t.test('down leaves nothing', async (t) => {
    await lab.docker(1, 'service', 'rm', 'shop');
    const down = await run('down');
    t.equal(down.code, 0, down.stderr);
    t.equal(await lab.docker(1, 'service', 'ls', '-q'), '');
    t.equal(await lab.docker(1, 'volume', 'ls', '-q'), '');
    t.equal(await lab.docker(1, 'image', 'ls', '--quiet', '--filter', 'reference=homeostat/*'), '');
  });
});
