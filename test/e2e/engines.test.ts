import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pack } from 'tar-stream';
import t from 'tap';
import type { Lab } from '../lab';
import { machine, type BuildDocument } from './machine';
import { until } from './support';

/**
 * In place of the official image, which cannot be had here: what the image of Jenkins is built on and calls, around the
 * embedded job server, which answers as Jenkins does. It takes its jobs and users from the files and secrets of Jenkins.
 */
const standIn = {
  Dockerfile: `FROM homeostat/runner:latest
RUN useradd --uid 1000 --create-home --home-dir /var/jenkins_home jenkins
COPY jenkins-plugin-cli jenkins.sh curl /usr/local/bin/
RUN chmod 755 /usr/local/bin/*
ENV JENKINS_HOME=/var/jenkins_home
VOLUME /var/jenkins_home
USER jenkins
`,
  'jenkins-plugin-cli': `#!/bin/sh
[ "$*" = "--latest false --plugin-file /usr/share/homeostat/plugins.txt" ] && grep -q '^workflow-job:' "$4"
`,
  curl: `#!/usr/bin/env node
fetch(process.argv.at(-1)).then(({ status }) => process.exit(status === 200 ? 0 : 22), () => process.exit(7));
`,
  'jenkins.sh': `#!/usr/bin/env node
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const home = process.env.JENKINS_HOME;
const { jobs } = JSON.parse(readFileSync('/etc/homeostat/jobs.json', 'utf8'));
if (!/^jenkins:/.test(readFileSync(process.env.CASC_JENKINS_CONFIG, 'utf8'))) throw new Error('no configuration');
const entry = (job) =>
  job.kind === 'command'
    ? { command: 'scale', parameters: Object.fromEntries(job.parameters.map(({ name }) => [name, {}])) }
    : { repository: job.repository, branches: [job.branch] };
mkdirSync(home + '/data', { recursive: true });
writeFileSync(home + '/jobs.yml', JSON.stringify({ jobs: Object.fromEntries(jobs.map((job) => [job.name, entry(job)])) }));
const user = (name, secret, rights) => ({
  user: name,
  hash: createHash('sha256').update(readFileSync('/run/secrets/' + secret, 'utf8').trim()).digest('hex'),
  rights,
  created: new Date().toISOString(),
});
const users = [
  user('homeostat', 'homeostat-token', { '*': ['read', 'build', 'stop'] }),
  user('alertmanager', 'alertmanager-token', { 'service-scale': ['build'] }),
  user('agent', 'agent-token', {}),
];
writeFileSync(home + '/data/tokens.json', JSON.stringify(users));
const server = spawn('homeostat', ['jobs', '--jobs', home + '/jobs.yml', '--data', home + '/data', '--listen', '0.0.0.0:8080'], { stdio: 'inherit' });
process.on('SIGTERM', () => server.kill('SIGTERM'));
server.on('exit', (code) => process.exit(code ?? 1));
`,
};

async function buildStandIn(lab: Lab): Promise<void> {
  const engine = lab.engine();
  const context = pack();
  for (const [name, text] of Object.entries(standIn)) context.entry({ name }, text);
  context.finalize();
  const stream = await engine.buildImage(context as unknown as NodeJS.ReadableStream, { t: 'stand-in/jenkins:1' });
  await new Promise<void>((resolve, reject) =>
    engine.modem.followProgress(stream, (error: Error | null, events: { error?: string }[]) => {
      const problem = error?.message ?? events.find((event) => event.error)?.error;
      if (problem) reject(new Error(problem));
      else resolve();
    }),
  );
}

