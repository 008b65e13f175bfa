import t, { type Test } from 'tap';
import { sharedLab, type Lab } from '../lab';
import { deliveryProject, leftovers, quickDeploy } from './delivery';
import { until, type Project } from './support';

// Most of the time goes into waiting for the Swarm, so the tests run side by side.
t.jobs = 4;

/** A service whose functional test never ends, with a volume, a config and a secret. */
async function slowProject(t: Test, lab: Lab): Promise<Project> {
  const project = await deliveryProject(t, lab, {
    config: `tests: {functional: {target: functional}}\n${quickDeploy}`,
    stackText: (name, image) => `version: '3.8'
services:
  ${name}:
    image: ${image}
    volumes: ['data:/data']
    configs: [settings]
    secrets: [key]
    deploy: {endpoint_mode: dnsrr}
networks: {default: {driver: overlay, attachable: true}, inner: {driver: overlay}}
volumes: {data: {}}
configs: {settings: {file: settings}}
secrets: {key: {file: key}}
`,
  });
  project.write({ settings: 'a', key: 'b', 'tests/functional': 'echo testing\nexec sleep 1000\n' });
  project.commit();
  return project;
}

/** Starts a pipeline and waits until its functional test runs. */
async function startToTest(t: Test, lab: Lab, project: Project, build: string) {
  const pipeline = project.start(['pipeline', '--build', build]);
  let ended = false;
  void pipeline.ended.then(() => (ended = true));
  const testing = async () => (await running(lab)).includes(`${project.name}-c${build}-functional-`);
  t.ok(await until(async () => ended || (await testing()), 60), 'its test runs');
  if (ended) t.fail((await pipeline.ended).stderr);
  return pipeline;
}

const running = async (lab: Lab) =>
  (await lab.engine().listContainers()).flatMap(({ Names, State }) => (State === 'running' ? Names : [])).join(' ');

const kindsOf = (lines: string[]) => [...new Set(lines.map((line) => line.split(':')[0]))].sort();

t.test('SIGTERM three times ends it within five seconds; cleanup removes the rest, twice', async (t) => {
  const lab = await sharedLab(t);
  const project = await slowProject(t, lab);
  const pipeline = await startToTest(t, lab, project, '17');
  t.same(
    kindsOf(await leftovers(lab, project.name)),
    ['configs', 'containers', 'networks', 'secrets', 'services', 'volumes'],
    'the candidate has all of these',
  );
  const start = performance.now();
  pipeline.child.kill('SIGTERM');
  for (const pause of [1000, 2000]) setTimeout(() => pipeline.child.kill('SIGTERM'), pause);
  const ended = await pipeline.ended;
  t.equal(ended.code, 143, ended.stderr);
  t.ok(performance.now() - start < 5000, `${performance.now() - start} ms`);
  t.notMatch(ended.stderr, /INTERNAL|    at /);

  for (const time of ['once', 'twice']) {
    const cleaned = await project.run(['cleanup', '--build', '17']);
    t.equal(cleaned.code, 0, `${time}: ${cleaned.stderr}`);
    t.same(await leftovers(lab, project.name), [], `nothing is left after cleaning ${time}`);
  }
  t.equal((await project.run(['cleanup', '--build', '../17'])).code, 2);
});

t.test('what a killed run left is removed by the next one, which says so', async (t) => {
  const lab = await sharedLab(t);
  const project = await slowProject(t, lab);
  const killed = await startToTest(t, lab, project, '1');
  killed.child.kill('SIGKILL');
  await killed.ended;
  t.ok(kindsOf(await leftovers(lab, project.name)).includes('services'), 'it was left behind');

  project.write({ 'tests/functional': 'exit 0\n' });
  const next = await project.run(['pipeline', '--build', '2']);
  t.equal(next.code, 0, next.stderr);
  t.match(
    next.stderr,
    new RegExp(`candidate ${project.name}-c1 was left behind by a run that was killed; removing it`),
  );
  t.same(await leftovers(lab, project.name), [], 'and both are gone');
});

t.test('what cannot be removed is named, with what holds it, and the exit code says so', async (t) => {
  const lab = await sharedLab(t);
  const project = await deliveryProject(t, lab);
  const volume = `${project.name}-c9_data`;
  await lab.docker(1, 'volume', 'create', '--label', `com.docker.stack.namespace=${project.name}-c9`, volume);
  const user = await lab.docker(
    1,
    'run',
    '--detach',
    '--volume',
    `${volume}:/data`,
    await lab.image('busybox'),
    'sleep',
    '1000',
  );
  t.teardown(() => lab.docker(1, 'rm', '--force', '--volumes', user).catch(() => ''));
  const held = await project.run(['cleanup', '--build', '9']);
  t.equal(held.code, 7, held.stderr);
  t.match(held.result.error, { code: 'CLEANUP_INCOMPLETE', evidence: [/^volume .*_data: .*volume is in use/] });
  await lab.docker(1, 'rm', '--force', user);
  t.equal((await project.run(['cleanup', '--build', '9'])).code, 0);
  t.same(await leftovers(lab, project.name), []);
});

