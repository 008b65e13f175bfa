import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import axios from 'axios';
import t from 'tap';
import { watchRollout } from '../../runner/swarm/watch';
import { uniqueName, withLab, type Lab } from '../lab';
import { realContext } from '../lab/context';
import { busyboxDockerfile, liveService, runner, stackFile, webProject } from '../e2e/support';
import { median, noteInto, type Series } from './measure';
import { writeSection } from './report';

const series: Series[] = [];
const note = noteInto(series);
const seconds = async (work: () => Promise<unknown>) => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

t.test('start', (t) => {
  const once = (args: string[]) => {
    const start = performance.now();
    execFileSync(process.execPath, args, { env: { PATH: process.env.PATH } });
    return performance.now() - start;
  };
  const version: number[] = [];
  const empty: number[] = [];
  for (let count = 0; count < 15; count++) {
    empty.push(once(['-e', '0']));
    version.push(once([runner, '--version']));
  }
  note('`node -e 0`', 'ms', '', empty);
  note('`homeostat --version`', 'ms', '≤ 2 × `node -e 0`', version);
  t.ok(median(version) <= 2 * median(empty));
  t.end();
});

t.test('deploy, against docker service update', async (t) => {
  const lab = await withLab(t, { nodes: 1 });
  const name = uniqueName('bench');
  const project = await webProject(t, lab, name);
  const service = `${name}_${name}`;
  const images = [await project.publish('a'), await project.publish('b')];
  await project.run(['deploy', '--image', images[0]!, '--monitor', '0s']);
  const monitor = 2;
  const ours: number[] = [];
  const theirs: number[] = [];
  const noticed: number[] = [];
  let turn = 1;
  for (let count = 0; count < 6; count++) {
    const image = () => images[turn++ % 2]!;
    // The docker client waits for its own monitor of 5 s unless the service says otherwise: both get the same 2 s.
    theirs.push(
      await seconds(() =>
        lab.docker(1, 'service', 'update', '--update-monitor', `${monitor}s`, '--image', image(), service),
      ),
    );
    const deployed = await project.run(['deploy', '--image', image(), '--monitor', `${monitor}s`]);
    t.equal(deployed.code, 0, deployed.stderr);
    ours.push(deployed.seconds - monitor);
    noticed.push(await noticeDelay(lab, service, image()));
  }
  note('`docker service update`, waiting', 's', '', theirs);
  note('`homeostat deploy`, less its monitor window', 's', '≤ 1.15 × `docker service update`', ours);
  note('finished rollout noticed after', 's', '≤ 0.5', noticed);
  t.ok(median(ours) <= 1.15 * median(theirs), `${median(ours)} against ${median(theirs)}`);
});

async function noticeDelay(lab: Lab, service: string, image: string): Promise<number> {
  await lab.docker(1, 'service', 'update', '--detach', '--image', image, service);
  const context = realContext({ env: lab.environment() });
  const options = {
    targets: [{ service, image }],
    since: new Date().toISOString(),
    deadline: 60_000,
    monitor: 0,
    settled: false,
    signal: context.signal,
  };
  await watchRollout(lab.engine(), options, context);
  const now = Date.now();
  const filters = JSON.stringify({ service: [service], 'desired-state': ['running'] });
  const tasks = (await lab.engine().listTasks({ filters })) as { Status: { Timestamp: string } }[];
  return (now - Math.max(...tasks.map((task) => Date.parse(task.Status.Timestamp)))) / 1000;
}

t.test('bad and stuck rollouts', async (t) => {
  const lab = await withLab(t, { nodes: 1 });
  const name = uniqueName('bench');
  const project = await webProject(t, lab, name, { replicas: 3 });
  const good = await project.publish('good');
  await project.run(['deploy', '--image', good]);
  const back: number[] = [];
  const late: number[] = [];
  for (let count = 0; count < 5; count++) {
    project.write({
      Dockerfile: busyboxDockerfile(
        `(sleep 4; kill 1) & trap "exit ${count + 1}" TERM; httpd -p 8080 -h /www; while :; do sleep 1; done`,
      ),
      'stack.yml': stackFile(name, project.image, { replicas: 3 }),
    });
    const bad = await project.publish(`bad ${count}`);
    const deployed = await project.run(['deploy', '--image', bad, '--monitor', '10s']);
    t.equal(deployed.code, 3, deployed.stderr);
    t.equal((await liveService(lab, `${name}_${name}`))?.image, good);
    const [, amount, unit] = /runs again after ([\d.]+)(ms|s)/.exec(deployed.stderr) ?? [];
    back.push(Number(amount) / (unit === 'ms' ? 1000 : 1));

    project.write({
      Dockerfile: busyboxDockerfile(),
      'stack.yml': stackFile(name, project.image, {
        replicas: 3,
        deploy: ['placement: {constraints: [node.labels.nowhere == true]}'],
      }),
    });
    const stuck = await project.publish(`stuck ${count}`);
    const ended = await project.run(['deploy', '--image', stuck, '--deadline', '8s']);
    t.equal(ended.code, 5, ended.stderr);
    late.push(Number(/not converged after ([\d.]+) s/.exec(ended.stderr)?.[1]) - 8);
  }
  note('bad release of 3 replicas: verdict → old digest runs again', 's', '≤ 60', back);
  note('stuck rollout ends after its deadline by', 's', '± 2', late);
});

