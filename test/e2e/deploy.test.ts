import t from 'tap';
import { findService, listTasks } from '../../runner/swarm/services';
import { sharedLab, uniqueName } from '../lab';
import { realContext } from '../lab/context';
import { busyboxDockerfile, liveService, runningImages, stackFile, until, webProject } from './support';

t.test('a deploy ends as a release, and the live replica count is carried over', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('web');
  const project = await webProject(t, lab, name, { deploy: ["labels: {com.df.scaleMin: '2', com.df.scaleMax: '3'}"] });
  const first = await project.publish('1');
  const plan = await project.run(['deploy', '--image', first, '--dry-run', '--json']);
  t.equal(plan.code, 0, plan.stderr);
  t.match(plan.result.plan, {
    stack: name,
    services: [{ name: `${name}_${name}`, image: first, replicas: { written: 2, next: 2 } }],
  });
  t.equal(await liveService(lab, `${name}_${name}`), undefined, 'a dry run changes nothing');

  const deployed = await project.run(['deploy', '--image', first]);
  t.equal(deployed.code, 0, deployed.stderr);
  t.match(deployed.result, { stack: name, release: 1, outcome: 'released' });
  t.same(await runningImages(lab, `${name}_${name}`), [first, first]);

  await lab.docker(1, 'service', 'scale', '--detach', `${name}_${name}=3`);
  const second = await project.publish('2');
  const again = await project.run(['deploy', '--image', second]);
  t.equal(again.code, 0, again.stderr);
  t.equal((await liveService(lab, `${name}_${name}`))?.replicas, 3, 'the deploy did not undo the scaling');
  t.same(await runningImages(lab, `${name}_${name}`), [second, second, second]);

  await lab.docker(1, 'service', 'scale', '--detach', `${name}_${name}=7`);
  const third = await project.publish('3');
  t.equal((await project.run(['deploy', '--image', third])).code, 0);
  t.equal((await liveService(lab, `${name}_${name}`))?.replicas, 3, 'but it keeps to the limits');

  const releases = await project.run(['releases', '--json']);
  t.same(
    releases.result.releases.map((release: { number: number; state: string }) => [release.number, release.state]),
    [
      [3, 'released'],
      [2, 'released'],
      [1, 'released'],
    ],
  );

  const back = await project.run(['rollback', '--to', '1']);
  t.equal(back.code, 0, back.stderr);
  t.match(back.result, { release: 4, rolledBackTo: 1 });
  t.same(await runningImages(lab, `${name}_${name}`), [first, first, first], 'release 1 with the live count');
  const missing = await project.run(['rollback', '--to', '77']);
  t.equal(missing.code, 2);
  t.match(missing.stderr, /there is no release 77.*\n.*releases kept: 4, 3, 2, 1/);
});