t.test('the same build again finds its own killed run', async (t) => {
  const lab = await sharedLab(t);
  const project = await slowProject(t, lab);
  const killed = await startToTest(t, lab, project, '5');
  killed.child.kill('SIGKILL');
  await killed.ended;
  project.write({ 'tests/functional': 'exit 0\n' });
  const again = await project.run([
    'test',
    '--only',
    'functional',
    '--build',
    '5',
    '--image',
    `${project.image}:${project.git('rev-parse', '--short=12', 'HEAD')}`,
  ]);
  t.equal(again.code, 0, again.stderr);
  t.match(again.stderr, /was left by a candidate of .* that died/);
  t.match(again.stderr, /left behind by a run of the same build; removing it/);
  t.same(await leftovers(lab, project.name), []);
});

t.test('cleanup without a build takes the dead and leaves the living; builds side by side do not meet', async (t) => {
  const lab = await sharedLab(t);
  const project = await slowProject(t, lab);
  const [dead, living] = [await startToTest(t, lab, project, 'dead'), await startToTest(t, lab, project, 'living')];
  const same = await project.run(['pipeline', '--build', 'living']);
  t.equal(same.code, 7, same.stderr);
  t.match(same.stderr, /LEASE_HELD/, 'the same build twice at once is refused');
  t.ok((await running(lab)).includes(`${project.name}-cliving-functional-`), 'and harms nobody');

  dead.child.kill('SIGKILL');
  await dead.ended;
  const planned = await project.run(['cleanup', '--dry-run', '--json']);
  t.same(planned.result, { plan: { candidates: [`${project.name}-cdead`] } });
  const cleaned = await project.run(['cleanup', '--json']);
  t.equal(cleaned.code, 0, cleaned.stderr);
  t.same(cleaned.result, { removed: [`${project.name}-cdead`] });
  const left = await leftovers(lab, project.name);
  t.notOk(
    left.some((line) => line.includes('-cdead')),
    'the dead one is gone',
  );
  t.ok((await running(lab)).includes(`${project.name}-cliving-functional-`), 'the living one goes on');
  t.match((await project.run(['cleanup'])).stdout, /nothing was left behind/);

  living.child.kill('SIGTERM');
  await living.ended;
  await project.run(['cleanup', '--build', 'living']);
  t.same(await leftovers(lab, project.name), []);
});

t.test('two pipelines of different builds at once', async (t) => {
  const lab = await sharedLab(t);
  const project = await deliveryProject(t, lab, {
    config: `tests: {functional: {target: functional}}\n${quickDeploy}`,
  });
  const ended = await Promise.all(['1', '2'].map((build) => project.run(['pipeline', '--build', build])));
  // Both test side by side; only one may deploy at a time, and the other is told so.
  t.same(
    ended.map(({ code }) => code).sort(),
    ended.some(({ code }) => code === 7) ? [0, 7] : [0, 0],
    ended.map(({ stderr }) => stderr).join('\n'),
  );
  for (const { code, result, stderr } of ended) {
    if (code === 7) t.match(result.error, { code: 'LEASE_HELD' });
    t.match(stderr, /functional test green/);
  }
  t.same(await leftovers(lab, project.name), []);
});

t.test(
  'names of any length keep within what the Swarm allows, or are refused before anything is changed',
  async (t) => {
    const lab = await sharedLab(t);
    const project = await deliveryProject(t, lab);
    const name = `${project.name}-${'x'.repeat(30)}`.slice(0, 31);
    const build = 'a'.repeat(20);
    const write = (service: string, more = '') =>
      project.write({
        'homeostat.yml': `name: ${service}\nimage: ${project.image}\ntests: {functional: {target: functional}}\ncandidate: {deadline: 25s}\n`,
        'stack.yml': `services: {${service}: {image: ${project.image}}${more}}\n`,
      });
    write(name);
    t.equal((await project.run(['build', '--tag', 'x'])).code, 0);
    const { reference } = (await project.run(['push', '--tag', 'x'])).result as { reference: string };
    const tested = await project.run(['test', '--only', 'functional', '--image', reference, '--build', build]);
    t.equal(tested.code, 0, tested.stderr);
    write(name, `, ${'worker'.repeat(10)}: {image: ${reference}}`);
    const refused = await project.run(['pipeline', '--build', build]);
    t.equal(refused.code, 2, refused.stderr);
    t.match(refused.result.error, { code: 'NAME_INVALID', message: /workerworker.* has \d+ characters/ });
    t.notOk((await lab.engine().listServices()).some(({ Spec }) => Spec?.Name?.includes(name)));
  },
);