t.test('memory while building from a context of 500 MB', async (t) => {
  const lab = await withLab(t, { nodes: 1 });
  const project = await webProject(t, lab, uniqueName('bench'));
  const block = Buffer.alloc(1 << 20, 7);
  const file = openSync(path.join(project.folder, 'large.bin'), 'w');
  for (let count = 0; count < 500; count++) writeSync(file, block);
  closeSync(file);
  const peaks: number[] = [];
  for (let count = 0; count < 3; count++) {
    const { child, ended } = project.start(['build', '--tag', `t${count}`]);
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, peakOf(child.pid!))), 50);
    t.equal((await ended).code, 0);
    clearInterval(watch);
    peaks.push(peak);
  }
  note('memory of the runner, building from 500 MB', 'MB', '≤ 150', peaks);
});

/** Highest resident memory of a process so far, in MB. */
function peakOf(pid: number, field = 'VmHWM'): number {
  try {
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

t.test('job server', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-bench-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(
    path.join(folder, 'jobs.yml'),
    'jobs:\n  scale:\n    command: releases\n    quietPeriod: 1h\n    parameters: {stack: {}}\n',
  );
  const env = { PATH: process.env.PATH, HOME: folder };
  const token = execFileSync(process.execPath, [runner, 'jobs', '--add-token', 'bench', '--rights', '*:build'], {
    cwd: folder,
    env,
    encoding: 'utf8',
  }).trim();
  const server = spawn(process.execPath, [runner, 'jobs', '--listen', '127.0.0.1:0'], { cwd: folder, env });
  t.teardown(() => server.kill('SIGKILL'));
  const address = await new Promise<string>((resolve) => {
    let text = '';
    server.stderr.on('data', (piece: Buffer) => {
      text += piece.toString();
      const found = /listens on (http:\/\/[\d.:]+)/.exec(text);
      if (found) resolve(found[1]!);
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 5000));
  note('memory of the job server, idle', 'MB', '≤ 80', [peakOf(server.pid!, 'VmRSS')]);
  const post = (number: number) =>
    axios.post(`${address}/job/scale/buildWithParameters?stack=s${number}`, undefined, {
      auth: { username: 'bench', password: token },
      validateStatus: () => true,
      proxy: false,
    });
  const took = await seconds(async () => {
    const statuses = await Promise.all(
      Array.from({ length: 1000 }, (_, number) => post(number).then((answer) => answer.status)),
    );
    t.ok(statuses.every((status) => status === 201));
  });
  const queue = await axios.get<{ items: unknown[] }>(`${address}/queue/api/json`, {
    auth: { username: 'bench', password: token },
    validateStatus: () => true,
    proxy: false,
  });
  t.comment(`queue: ${queue.status} ${queue.data?.items?.length ?? ''}`);
  note('1,000 different POSTs of buildWithParameters in one burst, each on disk', 's', 'none lost, none double', [
    took,
  ]);
});

t.test('pipeline overhead', async (t) => {
  const lab = await withLab(t, { nodes: 1 });
  const project = await webProject(t, lab, uniqueName('bench'));
  t.equal((await project.run(['pipeline'])).code, 0);
  const outside: number[] = [];
  for (let count = 0; count < 4; count++) {
    project.commit(`${count}`);
    const ended = await project.run(['pipeline']);
    t.equal(ended.code, 0, ended.stderr);
    const stages = (ended.result.stages as { seconds: number }[]).reduce((sum, stage) => sum + stage.seconds, 0);
    outside.push(ended.seconds - stages - Number(ended.result.removal));
  }
  note('`homeostat pipeline`, warm cache: time outside the Engine’s and the tests’', 's', '≤ 3', outside);
});

t.teardown(() => writeSection('Delivery', 'From a commit to a verified release; one node.', series));
