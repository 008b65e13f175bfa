import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { sharedLab } from '../lab';
import {
  allTests,
  deliveryProject,
  greenTest,
  leftovers,
  peakMemory,
  provideRunnerImage,
  quickDeploy,
  reportOf,
} from './delivery';
import { liveService, runningImages, type Project } from './support';

// Most of the time goes into waiting for the Swarm, so the tests run side by side.
t.jobs = 3;

const fileOf = (project: Project, name: string) =>
  readFileSync(path.join(project.folder, 'homeostat-reports', name), 'utf8');

/** A stack with a volume, a config and a secret whose names are written into the file. */
const statefulStack = (name: string, image: string) => `version: '3.8'
services:
  ${name}:
    image: ${image}
    stop_grace_period: 1s
    volumes: ['data:/data']
    configs: [{source: settings, target: /settings}]
    secrets: [key]
    ports: [{target: 8080, published: 18080, mode: host}]
    deploy: {replicas: 1, endpoint_mode: dnsrr, labels: {com.df.notify: 'true'}, update_config: {order: stop-first, monitor: 1s}}
networks: {default: {driver: overlay, attachable: true}}
volumes: {data: {name: ${name}-data}}
configs: {settings: {name: ${name}-settings, file: settings}}
secrets: {key: {name: ${name}-key, file: key}}
`;

t.test('from a checkout to a verified release, and a red one that changes nothing', async (t) => {
  const lab = await sharedLab(t);
  await provideRunnerImage(lab);
  const project = await deliveryProject(t, lab, {
    stackText: statefulStack,
    config: `tests:
  unit: {}
  functional: {target: functional}
  load: {duration: 1s, connections: 2}
  production: {target: functional, environment: {COLOUR: green}}
tags: [latest, '1.{build}', '{revision}']
${quickDeploy}`,
  });
  project.write({
    settings: 'colour=green\n',
    key: 'sesame\n',
    start: 'echo $HOSTNAME >>/data/starts\nexec httpd -f -p 8080 -h /www\n',
  });
  const revision = project.commit();
  const plan = await project.run(['pipeline', '--build', '41', '--dry-run', '--json']);
  t.equal(plan.code, 0, plan.stderr);
  t.match(plan.result.plan, {
    tests: ['unit', 'functional', 'load', 'production'],
    tags: ['latest', '1.41', revision.slice(0, 12)],
  });
  t.same(await leftovers(lab, project.name), []);

  const green = await project.run(['pipeline', '--build', '41']);
  t.equal(green.code, 0, green.stderr);
  const report = reportOf(project);
  t.same(green.result, report, 'the result is the report');
  t.match(report, { verdict: 'done', revision, build: '41', release: 1, stack: project.name });
  t.same(
    report.stages.map(({ name, verdict }) => [name, verdict]),
    ['unit', 'build', 'push', 'candidate', 'release', 'deploy', 'verify'].map((name) => [name, 'done']),
  );
  t.ok(report.stages.every(({ seconds }) => seconds > 0));
  t.match(report.reference, /@sha256:[0-9a-f]{64}$/);
  t.same(
    report.tests.map(({ name }) => name),
    ['unit', 'functional', 'load', 'production'],
  );
  t.ok(report.tests[2]!.load!.requests! > 0);
  t.same(report.tests[1]!.junit, ['homeostat-reports/functional/functional.xml']);
  for (const kind of ['unit', 'functional', 'production'])
    t.match(fileOf(project, `${kind}/${kind === 'unit' ? kind : 'functional'}.xml`), /<testcase name="works"/);
  t.match(fileOf(project, 'pipeline.txt'), /✔ verify[^]*@sha256:[0-9a-f]{64}\n +release +1/);
  t.same(await runningImages(lab, `${project.name}_${project.name}`), [report.reference], 'what was tested runs');
  t.same(await leftovers(lab, project.name), [], 'nothing of the candidate is left');
  for (const tag of ['latest', '1.41', revision.slice(0, 12)]) {
    const answer = await fetch(`http://${lab.openRegistry.address}/v2/tests/${project.name}/manifests/${tag}`, {
      headers: { accept: 'application/vnd.docker.distribution.manifest.v2+json' },
    });
    t.equal(`${project.image}@${answer.headers.get('docker-content-digest')}`, report.reference, `the tag ${tag}`);
  }

  const owned = async () => ({
    configs: (await lab.engine().listConfigs()).filter(({ Spec }) => Spec?.Name === `${project.name}-settings`),
    secrets: (await lab.engine().listSecrets()).filter(({ Spec }) => Spec?.Name === `${project.name}-key`),
    starts: await lab.docker(
      1,
      'run',
      '--rm',
      '--volume',
      `${project.name}-data:/data`,
      'homeostat-lab/busybox',
      'cat',
      '/data/starts',
    ),
    service: await liveService(lab, `${project.name}_${project.name}`),
  });
  const before = await owned();
  project.write({
    'tests/functional': 'wget -qO- $SERVICE_URL/index.html\necho expected hello, got goodbye\nexit 7\n',
    'www/index.html': 'goodbye\n',
  });
  project.commit('red');
  const red = await project.run(['pipeline', '--build', '42']);
  t.equal(red.code, 1, red.stderr);
  t.match(red.result.error, { code: 'TEST_FAILED', exitCode: 1, message: /functional test is red \(exit code 7\)/ });
  const failed = reportOf(project);
  t.equal(failed.verdict, 'failed');
  t.same(
    failed.stages.map(({ name, verdict }) => `${name} ${verdict}`),
    ['unit done', 'build done', 'push done', 'candidate failed'],
  );
  t.same(failed.error!.evidence!.slice(-2), ['goodbye', 'expected hello, got goodbye']);
  t.match(fileOf(project, 'pipeline.txt'), /failed +in candidate: the functional test is red/);
  t.match(fileOf(project, 'pipeline.txt'), /expected hello, got goodbye/);
  t.same(await owned(), before, 'production was not touched: service, config, secret and volume');
  t.same(await leftovers(lab, project.name), [], 'the candidate is gone');
});

