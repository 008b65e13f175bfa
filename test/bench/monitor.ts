import t from 'tap';
import { machine, type Machine } from '../e2e/machine';
import { until } from '../e2e/support';
import type { Series } from './measure';
import { writeSection } from './report';
import { alerts, render, service } from '../monitor/support';

const rounds = Number(process.env.ROUNDS ?? 20);
const name = 'measured';

const series: Series[] = [];
const note = (what: string, unit: string, limit: string, values: number[]) => {
  series.push({ name: what, unit, limit, values });
  process.stderr.write(`${what}: ${values.map((value) => value.toFixed(2)).join(' ')}\n`);
};

interface Targets {
  data: { activeTargets: { labels: Record<string, string>; health: string; lastScrape: string }[] };
}
interface Rules {
  data: { groups: { rules: { name: string }[] }[] };
}

const targetsOf = async ({ ask }: Machine) =>
  (await ask<Targets>(9090, '/api/v1/targets?state=active')).data.activeTargets.filter(
    ({ labels }) => labels.job === name,
  );

/** Milliseconds since 1970 at which the newest task began to run, or began to end. */
async function newestTask({ lab }: Machine, state: 'running' | 'shutdown'): Promise<number> {
  const list = ['service', 'ps', name, '--no-trunc', '--filter', `desired-state=${state}`, '--format', '{{.ID}}'];
  const ids = (await lab.docker(1, ...list)).split('\n').filter(Boolean);
  const times = await lab.docker(1, 'inspect', '--format', '{{.Status.Timestamp}}', ...ids);
  // The client writes times as Go does: `2026-01-01 10:00:00.123 +0000 UTC`.
  return Math.max(
    ...times.split('\n').map((time) => Date.parse(time.replace(/^(\S+) (\S+?)(\.\d{1,3})?\d* .*$/, '$1T$2$3Z'))),
  );
}

t.test('what runs and what is measured', async (t) => {
  const place = await machine(t);
  const { lab } = place;
  const up = await place.run('up', '--no-example');
  t.equal(up.code, 0, up.stderr.slice(-2000));
  const image = await lab.imageId('busybox');
  const page = 'mkdir -p /www && echo "one 1" >/www/metrics && exec httpd -f -p 8080 -h /www';
  const flags = ['--detach', '--no-resolve-image', '--network', 'proxy', '--endpoint-mode', 'dnsrr', '--init'];
  const labels = ['notify=true', 'scrapePort=8080'].flatMap((each) => ['--label', `com.df.${each}`]);
  await lab.docker(
    1,
    'service',
    'create',
    '--name',
    name,
    ...flags,
    ...labels,
    '--stop-grace-period',
    '1s',
    image,
    'sh',
    '-c',
    page,
  );
  const measured = async (count: number) => {
    const targets = await targetsOf(place);
    return targets.length === count && targets.every(({ health }) => health === 'up');
  };
  t.ok(await until(() => measured(1), 90));
  const times = { scraped: [] as number[], gone: [] as number[], rule: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    await lab.docker(1, 'service', 'scale', '--detach', `${name}=2`);
    t.ok(await until(() => measured(2), 60));
    const began = await newestTask(place, 'running');
    const first = Math.max(...(await targetsOf(place)).map(({ lastScrape }) => Date.parse(lastScrape)));
    times.scraped.push((first - began) / 1000);
    await lab.docker(1, 'service', 'scale', '--detach', `${name}=1`);
    t.ok(await until(async () => (await targetsOf(place)).length === 1, 60));
    times.gone.push((Date.now() - (await newestTask(place, 'shutdown'))) / 1000);

    const alert = ['alertName', 'alertIf'].map((each) => `com.df.${each}.${round + 1}`);
    const begin = Date.now();
    await lab.docker(
      1,
      'service',
      'update',
      '--detach',
      '--label-add',
      `${alert[0]}=r${round}`,
      '--label-add',
      `${alert[1]}=vector(0) > 1`,
      name,
    );
    const loaded = async () => {
      const { groups } = (await place.ask<Rules>(9090, '/api/v1/rules')).data;
      return groups.some(({ rules }) => rules.some((rule) => rule.name === `${name}_r${round}`));
    };
    t.ok(await until(loaded, 60));
    times.rule.push((Date.now() - begin) / 1000);
  }
  note('task runs → its first scrape, at an interval of 5 s', 's', 'p95 ≤ 5', times.scraped);
  note('task ends → it is no target any more', 's', 'p95 ≤ 2', times.gone);
  note('label → rule loaded', 's', 'p95 ≤ 2', times.rule);
});

t.test('1,000 services with three rules each', async () => {
  const spent: number[] = [];
  for (let round = 0; round < 20; round++) {
    const services = Array.from({ length: 1000 }, (_, number) =>
      service(
        `s${number}_web`,
        alerts({ mem: '@service_mem_limit:0.8', own: `up{job="s${number}"} == ${round}`, queue: '@proxy_queue:5' }),
      ),
    );
    const before = process.cpuUsage();
    render(services);
    const { user, system } = process.cpuUsage(before);
    spent.push((user + system) / 1000);
  }
  note('1,000 services, 3,000 rules rendered', 'ms CPU', '≤ 300', spent);
});

t.teardown(() =>
  writeSection(
    'Monitoring',
    'One node with the whole system. Prometheus takes changed targets in every 5 s, and by its own flag as shipped here half a second later.',
    series,
  ),
);
