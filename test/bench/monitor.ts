import t from 'tap';
import { machine, type Machine } from '../e2e/machine';
import { until } from '../e2e/support';
import { noteInto, type Series } from './measure';
import { writeSection } from './report';
import { alerts, render, service } from '../monitor/support';

const rounds = Number(process.env.ROUNDS ?? 20);

interface Measured {
  name: string;
  what: string;
  flags: string[];
  /** Seconds that the process takes to end. */
  drains: number;
  times: { scraped: number[]; gone: number[] };
}

const measured = (name: string, what: string, drains: number, flags: string[] = []): Measured => ({
  ...{ name, what, flags, drains },
  times: { scraped: [], gone: [] },
});

const services = [
  measured('plain', 'a service without a health check that ends at once', 0),
  measured('usual', 'a service with a health check each 2 s that drains for 2 s', 2, [
    ...['--health-cmd', 'wget -q -O /dev/null http://127.0.0.1:8080/metrics', '--health-interval', '2s'],
  ]),
];

const series: Series[] = [];
const note = noteInto(series);

interface Targets {
  data: { activeTargets: { labels: Record<string, string>; health: string; lastScrape: string }[] };
}
interface Rules {
  data: { groups: { rules: { name: string }[] }[] };
}

const targetsOf = async ({ ask }: Machine, name: string) =>
  (await ask<Targets>(9090, '/api/v1/targets?state=active')).data.activeTargets.filter(
    ({ labels }) => labels.job === name,
  );

/** Milliseconds since 1970 at which each running task began to run. */
async function runningSince({ lab }: Machine, name: string): Promise<number[]> {
  const format = '{{.ID}} {{.CurrentState}}';
  const filters = ['--no-trunc', '--filter', 'desired-state=running', '--format', format];
  const list = (await lab.docker(1, 'service', 'ps', name, ...filters)).split('\n');
  const ids = list.filter((line) => / Running/.test(line)).map((line) => line.split(' ')[0]!);
  if (ids.length === 0) return [];
  const times = await lab.docker(1, 'inspect', '--format', '{{.Status.Timestamp}}', ...ids);
  // The client writes times as Go does: `2026-01-01 10:00:00.123 +0000 UTC`.
  return times.split('\n').map((time) => Date.parse(time.replace(/^(\S+) (\S+?)(\.\d{1,3})?\d* .*$/, '$1T$2$3Z')));
}

/** Milliseconds since 1970 at which processes of the service's tasks ended, from that time on. */
async function endsSince({ lab }: Machine, name: string, since: number): Promise<number[]> {
  const span = ['--since', String(since / 1000), '--until', String(Date.now() / 1000)];
  const filters = ['event=die', `label=com.docker.swarm.service.name=${name}`].flatMap((each) => ['--filter', each]);
  const lines = (await lab.docker(1, 'events', ...span, ...filters, '--format', '{{.TimeNano}}')).split('\n');
  return lines.filter(Boolean).map((nanoseconds) => Number(nanoseconds) / 1e6);
}

/** The list, once it is that long. */
async function once<T>(list: () => Promise<T[]>, length: number): Promise<T[]> {
  let found: T[] = [];
  const isThere = await until(async () => (found = await list()).length === length, 60);
  if (!isThere) throw new Error(`${found.length} of ${length} were found`);
  return found;
}

/** Rounds begin evenly over the 5 s in which Prometheus takes targets in: what ended the last one came from there. */
const anyMoment = (round: number) => new Promise((resolve) => setTimeout(resolve, ((round * 0.618) % 1) * 5000));

t.test('what runs and what is measured', async (t) => {
  const place = await machine(t);
  const { lab } = place;
  const up = await place.run('up', '--no-example');
  t.equal(up.code, 0, up.stderr.slice(-2000));
  const image = await lab.imageId('busybox');
  const common = ['--detach', '--no-resolve-image', '--network', 'proxy', '--endpoint-mode', 'dnsrr', '--init'];
  const labels = ['notify=true', 'scrapePort=8080'].flatMap((each) => ['--label', `com.df.${each}`]);
  for (const { name, flags, drains } of services) {
    const end = `trap 'sleep ${drains}; exit' TERM`;
    const page = `mkdir -p /www && echo "one 1" >/www/metrics && ${end}; httpd -f -p 8080 -h /www & wait`;
    await lab.docker(1, 'service', 'create', '--name', name, ...common, ...labels, ...flags, image, 'sh', '-c', page);
  }
  const areMeasured = async (count: number) => {
    const found = await Promise.all(services.map(({ name }) => targetsOf(place, name)));
    return found.every((targets) => targets.length === count && targets.every(({ health }) => health === 'up'));
  };
  const scale = (count: number) =>
    lab.docker(1, 'service', 'scale', '--detach', ...services.map(({ name }) => `${name}=${count}`));
  t.ok(await until(() => areMeasured(1), 90));
  const loads: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await anyMoment(round);
    await scale(2);
    await Promise.all(
      services.map(async ({ name, times }) => {
        const up = async () => (await targetsOf(place, name)).filter(({ health }) => health === 'up');
        t.ok(await until(async () => (await up()).length === 2, 60));
        const first = Math.max(...(await up()).map(({ lastScrape }) => Date.parse(lastScrape)));
        // It may have been asked before the Swarm counted it.
        const running = await once(() => runningSince(place, name), 2);
        times.scraped.push((first - Math.max(...running)) / 1000);
      }),
    );
    await anyMoment(rounds - round);
    const scaled = Date.now();
    await scale(1);
    await Promise.all(
      services.map(async ({ name, times }) => {
        t.ok(await until(async () => (await targetsOf(place, name)).length === 1, 60));
        const gone = Date.now();
        const ended = await once(() => endsSince(place, name, scaled), 1);
        times.gone.push((gone - Math.min(...ended)) / 1000);
      }),
    );

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
      'plain',
    );
    const loaded = async () => {
      const { groups } = (await place.ask<Rules>(9090, '/api/v1/rules')).data;
      return groups.some(({ rules }) => rules.some((rule) => rule.name === `plain_r${round}`));
    };
    t.ok(await until(loaded, 60));
    loads.push((Date.now() - begin) / 1000);
  }
  for (const { what, times } of services) {
    note(`task runs → its first scrape: ${what}`, 's', 'p95 ≤ 5', times.scraped);
    note(`task has ended → it is no target any more: ${what}`, 's', 'p95 ≤ 2', times.gone);
  }
  note('label → rule loaded', 's', 'p95 ≤ 2', loads);
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
    'One node with the whole system. Prometheus takes changed targets in every 5 s, which nothing can change, and then asks each within its interval of 5 s. A negative time is one before the task ran, or had ended.',
    series,
  ),
);