t.test('a candidate that never gets healthy says why in its own words', async (t) => {
  const lab = await sharedLab(t);
  for (const [start, cause] of [
    ['echo the database is not there\nexec sleep 1000\n', /not converged|tasks failed/],
    ['echo the database is not there\nexit 4\n', /failed to start/],
  ] as const) {
    const project = await deliveryProject(t, lab, { config: 'candidate: {deadline: 8s}\n' });
    project.write({ start });
    const ended = await project.run(['pipeline', '--build', '1']);
    t.equal(ended.code, 1, ended.stderr);
    t.match(ended.result.error, { code: 'CANDIDATE_FAILED', cause });
    const evidence = ended.result.error.evidence.join('\n');
    t.match(evidence, /said: the database is not there/);
    if (start.includes('sleep')) t.match(evidence, /health check of .* said: wget: can't connect/);
    t.same(await leftovers(lab, project.name), []);
    t.equal(await liveService(lab, `${project.name}_${project.name}`), undefined, 'production was never made');
    t.ok(ended.seconds < 40, `${ended.seconds} s`);
  }
});

t.test('an approval holds the deploy, after the candidate was tested', async (t) => {
  const lab = await sharedLab(t);
  const project = await deliveryProject(t, lab, {
    config: `${allTests}deploy: {approval: {within: 2s}, deadline: 25s, monitor: 1s}\n`,
  });
  const held = await project.run(['pipeline', '--build', '1']);
  t.equal(held.code, 4, held.stderr);
  t.match(held.result.error, { code: 'APPROVAL_NEEDED', exitCode: 4 });
  const report = reportOf(project);
  t.same(
    report.stages.map(({ name, verdict }) => `${name} ${verdict}`),
    ['unit done', 'build done', 'push done', 'candidate done', 'release done'],
  );
  t.match(report.reference, /@sha256:/, 'the digest to approve is told');
  t.equal(await liveService(lab, `${project.name}_${project.name}`), undefined);
  t.same(await leftovers(lab, project.name), []);
  const approved = await project.run(['pipeline', '--build', '2', '--approved-by', 'jane']);
  t.equal(approved.code, 0, approved.stderr);
  t.equal(approved.result.reference, report.reference, 'the same commit is the same image');
});

t.test('a load over its limits is red, with figures', async (t) => {
  const lab = await sharedLab(t);
  await provideRunnerImage(lab);
  const project = await deliveryProject(t, lab, {
    config: `tests: {load: {duration: 1s, connections: 2, path: /index.html, p95: 0ms, p99: 0ms}}\n${quickDeploy}`,
  });
  const red = await project.run(['pipeline', '--build', '1']);
  t.equal(red.code, 1, red.stderr);
  t.match(red.result.error, { code: 'TEST_FAILED', load: { requests: Number, failures: Number, p95: Number } });
  t.ok(red.result.error.load.requests > 0);
  t.match(red.stderr, /TEST_FAILED: the load test is red: p95 is [\d.]+m?s, the limit is 0ms; p99 is/);
  t.same(await leftovers(lab, project.name), []);
});

t.test('a test that hangs, one that prints without end, and one that prints secrets', async (t) => {
  const lab = await sharedLab(t);
  const project = await deliveryProject(t, lab, { config: 'tests: {unit: {timeout: 2s}}\n' });
  project.write({ 'tests/unit': 'echo waiting for Godot\nexec sleep 1000\n' });
  const hung = await project.run(['test', '--only', 'unit']);
  t.equal(hung.code, 1, hung.stderr);
  t.match(hung.result.error, { code: 'TEST_TIMEOUT', evidence: ['waiting for Godot'] });
  t.ok(hung.seconds < 15);

  project.write({
    'homeostat.yml': `name: ${project.name}\nimage: ${project.image}\ntests: {unit: {timeout: 60s}}\n`,
    'tests/unit':
      'yes "0123456789 0123456789 0123456789 0123456789 0123456789" | head -c 100000000\ntr -d "\\\\n" </dev/zero | head -c 3000000 | tr "\\\\0" x\necho\necho the end\nexit 1\n',
  });
  const loud = project.start(['test', '--only', 'unit']);
  const [memory, ended] = await Promise.all([peakMemory(loud.child), loud.ended]);
  t.equal(ended.code, 1);
  t.match(ended.result.error, { code: 'TEST_FAILED', message: /exit code 1/ });
  t.equal(ended.result.error.evidence.at(-1), 'the end', 'the last line counts, however much came before');
  t.ok(ended.stderr.length < 6_000_000, `${ended.stderr.length} characters`);
  t.ok(JSON.stringify(ended.result).length < 100_000, `${JSON.stringify(ended.result).length} characters`);
  t.ok(memory > 30 && memory < 200, `${memory} MB`);

  const secret = 'tok"en/with+odd=chars &7';
  const forms = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
  ];
  project.write({
    forms: `${forms.join('\n')}\n`,
    Dockerfile: `${readFileSync(path.join(project.folder, 'Dockerfile'), 'utf8').replace('COPY tests /tests', 'COPY tests forms /tests/')}`,
    'tests/unit': `mkdir /results; cat /tests/forms; cat /tests/forms | while read -r line; do printf 'a%s b\\n' "$line"; done
(echo '<testsuite><system-out><![CDATA['; cat /tests/forms; echo ']]></system-out></testsuite>') >/results/leak.xml; exit 1\n`,
  });
  const leak = await project.run(['test', '--only', 'unit', '--json'], { DEPLOY_TOKEN: secret });
  t.equal(leak.code, 1, leak.stderr);
  const told = [leak.stdout, leak.stderr, JSON.stringify(leak.result), fileOf(project, 'unit/leak.xml')];
  for (const text of told) {
    t.match(text, /\*\*\*\*/);
    for (const form of forms) t.notOk(text.includes(form), 'masked');
  }
});