t.test('Jenkins takes the place of the job server and gives it back: tokens, addresses and history stay', async (t) => {
  const { lab, home, state, run, ask } = await machine(t);
  await lab.image('base');
  const up = await run('up', '--no-example', '--json');
  t.equal(up.code, 0, up.stderr.slice(-2000));
  const secret = (file: string) => readFileSync(path.join(state, file), 'utf8').trim();
  /** Asks for a build as Alertmanager does; answers with the status. */
  const alert = async (token: string) => {
    const address = 'http://127.0.0.1:8080/job/service-scale/buildWithParameters?service=nothing&scale=up&delay=0sec';
    const basic = `--header=Authorization: Basic ${Buffer.from(`alertmanager:${token}`).toString('base64')}`;
    const told = await lab
      .exec(1, 'sh', '-c', 'wget -S -O /dev/null --tries=1 --post-data= "$1" "$2" 2>&1 || true', '-', basic, address)
      .catch(String);
    return /HTTP\/1\.1 (\d+)/.exec(told)?.[1];
  };
  const builds = async () =>
    (
      await ask<{ builds: BuildDocument[] }>(
        8080,
        '/job/service-scale/api/json?tree=builds[number]',
        secret('controller/homeostat-token'),
      )
    ).builds.map(({ number }) => number);
  const services = async () => (await lab.docker(1, 'service', 'ls', '--format', '{{.Name}}')).split('\n');
  const token = secret('controller/alertmanager-token');
  t.equal(await alert(token), '201');
  t.ok(await until(async () => (await builds()).length === 1, 30));

  const away = await run('up', '--no-example', '--engine', 'jenkins');
  t.equal(away.code, 8, 'an image that cannot be had');
  t.match(
    away.stderr,
    /the image of Jenkins cannot be built[^]*jenkins\/jenkins:2\.528\.2-lts-jdk17[^]*jenkins\.image/,
  );
  t.ok((await services()).includes('homeostat-jobs_jobs'), 'costs nobody the job server');

  await buildStandIn(lab);
  const file = path.join(home, 'system.yml');
  const people = 'people:\n  - { name: ada, role: administer }\n  - { name: grace, jobs: [service-scale] }\n';
  writeFileSync(file, `engine: jenkins\njenkins: { image: 'stand-in/jenkins:1' }\n${people}`);
  const jenkins = await run('up', '--no-example', '--system', file, '--json');
  t.equal(jenkins.code, 0, jenkins.stderr.slice(-2000));
  const running = await services();
  t.ok(running.includes('homeostat-jenkins_controller') && running.includes('homeostat-jenkins_agent'));
  t.notOk(running.includes('homeostat-jobs_jobs'));
  t.equal(await alert(token), '201', 'Alertmanager goes on with its token');
  t.ok(await until(async () => (await builds()).length === 1, 30), 'it has a history of its own');
  const own = [
    '-q',
    '-O',
    '-',
    '--tries=1',
    '--timeout=5',
    '--header=Host: jenkins.localhost',
    'http://127.0.0.1/login',
  ];
  t.ok(
    await until(async () => (await lab.exec(1, 'wget', ...own).catch(() => '')) !== '', 30),
    'it has its own domain',
  );
  for (const name of ['admin', 'ada', 'grace']) t.match(secret(`people/${name}-password`), /^[\w-]{24}$/);
  const inspected = await lab.docker(
    1,
    'service',
    'inspect',
    'homeostat-jenkins_controller',
    'homeostat-jenkins_agent',
  );
  for (const text of [token, secret('people/ada-password'), secret('jenkins/agent-token')])
    t.notOk(inspected.includes(text) || jenkins.stderr.includes(text), 'nothing secret stands in a service or a log');
  const told = async () => lab.exec(1, 'sh', '-c', 'docker service logs --raw homeostat-jenkins_agent 2>&1');
  t.ok(
    await until(async () => /has no agent of the name agent-1 \(404\)/.test(await told()), 60),
    'the agent asks with a token that is known: only Jenkins itself could give it a secret',
  );

  const again = await run('up', '--no-example', '--system', file, '--json');
  t.equal(again.code, 0, again.stderr.slice(-2000));
  t.same(await builds(), [1], 'repeated, nothing is lost');

  const kept = await run('up', '--no-example', '--dry-run', '--json');
  t.match(JSON.parse(kept.stdout), { plan: { engine: 'jenkins', system: file } }, 'what was said once holds');
  writeFileSync(file, '');
  const back = await run('up', '--no-example', '--engine', 'embedded', '--json');
  t.equal(back.code, 0, back.stderr.slice(-2000));
  t.ok((await services()).includes('homeostat-jobs_jobs'));
  t.notOk((await services()).some((name) => name.startsWith('homeostat-jenkins')));
  t.equal(await alert(token), '201');
  t.ok(await until(async () => (await builds()).length === 2, 30), 'the job server has its history');
  t.notOk(existsSync(path.join(state, 'people/ada-token')), 'who is in no system.yml any more has no token');
  t.match(await lab.docker(1, 'volume', 'ls', '-q'), /homeostat-jenkins_jenkins-home/, 'and that of Jenkins is kept');

  const down = await run('down');
  t.equal(down.code, 0, down.stderr);
  t.equal(await lab.docker(1, 'volume', 'ls', '-q'), '');
  t.match(await lab.docker(1, 'node', 'inspect', 'self', '--format', '{{.Spec.Labels}}').catch(() => 'map[]'), 'map[]');
});