t.test('a bad release is put back, whatever way it is bad', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('bad');
  const project = await webProject(t, lab, name);
  const good = await project.publish('good');
  t.equal((await project.run(['deploy', '--image', good])).code, 0);
  await lab.docker(1, 'service', 'scale', '--detach', `${name}_${name}=3`);

  await t.test('it exits at once', async (t) => {
    project.write({ Dockerfile: busyboxDockerfile('echo database is not there; exit 4') });
    const bad = await project.publish('exits');
    const deployed = await project.run(['deploy', '--image', bad]);
    t.equal(deployed.code, 3, deployed.stderr);
    t.match(deployed.result.error, { code: 'ROLLOUT_FAILED', exitCode: 3 });
    t.match(deployed.stderr, /database is not there/, 'what the service said is evidence');
    t.same(await runningImages(lab, `${name}_${name}`), [good, good, good], 'the old digest runs, with the live count');
  });

  await t.test('it runs, but never gets healthy', async (t) => {
    project.write({ Dockerfile: busyboxDockerfile('sleep 1000') });
    const bad = await project.publish('unhealthy');
    const deployed = await project.run(['deploy', '--image', bad]);
    t.equal(deployed.code, 3, deployed.stderr);
    t.same(await runningImages(lab, `${name}_${name}`), [good, good, good]);
  });

  await t.test('it is healthy at first and then falls over', async (t) => {
    project.write({
      Dockerfile: busyboxDockerfile(
        '(sleep 6; kill 1) & trap "exit 1" TERM; httpd -p 8080 -h /www; while :; do sleep 1; done',
      ),
    });
    const bad = await project.publish('falls over');
    const deployed = await project.run(['deploy', '--image', bad, '--monitor', '8s']);
    t.equal(deployed.code, 3, deployed.stderr);
    t.match(deployed.stderr, /fell over after the rollout|Swarm stopped the update/);
    // Swarm may run two tasks in the slot of one that failed in the middle of the update.
    const running = await runningImages(lab, `${name}_${name}`);
    t.same([...new Set(running)], [good]);
    t.ok(running.length >= 3);
  });

  await t.test('it cannot be pulled', async (t) => {
    const nowhere = `${project.image}@sha256:${'a'.repeat(64)}`;
    const deployed = await project.run(['deploy', '--image', nowhere]);
    t.equal(deployed.code, 3, deployed.stderr);
    t.same(await runningImages(lab, `${name}_${name}`), [good, good, good]);
  });

  await t.test('it can be placed nowhere: the deadline ends it', async (t) => {
    project.write({
      Dockerfile: busyboxDockerfile(),
      'stack.yml': stackFile(name, project.image, {
        deploy: ['placement: {constraints: [node.labels.nowhere == true]}'],
      }),
    });
    const next = await project.publish('nowhere');
    const { ended } = project.start(['deploy', '--image', next, '--deadline', '6s']);
    const deployed = await ended;
    t.equal(deployed.code, 5, deployed.stderr);
    t.match(deployed.result.error, { code: 'ROLLOUT_DEADLINE' });
    t.match(deployed.stderr, /no suitable node/);
    t.same(await runningImages(lab, `${name}_${name}`), [good, good, good]);
  });

  const releases = await project.run(['releases', '--json']);
  t.same(
    releases.result.releases.map((release: { state: string }) => release.state),
    ['deadline-passed', 'rolled-back', 'rolled-back', 'rolled-back', 'rolled-back', 'released'],
  );
});

t.test('a first release that is bad is removed', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('first');
  const project = await webProject(t, lab, name);
  project.write({ Dockerfile: busyboxDockerfile('exit 1') });
  const bad = await project.publish('bad');
  const deployed = await project.run(['deploy', '--image', bad]);
  t.equal(deployed.code, 3, deployed.stderr);
  t.equal(await liveService(lab, `${name}_${name}`), undefined);
});

t.test('two deploys at once: the second is told who holds the stack', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('twice');
  const project = await webProject(t, lab, name);
  const image = await project.publish('1');
  const slow = project.start(['deploy', '--image', image, '--monitor', '12s'], {
    BUILD_URL: 'https://ci.example.com/job/web/7/',
  });
  t.ok(await until(async () => (await liveService(lab, `${name}_${name}`)) !== undefined));
  const second = await project.run(['deploy', '--image', image]);
  t.equal(second.code, 7, second.stderr);
  t.match(second.stderr, /LEASE_HELD/);
  t.match(second.stderr, /https:\/\/ci\.example\.com\/job\/web\/7\//);
  t.equal((await slow.ended).code, 0);
});

t.test('a scale during the deploy is kept', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('scaled');
  const project = await webProject(t, lab, name);
  const image = await project.publish('1');
  const deploy = project.start(['deploy', '--image', image, '--monitor', '6s']);
  t.ok(await until(async () => (await runningImages(lab, `${name}_${name}`)).length === 2));
  await lab.docker(1, 'service', 'scale', '--detach', `${name}_${name}=3`);
  const ended = await deploy.ended;
  t.equal(ended.code, 0, ended.stderr);
  t.equal((await runningImages(lab, `${name}_${name}`)).length, 3);
});

t.test('a stack that is removed by hand during the deploy ends it', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('gone');
  const project = await webProject(t, lab, name);
  const image = await project.publish('1');
  const deploy = project.start(['deploy', '--image', image, '--monitor', '20s']);
  t.ok(await until(async () => (await runningImages(lab, `${name}_${name}`)).length > 0));
  await lab.docker(1, 'stack', 'rm', name);
  const ended = await deploy.ended;
  t.equal(ended.code, 7, ended.stderr);
  t.match(ended.result.error, { code: 'DEPLOY_INTERFERED' });
});

