import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { resource, resourcesBelow } from '../../runner/common/resources';
import { jenkinsFiles } from '../../runner/jenkins/configuration/files';
import { requiredSecrets } from '../../runner/jenkins/configuration/required-secrets';
import { withRequiredSecrets } from '../../runner/jenkins/stack-secrets';
import { siteOf } from '../jenkins/sites';
import { withLab } from '../lab';
import { until } from './support';

const run = promisify(execFile);

/**
 * The stack of Jenkins, the entry point of its image and the program of its agents on a real Swarm. Jenkins itself and java
 * are stand-ins, for neither can be had where this runs.
 */
const token = (digit: string) => `11${digit.repeat(32)}`;

const standIn = `#!/usr/bin/env node
const { readFileSync } = require('node:fs');
const token = readFileSync('/run/secrets/agent-token', 'utf8').trim();
const wanted = 'Basic ' + Buffer.from('agent:' + token).toString('base64');
require('node:http').createServer((request, response) => {
  const name = /^\\/computer\\/(agent-[12])\\/jenkins-agent\\.jnlp$/.exec(request.url)?.[1];
  if (request.url === '/login') return response.end('sign in');
  if (request.url === '/jnlpJars/agent.jar') return response.end('PK');
  if (name === undefined) return response.writeHead(404).end();
  if (request.headers.authorization !== wanted) return response.writeHead(401).end();
  response.end('<argument>' + name.at(-1).repeat(64) + '</argument>');
}).listen(8080);
process.on('SIGTERM', () => process.exit(143));
`;

const images = {
  jenkins: {
    Dockerfile: `FROM homeostat-lab/proxy:latest
RUN mkdir -p /var/jenkins_home && chown 1000:1000 /var/jenkins_home
COPY entrypoint jenkins.sh /usr/local/bin/
RUN chmod 755 /usr/local/bin/*
USER 1000
ENTRYPOINT ["tini", "--", "/usr/local/bin/entrypoint"]
CMD []
`,
    entrypoint: resource('resources/images/jenkins/entrypoint'),
    'jenkins.sh': standIn,
  },
  'jenkins-agent': resourcesBelow('resources/images/jenkins-agent'),
  'stand-in-agent': {
    Dockerfile: `FROM homeostat/jenkins-agent:test
COPY java /usr/local/bin/java
RUN chmod 755 /usr/local/bin/java
`,
    java: '#!/bin/sh\nfor each; do case "$each" in @*) echo "java $* secret $(cat "${each#@}")" ;; esac; done\nexec sleep 1000\n',
  },
};

t.test('Jenkins starts once its secrets are right, and each task of the agents is one of its agents', async (t) => {
  const lab = await withLab(t);
  await lab.image('proxy');
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-jenkins-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const write = (files: Record<string, string>, below = folder) => {
    mkdirSync(below, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(below, name), text);
  };
  for (const [name, files] of Object.entries(images)) {
    write(files, path.join(folder, name));
    const base = ['--build-arg', 'RUNNER=homeostat-lab/proxy:latest'];
    await lab.docker(1, 'build', '-q', ...base, '-t', `homeostat/${name}:test`, path.join(folder, name));
  }
  const versions = await lab.docker(
    1,
    'run',
    '--rm',
    'homeostat/jenkins-agent:test',
    'sh',
    '-c',
    'java -version 2>&1; git --version',
  );
  t.match(versions, /openjdk version "(17|21)\b[^]*git version/, 'the agents’ image has Java and git');
  await lab.docker(1, 'network', 'create', '--driver', 'overlay', 'homeostat');
  const labels = ['--label-add', 'homeostat.jenkins=true', '--label-add', 'homeostat.agent=true'];
  await lab.docker(1, 'node', 'update', ...labels, await lab.docker(1, 'node', 'ls', '-q'));

  const site = siteOf({ agents: { name: 'agent', count: 2, label: 'docker', executors: 2 } });
  const deploy = async (password: string, number: string) => {
    write({
      'jenkins.yml': withRequiredSecrets(resource('resources/stacks/jenkins.yml'), requiredSecrets(site), {
        'admin-password': number,
        'registry-password': number,
      }),
      ...jenkinsFiles(site),
      'alertmanager-token': token('a'),
      'agent-token': `${token('b')}\n`,
      'homeostat-token': token('c'),
      'git-hook-token': 'hook',
      'docker-config.json': '{}',
      'registry-password': 'x',
      'admin-password': password,
    });
    mkdirSync(path.join(folder, 'git'), { recursive: true });
    chmodSync(folder, 0o755);
    const variables = {
      JENKINS_IMAGE: 'homeostat/jenkins:test',
      AGENT_IMAGE: 'homeostat/stand-in-agent:test',
      AGENT_NAME: 'agent',
      AGENTS: '2',
      MEMORY: '2g',
      STATE: folder,
      JOBS_PORT: '8080',
      JENKINS_DOMAIN: 'jenkins.localhost',
    };
    const hashes = ['CONFIGURATION', 'JOBS', 'SECRETS', 'ALERTMANAGER_TOKEN', 'AGENT_TOKEN', 'HOMEOSTAT_TOKEN'];
    const named = [...hashes, 'GIT_HOOK_TOKEN', 'DOCKER_CONFIG'].map((name) => [`${name}_HASH`, number]);
    const env = { ...lab.environment(), ...variables, ...(Object.fromEntries(named) as Record<string, string>) };
    const command = ['stack', 'deploy', '--resolve-image', 'never', '-c', 'jenkins.yml', 'homeostat-jenkins'];
    await run('docker', command, { cwd: folder, env });
  };
  const said = async (service: string) => {
    const command = ['service', 'logs', '--raw', `homeostat-jenkins_${service}`];
    const { stdout, stderr } = await run('docker', command, { env: lab.environment() }).catch(() => ({
      stdout: '',
      stderr: '',
    }));
    return stdout + stderr;
  };
  const container = async () =>
    lab.docker(1, 'ps', '-q', '--filter', 'name=homeostat-jenkins_controller', '--filter', 'health=healthy');

  await deploy(' \n', '1');
  t.ok(await until(async () => (await said('controller')).includes('the secret admin-password is empty'), 60));
  t.equal(await container(), '');

  await deploy('right', '2');
  t.ok(await until(async () => (await container()) !== '', 90), await said('controller'));
  const look =
    'id -u; stat -c "%a %u %n" /run/secrets/* | sort -k 3; stat -c %a /var/jenkins_home/hudson.*.xml; ls /etc/homeostat';
  t.equal(
    await lab.docker(1, 'exec', await container(), 'sh', '-c', look),
    [
      '1000',
      ...[
        'admin-password',
        'agent-token',
        'alertmanager-token',
        'git-hook-token',
        'homeostat-token',
        'registry-password',
      ].map((name) => `400 1000 /run/secrets/${name}`),
      '600',
      ...['jenkins.yaml', 'jobs.json', 'secrets.txt'],
    ].join('\n'),
  );
  const connected = async () => {
    const text = await said('agent');
    return ['1', '2'].every(
      (slot) => text.includes(`-name agent-${slot} `) && text.includes(`secret ${slot.repeat(64)}`),
    );
  };
  t.ok(await until(connected, 60), await said('agent'));
  t.match(await said('agent'), '-url http://homeostat-jobs:8080/ ');
  t.notMatch(await said('agent'), token('b'));
});
