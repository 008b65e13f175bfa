import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { makeCurve } from '../../runner/scaling/curve';
import { limitsFor } from '../../runner/scaling/limits';
import { scalingSettings } from '../../runner/scaling/settings';
import { simulate } from '../../runner/scaling/simulate';
import { request } from '../../runner/common/engine';
import type { Service } from '../../runner/swarm/types';
import { ended, startServer } from '../jobs/support';
import { sharedLab, uniqueName } from '../lab';
import { median, noteInto, percentile, type Series } from './measure';
import { writeSection } from './report';
import { noRaces, raceService } from './scaling-races';

const rounds = Number(process.env.RACES ?? 1000);
const services = 4;
const requests = 30;
const runner = path.join(__dirname, '../../resources/homeostat/homeostat.cjs');
const execute = promisify(execFile);

const series: Series[] = [];
const note = noteInto(series);

t.test('writers that race', async (t) => {
  const lab = await sharedLab(t);
  const image = await lab.imageId('busybox');
  const races = noRaces();
  const each = Math.ceil(rounds / services);
  await Promise.all(Array.from({ length: services }, () => raceService(lab, image, each, races)));
  t.same([races.lost, races.outside, races.doubled, races.duringRollout, races.failed], [[], [], [], [], []]);
  const about = `in ${races.rounds} races (${races.writes} writes, ${races.conflicts} conflicts)`;
  note(`writes that undid another, ${about}`, 'count', '0', [races.lost.length]);
  note('alerts that led outside the limits', 'count', '0', [races.outside.length]);
  note('requests carried out twice', 'count', '0', [races.doubled.length]);
  note('scaled during a rollout', 'count', '0', [races.duringRollout.length]);
});

t.test('from the job to the Swarm', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('idle');
  const image = await lab.imageId('busybox');
  const flags = ['--detach', '--endpoint-mode', 'dnsrr', '--init', '--stop-grace-period', '1s', '--no-resolve-image'];
  const labels = ['--label', 'com.df.scaleMax=100'];
  await lab.docker(1, 'service', 'create', '--name', name, ...flags, ...labels, image, 'sleep', '100000');
  t.teardown(() => lab.docker(1, 'service', 'rm', name));
  const { DOCKER_HOST } = lab.environment();
  const yaml = `
quietPeriod: 0
jobs:
  service-scale:
    command: scale
    environment:
      DOCKER_HOST: '${DOCKER_HOST}'
      HOMEOSTAT_SCALE_COOLDOWN_UP: '0'
      HOMEOSTAT_SCALE_COOLDOWN_DOWN: '0'
      HOMEOSTAT_SCALE_FLAP_WINDOW: '0'
    parameters: { service: {}, scale: {}, by: {}, id: {}, at: {} }
`;
  const server = await startServer(t, yaml, undefined, process.env.PATH, runner);
  const client = await server.client('*:read+build', 'alertmanager');
  const engine = lab.engine();
  const replicasNow = async () =>
    (await request<Service>(engine, 'GET', `/services/${name}`)).Spec.Mode.Replicated!.Replicas!;
  const updated: number[] = [];
  for (let number = 1; number <= requests; number++) {
    const before = await replicasNow();
    const start = performance.now();
    const queued = await client.post(
      `v1/scale-service?service=${name}&scale=${before < 6 ? '%2B1' : '2'}&id=bench-${number}`,
    );
    t.equal(queued.status, 200);
    const over = () => performance.now() - start > 20_000;
    while ((await replicasNow()) === before && !over()) await new Promise((resolve) => setTimeout(resolve, 5));
    t.notOk(over(), 'it was scaled');
    updated.push((performance.now() - start) / 1000);
    await ended(client, 'service-scale', number);
    // What is taken away counts as pending no longer, and what is added runs.
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
  t.ok(percentile(updated, 0.95) <= 2, `p95 ${percentile(updated, 0.95)}, median ${median(updated)}`);
  note('job queued → Swarm updated', 's', 'p95 ≤ 2', updated);
  const command: number[] = [];
  for (let count = 0; count < 10; count++) {
    const start = performance.now();
    await execute(process.execPath, [runner, 'scale', name, '--explain'], { env: { ...process.env, DOCKER_HOST } });
    command.push((performance.now() - start) / 1000);
  }
  note('`homeostat scale --explain`, as a whole', 's', '', command);
});

t.test('noise', async (t) => {
  const settings = scalingSettings({}, 'com.df.');
  const { limits } = limitsFor('service', { 'com.df.scaleMax': '20' }, settings);
  const simulation = {
    limits,
    threshold: { up: 100, down: 50 },
    for: 30,
    window: 30,
    interval: 5,
    startup: 10,
    replicas: 4,
  };
  for (const [noise, most] of [
    [10, 0],
    [20, 2],
  ] as const) {
    const flips: number[] = [];
    for (let mean = 150; mean <= 1500; mean += 50)
      for (let seed = 1; seed <= 10; seed++)
        flips.push(
          simulate(makeCurve(`constant mean=${mean} noise=${noise} duration=3600 seed=${seed}`), simulation).flips,
        );
    t.ok(Math.max(...flips) <= most);
    note(`direction flips in an hour of load with ±${noise} % noise`, 'count', most === 0 ? '0' : `≤ ${most}`, flips);
  }
});

t.test('written down', async () => {
  const about = `One node. In each race a person, three alerts (two of them the same) and in every third race a deploy write one service at the same moment; each write is looked at on its way to the Engine.`;
  writeSection('Scaling', about, series);
});