t.test('a service that is removed between two looks has no tasks, and those of others are told', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('stays');
  const project = await webProject(t, lab, name);
  t.equal((await project.run(['deploy', '--image', await project.publish('1')])).code, 0);
  const engine = lab.engine();
  const context = realContext();
  const service = (await findService(engine, `${name}_${name}`, context))!;
  const gone = 'x'.repeat(25);
  const tasks = await listTasks(engine, [gone, service.ID], context);
  t.ok(tasks.length > 0 && tasks.every(({ ServiceID, upToDate }) => ServiceID === service.ID && upToDate));
  t.same(await listTasks(engine, [gone], context), []);
});

t.test('a runner that is killed in the middle loses nothing', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('killed');
  const project = await webProject(t, lab, name);
  const good = await project.publish('good');
  t.equal((await project.run(['deploy', '--image', good])).code, 0);

  await t.test('a good rollout becomes a release with the next command', async (t) => {
    const next = await project.publish('next');
    const deploy = project.start(['deploy', '--image', next, '--monitor', '20s']);
    t.ok(await until(async () => (await liveService(lab, `${name}_${name}`))?.image === next));
    deploy.child.kill('SIGKILL');
    await deploy.ended;
    const settled = await project.run(['deploy', '--image', next]);
    t.equal(settled.code, 0, settled.stderr);
    t.match(settled.stderr, /left unfinished; settling it/);
    const releases = await project.run(['releases', '--json']);
    t.same(
      releases.result.releases.map((release: { number: number; state: string }) => [release.number, release.state]),
      [
        [3, 'released'],
        [2, 'released'],
        [1, 'released'],
      ],
    );
  });

  await t.test('a bad one is put back', async (t) => {
    project.write({ Dockerfile: busyboxDockerfile('sleep 2; exit 1') });
    const before = (await liveService(lab, `${name}_${name}`))!.image;
    const bad = await project.publish('bad');
    const deploy = project.start(['deploy', '--image', bad, '--monitor', '20s']);
    t.ok(await until(async () => (await liveService(lab, `${name}_${name}`))?.image === bad));
    deploy.child.kill('SIGKILL');
    await deploy.ended;
    const status = await project.run(['status']);
    t.equal(status.code, 0, status.stderr);
    t.match(status.stdout + status.stderr, /left unfinished|unfinished/);
    t.same([...new Set(await runningImages(lab, `${name}_${name}`))], [before]);
  });
});

t.test('SIGTERM ends a deploy within five seconds, with 143, and gives the lease back', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('stopped');
  const project = await webProject(t, lab, name);
  const image = await project.publish('1');
  const deploy = project.start(['deploy', '--image', image, '--monitor', '30s']);
  t.ok(await until(async () => (await liveService(lab, `${name}_${name}`)) !== undefined));
  const start = performance.now();
  deploy.child.kill('SIGTERM');
  deploy.child.kill('SIGTERM');
  const ended = await deploy.ended;
  t.equal(ended.code, 143, ended.stderr);
  t.ok(performance.now() - start < 5000);
  t.equal((await project.run(['deploy', '--image', image])).code, 0, 'the next one is not kept waiting');
});

t.test('one service without a stack file', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('alone');
  const project = await webProject(t, lab, name);
  const first = await project.publish('1');
  t.equal((await project.run(['deploy', '--image', first])).code, 0);
  const second = await project.publish('2');
  const service = `${name}_${name}`;
  const deployed = await project.run([
    'deploy',
    '--service',
    service,
    '--image',
    `${project.image}:test`,
    '--monitor',
    '1s',
  ]);
  t.equal(deployed.code, 0, deployed.stderr);
  t.same(await runningImages(lab, service), [second, second], 'the tag was resolved to its digest');
  t.equal((await project.run(['deploy', '--service', 'nobody', '--image', second])).code, 2);
  const back = await project.run(['deploy', '--image', first]);
  t.equal(back.code, 0, back.stderr);
  t.same(await runningImages(lab, service), [first, first], 'the stack file wins again, though it has not changed');
});

t.test('a strict policy refuses a stack that is not safe to roll', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('strict');
  const project = await webProject(t, lab, name, { replicas: 1, deploy: ["labels: {com.df.notify: 'true'}"] });
  const image = await project.publish('1');
  const refused = await project.run(['deploy', '--image', image, '--policy', 'strict']);
  t.equal(refused.code, 6, refused.stderr);
  t.match(refused.stderr, /one replica/);
  t.equal(await liveService(lab, `${name}_${name}`), undefined, 'nothing was changed');
});
