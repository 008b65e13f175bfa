import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { request } from '../../runner/common/engine';
import { startLoad } from '../../runner/system/load';
import type { Service } from '../../runner/swarm/types';
import { askedFor, machine, scalings } from '../e2e/machine';
import { until } from '../e2e/support';
import { realContext } from '../lab/context';
import { writeSection } from './report';
import { noteInto, type Series } from './measure';

const rounds = Number(process.env.ROUNDS ?? 20);
/** Requests a second: twice the threshold for two tasks. */
const rate = 200;
const example = path.join(__dirname, '../../examples/greeter');
const name = 'greeter_greeter';

const series: Series[] = [];
const note = noteInto(series);

t.test('from a load to the first request of a new task', async (t) => {
  const place = await machine(t);
  const { lab } = place;
  await lab.image('base');
  const up = await place.run('up', '--no-example');
  t.equal(up.code, 0, up.stderr.slice(-2000));
  const engine = lab.engine();
  const context = realContext({ env: lab.environment() });
  const image = (await lab.docker(1, 'build', '--quiet', example)).trim();
  const stack = readFileSync(path.join(example, 'stack.yml'), 'utf8').replace(/image: .*/, `image: '${image}'`);
  await lab.exec(1, 'sh', '-c', `cat > /tmp/greeter.yml <<'END'\n${stack}\nEND`);
  await lab.docker(1, 'stack', 'deploy', '--resolve-image', 'never', '-c', '/tmp/greeter.yml', 'greeter');
  const service = () => request<Service & { UpdatedAt: string }>(engine, 'GET', `/services/${name}`);
  const wanted = async () => (await service()).Spec.Mode.Replicated!.Replicas!;
  const door = { url: `http://${lab.address()}/`, host: 'greeter.localhost' };
  const quietly = encodeURIComponent(
    `sum(rate(greeter_requests_total{job="${name}"}[15s])) < 1 and count(up{job="${name}"} == 1) == 2`,
  );
  const calm = async () => {
    interface Found {
      data: { result: unknown[] };
    }
    const quiet = (await place.ask<Found>(9090, `/api/v1/query?query=${quietly}`)).data.result.length > 0;
    const alerts = await place.ask<unknown[]>(9093, `/api/v2/alerts?filter=service%3D%22${name}%22`);
    return quiet && alerts.length === 0;
  };
  const times = { asked: [] as number[], decided: [] as number[], served: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    t.ok(await until(calm, 120), 'the load and the task before are forgotten');
    const builds = (await scalings(place)).length;
    const load = startLoad(door, rate, context);
    const begin = Date.now();
    const beginning = context.clock.monotonic();
    // Sooner than that no alert fires; a task that is about to go may answer still.
    await context.clock.sleep(3000);
    const known = new Set(load.load.firstAnswers.keys());
    const newcomer = () => [...load.load.firstAnswers].find(([task]) => !known.has(task));
    t.ok(await until(() => Promise.resolve(newcomer() !== undefined), 90), 'a third task answers');
    const [, first] = newcomer()!;
    const { failed } = await load.stop();
    t.equal(failed, 0, 'no request is lost');
    times.served.push((first - beginning) / 1000);
    const build = (await scalings(place)).slice(builds).find((each) => askedFor(each).scale === 'up')!;
    times.asked.push((build.timestamp - begin) / 1000);
    process.stderr.write(`round ${round + 1}: ${times.served.at(-1)} s\n`);
    times.decided.push((Date.parse((await service()).UpdatedAt) - build.timestamp) / 1000);
    await lab.docker(1, 'service', 'scale', '--detach', `${name}=2`);
    t.ok(await until(async () => (await wanted()) === 2, 30));
  }
  note(
    'load → request at the job',
    's',
    'p95 ≤ 20 from the threshold on (155 with the engines’ own defaults)',
    times.asked,
  );
  note('job queued → Swarm updated', 's', 'p95 ≤ 2', times.decided);
  note('load → the new task’s first request', 's', 'p95 ≤ 25', times.served);
});

t.teardown(() =>
  writeSection(
    'From a load to a new task',
    'One node with the whole system; the example at its defaults, twice the load that its alert allows. Times are from the begin of the load; the rate over 15 s, which the alert looks at, crosses the threshold about 7 s later.',
    series,
  ),
);
