import { rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { systemClock } from '../../runner/common/clock';
import { HomeostatError } from '../../runner/common/errors';
import { withCandidate } from '../../runner/pipeline/candidate';
import { readConfig } from '../../runner/pipeline/config';
import { readStackFile } from '../../runner/pipeline/stack-file';
import { takeLease } from '../../runner/swarm/lease';
import { sharedLab, uniqueName, withLab } from '../lab';
import { realContext } from '../lab/context';
import { allTests, deliveryProject, leftovers, quickDeploy, reportOf } from './delivery';
import { liveService, runningImages, until } from './support';

// Most of the time goes into waiting for the Swarm, so the tests run side by side.
t.jobs = 4;

t.test('no Docker: one error that says so, at once', async (t) => {
  const lab = await sharedLab(t);
  const project = await deliveryProject(t, lab);
  const commands = [
    ['build'],
    ['push', '--tag', 'x'],
    ['test', '--only', 'unit'],
    ['pipeline', '--build', '1'],
    ['cleanup'],
    ['cleanup', '--build', '1'],
  ];
  for (const DOCKER_HOST of ['unix:///nowhere/docker.sock', 'tcp://127.0.0.1:9']) {
    for (const command of DOCKER_HOST.startsWith('unix') ? commands : commands.slice(3, 5)) {
      const ended = await project.run(command, { DOCKER_HOST });
      t.equal(ended.code, 8, `${command.join(' ')}: ${ended.stderr}`);
      t.match(ended.result.error, { code: 'ENGINE_UNREACHABLE', exitCode: 8, cause: /ENOENT|ECONNREFUSED/ });
      t.equal(ended.stderr.match(/^error /gm)?.length, 1, 'one error');
      t.ok(ended.seconds < 10);
    }
  }
  const misread = await project.run(['cleanup'], { DOCKER_HOST: 'nonsense' });
  t.equal(misread.code, 2, misread.stderr);
  t.match(misread.stderr, /DOCKER_HOST/);
});

t.test('what is wrong in the files is named before anything is changed', async (t) => {
  const lab = await sharedLab(t);
  const project = await deliveryProject(t, lab);
  const { name, image } = project;
  const config = (more: string) => ({ 'homeostat.yml': `name: ${name}\nimage: ${image}\n${more}` });
  const stack = (text: string) => ({ ...config(''), 'stack.yml': text });
  const service = (more: string) => stack(`services:\n  ${name}:\n    image: ${image}\n${more}`);
  const whole = service('');
  const cases: [string, Record<string, string>, RegExp, RegExp][] = [
    [
      'an unknown key',
      config('tests: {units: {}}\ndeploy: {dedline: 5s}\n'),
      /CONFIG_INVALID/,
      /homeostat\.yml:3:9 unknown key 'tests\.units'.*unit[^]*homeostat\.yml:4:10 unknown key 'deploy\.dedline'.*deadline/,
    ],
    ['no YAML', config('tests: {unit: [}\n'), /CONFIG_INVALID/, /homeostat\.yml:3/],
    [
      'a test of nothing',
      config('tests: {functional: {timeout: 3s}}\n'),
      /CONFIG_INVALID/,
      /needs either target or image/,
    ],
    ['another service', stack(`services: {other: {image: x}}\n`), /STACK_INVALID/, new RegExp(`no service '${name}'`)],
    ['a build in the stack', service('    build: .\n'), /STACK_INVALID/, new RegExp(`services\\.${name}\\.build`)],
    [
      'a variable without a value',
      service('    environment: {X: "${NOBODY_SET_THIS}"}\n'),
      /VARIABLE_UNRESOLVED/,
      /\$\{NOBODY_SET_THIS\} at services\..*environment\.X/,
    ],
    ['no services', stack('version: "3.8"\n'), /STACK_INVALID/, /has no services/],
    ['tags of nothing', { ...whole, ...config("tags: ['{colour}']\n") }, /USAGE_INVALID/, /'\{colour\}'/],
    ['an odd build number', whole, /USAGE_INVALID/, /build 'Build 7'/],
    ['an approver with a line break', whole, /USAGE_INVALID/, /approved-by/],
    ['no stack file', config('stack: deploy/none.yml\n'), /STACK_MISSING/, /deploy\/none\.yml/],
  ];
  for (const [what, files, code, words] of cases) {
    project.write(files);
    const build = what === 'an odd build number' ? 'Build 7' : '1';
    const more = what.startsWith('an approver') ? ['--approved-by', 'jane\nerror'] : [];
    const ended = await project.run(['pipeline', '--build', build, ...more]);
    t.equal(ended.code, 2, `${what}: ${ended.stderr}`);
    t.match(ended.result.error.code, code);
    t.match(ended.stderr, words, what);
    t.equal(ended.stderr.match(/^error /gm)?.length, 1, 'one error');
    t.notMatch(ended.stderr, /── /, 'no stage was begun');
  }
  rmSync(path.join(project.folder, 'homeostat.yml'));
  const missing = await project.run(['pipeline']);
  t.equal(missing.code, 2);
  t.match(missing.result.error, { code: 'CONFIG_MISSING' });
  t.equal(await liveService(lab, `${name}_${name}`), undefined);
  t.same(await leftovers(lab, name), []);
});

t.test('a Swarm that lost its majority, a worker, and a machine outside any Swarm', async (t) => {
  const lab = await withLab(t, { nodes: 3, managers: 3 });
  const project = await deliveryProject(t, lab);
  await Promise.all([lab.cut(2), lab.cut(3)]);
  t.ok(
    await until(
      () =>
        lab.docker(1, 'node', 'ls').then(
          () => false,
          (error) => /leader|deadline/i.test(String(error)),
        ),
      30,
    ),
    'no leader',
  );
  const cleanup = project.start(['cleanup']);
  await new Promise((resolve) => setTimeout(resolve, 4000));
  t.equal(cleanup.child.exitCode, null, 'it waits');
  await Promise.all([lab.heal(2), lab.heal(3)]);
  const ended = await cleanup.ended;
  t.equal(ended.code, 0, ended.stderr);
  t.match(ended.stderr, /the Swarm has no leader, waiting up to 60 s/);
  t.ok(ended.seconds < 75, `${ended.seconds} s`);

  await lab.image('busybox', 3);
  await lab.docker(1, 'node', 'demote', 'node3');
  const worker = { DOCKER_HOST: lab.dockerHost(3) };
  t.ok(await until(async () => (await lab.docker(3, 'info', '--format', '{{.Swarm.ControlAvailable}}')) === 'false'));
  for (const command of [['pipeline', '--build', '1'], ['cleanup'], ['cleanup', '--build', '1']]) {
    const refused = await project.run(command, worker);
    t.equal(refused.code, 8, refused.stderr);
    t.match(refused.result.error, { code: 'SWARM_NOT_MANAGER', exitCode: 8 });
    t.notMatch(refused.stderr, /── /, 'before anything is built');
  }
  t.equal((await project.run(['test', '--only', 'unit'], worker)).code, 0, 'a unit test needs no Swarm');
  await lab.docker(3, 'swarm', 'leave', '--force');
  const outside = await project.run(['pipeline', '--build', '1'], worker);
  t.equal(outside.code, 8, outside.stderr);
  t.match(outside.result.error, { code: 'SWARM_MISSING', exitCode: 8 });
});

t.test('an Engine that is restarted while the candidate is awaited, and one that goes in mid-test', async (t) => {
  const lab = await withLab(t);
  const project = await deliveryProject(t, lab, {
    config: `tests: {functional: {target: functional}}\ncandidate: {deadline: 60s}\n${'deploy: {deadline: 40s, monitor: 1s}\n'}`,
  });
  project.write({ start: 'sleep 2\nexec httpd -f -p 8080 -h /www\n', 'tests/functional': 'echo testing\n' });
  project.commit();
  const first = project.start(['pipeline', '--build', '1']);
  const candidate = `${project.name}-c1_${project.name}`;
  t.ok(await until(async () => (await lab.docker(1, 'ps', '--format', '{{.Names}}')).includes(candidate), 40));
  await lab.stopEngine(1);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await lab.startEngine(1);
  const ended = await first.ended;
  t.equal(ended.code, 0, ended.stderr);
  t.match(ended.stderr, /the Docker Engine does not answer; watching goes on/);
  t.same(await runningImages(lab, `${project.name}_${project.name}`), [ended.result.reference]);
  t.same(await leftovers(lab, project.name), []);

  project.write({ 'tests/functional': 'echo testing\nexec sleep 1000\n' });
  const second = project.start(['pipeline', '--build', '2']);
  t.ok(await until(async () => (await lab.docker(1, 'ps', '--format', '{{.Names}}')).includes('-c2-functional'), 60));
  await lab.stopEngine(1);
  const cut = await second.ended;
  t.equal(cut.code, 8, cut.stderr);
  t.match(cut.result.error, { code: 'ENGINE_UNREACHABLE' });
  t.equal(cut.stderr.match(/^error /gm)?.length, 1, 'one error');
  t.match(cut.stderr, /candidate .* could not be removed.*homeostat cleanup/, 'what is left is told');
  await lab.startEngine(1);
  const cleaned = await project.run(['cleanup']);
  t.equal(cleaned.code, 0, cleaned.stderr);
  t.same(await leftovers(lab, project.name), []);
});

t.test('a registry whose disk is full ends the pipeline at its push; production stays', async (t) => {
  const lab = await withLab(t);
  const { address } = await lab.smallRegistry('full', 15002, '1m');
  const project = await deliveryProject(t, lab, { registry: address, config: quickDeploy });
  const ended = await project.run(['pipeline', '--build', '1']);
  t.equal(ended.code, 1, ended.stderr);
  t.match(ended.result.error, { code: 'PUSH_FAILED', remedy: /disk space/ });
  t.same(
    reportOf(project).stages.map(({ name, verdict }) => `${name} ${verdict}`),
    ['unit skipped', 'build done', 'push failed'],
  );
  t.same(await leftovers(lab, project.name), []);
  t.same(await lab.engine().listServices(), []);
});

t.test('a clock that jumps by a day changes nothing: only time that never goes back is counted', async (t) => {
  const lab = await sharedLab(t);
  let looks = 0;
  const day = 86_400_000;
  const clock = { ...systemClock, now: () => new Date(Date.now() + (looks++ % 2 === 0 ? day : -day)) };
  const project = await deliveryProject(t, lab, { config: `${allTests}candidate: {deadline: 40s}\n` });
  const context = realContext({ env: lab.environment(), cwd: project.folder, clock });
  const engine = lab.engine();

  const subject = uniqueName('clock');
  const lease = await takeLease(engine, subject, 'deploy', context);
  await t.rejects(takeLease(engine, subject, 'deploy', context), { code: 'LEASE_HELD' });
  t.notOk(lease.signal.aborted);
  await lease.release();
  const next = await takeLease(engine, subject, 'deploy', context);
  await next.release();

  const publish = async (start: string) => {
    project.write({ start });
    t.equal((await project.run(['build', '--tag', 'x'])).code, 0);
    return (await project.run(['push', '--tag', 'x'])).result.reference as string;
  };
  const config = await readConfig('homeostat.yml', context);
  const stack = await readStackFile(config.stack, config.folder, context);
  const attempt = (image: string) => withCandidate(engine, stack, config, '1', image, async () => 'tested', context);
  const good = await attempt(await publish('exec httpd -f -p 8080 -h /www\n'));
  t.equal(good.value, 'tested');
  await good.removed;
  const start = performance.now();
  const error = await attempt(await publish('exit 4\n')).then(
    () => undefined,
    (thrown: HomeostatError) => thrown,
  );
  t.match(error, { code: 'CANDIDATE_FAILED', causeText: /tasks failed to start/ });
  t.ok(performance.now() - start < 35_000, 'and not only at the deadline');
  t.same(await leftovers(lab, project.name), []);
});