t.test('the production test without a network to join is refused before anything is changed', async (t) => {
  const lab = await sharedLab(t);
  const project = await deliveryProject(t, lab, {
    config: 'tests: {production: {target: functional}}\n',
    stackText: (name, image) => `services: {${name}: {image: ${image}}}\n`,
  });
  const refused = await project.run(['pipeline', '--build', '1']);
  t.equal(refused.code, 2, refused.stderr);
  t.match(refused.stderr, /CONFIG_INVALID: tests\.production/);
  t.equal(await liveService(lab, `${project.name}_${project.name}`), undefined);
});

t.test('files of a test end up below its folder, whatever they are called', async (t) => {
  const lab = await sharedLab(t);
  const project = await deliveryProject(t, lab, { config: 'tests: {unit: {}}\n' });
  project.write({
    'tests/unit': `mkdir -p /results/deep/er '/results/a b'
echo '<a/>' >/results/deep/er/one.xml; echo '<b/>' >'/results/a b/$(id);two.xml'; echo no >/results/three.txt
ln -s /etc/passwd /results/link.xml; head -c 20000000 /dev/zero >/results/huge.xml
for i in $(seq 300); do echo '<c/>' >/results/many-$i.xml; done
${greenTest('unit').replace('mkdir', 'mkdir -p')}`,
  });
  const ended = await project.run(['test', '--only', 'unit']);
  t.equal(ended.code, 0, ended.stderr);
  const [{ junit }] = ended.result.tests as [{ junit: string[] }];
  t.equal(junit.length, 200, 'bounded');
  t.ok(
    junit.every((file) => /^homeostat-reports\/unit\/[\w.-]+\.xml$/.test(file)),
    junit.join(' '),
  );
  t.notOk(junit.some((file) => /link|huge|three/.test(file)));
});
