import { execFileSync } from 'node:child_process';
import path from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { runCommandLine } from '../../runner/commands/cli';
import { resource } from '../../runner/common/resources';
import { jenkinsFiles } from '../../runner/jenkins/configuration/files';
import { hookSecret, machineUsers } from '../../runner/jenkins/configuration/machine-users';
import { requiredSecrets } from '../../runner/jenkins/configuration/required-secrets';
import { jenkinsImageFiles } from '../../runner/jenkins/image-files';
import { withRequiredSecrets } from '../../runner/jenkins/stack-secrets';
import { testContext } from '../common/support';
import { sites } from './sites';

const content = resource('resources/stacks/jenkins.yml');
const variables = {
  JENKINS_IMAGE: 'homeostat/jenkins:1',
  AGENT_IMAGE: 'homeostat/jenkins-agent:1',
  AGENT_NAME: 'agent',
  AGENTS: '2',
  MEMORY: '2g',
  STATE: '/var/lib/homeostat',
  JOBS_PORT: '8080',
  JENKINS_DOMAIN: 'jenkins.example.com',
  CONFIGURATION_HASH: '1',
  JOBS_HASH: '2',
  SECRETS_HASH: '3',
  ALERTMANAGER_TOKEN_HASH: '4',
  AGENT_TOKEN_HASH: '5',
  HOMEOSTAT_TOKEN_HASH: '6',
  GIT_HOOK_TOKEN_HASH: '7',
  DOCKER_CONFIG_HASH: '8',
};
const files = Object.fromEntries(
  [...content.matchAll(/file: \.\/(\S+)/g)].map((match) => [match[1]!, 'a text'] as const),
);

interface Secret {
  source: string;
  target: string;
  mode: number;
  uid?: string;
}
interface Stack {
  services: Record<'controller' | 'agent', { secrets: Secret[]; deploy: { replicas: number }; environment?: object }>;
  secrets: Record<string, { name: string; file?: string; external?: boolean }>;
  configs: Record<string, { name: string }>;
}

/** What the docker client makes of the stack file, without an Engine. */
const read = (folder: string) =>
  parse(
    execFileSync('docker', ['stack', 'config', '--compose-file', 'jenkins.yml'], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, ...variables },
      encoding: 'utf8',
    }),
  ) as Stack;

t.test('each variable of the stack file is known, and the docker client accepts it', async (t) => {
  t.same(
    [...new Set([...content.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1]!))].sort(),
    Object.keys(variables).sort(),
  );
  const stack = read(t.testdir({ 'jenkins.yml': content, ...files }));
  t.equal(stack.services.agent.deploy.replicas, 2);
  t.match(stack.services.agent.environment, { AGENT_NAME: 'agent-{{.Task.Slot}}' });
  t.same(
    Object.values(stack.configs).map(({ name }) => name),
    ['homeostat-jenkins-configuration-1', 'homeostat-jenkins-jobs-2', 'homeostat-jenkins-secrets-3'],
  );
});

t.test('it is reached where the job server was, and by its own domain', async (t) => {
  const cwd = t.testdir({ 'jenkins.yml': content });
  let stdout = '';
  const context = testContext({ cwd, env: variables });
  const code = await runCommandLine(['labels', 'jenkins.yml'], {
    ...context,
    stdout: { write: (text: string) => (stdout += text) },
  });
  t.equal(code, 0);
  t.match(stdout, /route {2}tcp :8080 +→ :8080 {2}from local/);
  t.match(stdout, /route {2}jenkins\.example\.com \/ +→ :8080\n/);
  t.match(stdout, /0 errors, 0 warnings/);
});

t.test('the container has every secret that its configuration names, for Jenkins alone', async (t) => {
  for (const [name, site] of Object.entries(sites)) {
    const required = requiredSecrets(site);
    const written = withRequiredSecrets(content, required, { 'admin-password': 'h1', 'registry-password': 'h2' });
    const folder = t.testdir({ 'jenkins.yml': written, ...files, 'admin-password': 'x', 'registry-password': 'x' });
    const stack = read(folder);
    const { secrets } = stack.services.controller;
    t.same(secrets.map(({ target }) => target).sort(), required.map((secret) => secret.name).sort(), name);
    t.ok(secrets.every(({ mode, uid }) => mode === 0o400 && uid === '1000'));
    t.match(stack.secrets['site-registry-password'], { name: 'homeostat-jenkins-registry-password-h2' });
  }
  const roles = parse(withRequiredSecrets(content, requiredSecrets(sites['roles everywhere']!), {})) as Stack;
  t.same(roles.secrets['site-dora.password'], { external: true, name: 'dora.password' }, 'one that is in the Swarm');
});

t.test('the agents have their token and the registry’s, and nothing else', async (t) => {
  const { services } = parse(content) as Stack;
  t.same(
    services.agent.secrets.map(({ target }) => target),
    ['agent-token', '/run/homeostat/docker/config.json'],
  );
  const own = [...machineUsers.map(({ secret }) => secret), hookSecret];
  t.same(
    services.controller.secrets.map(({ target }) => target),
    own,
  );
});

t.test('the image has what the configuration names', async (t) => {
  const image = jenkinsImageFiles();
  t.same(Object.keys(image).sort(), ['Dockerfile', 'entrypoint', 'jobs.groovy', 'plugins.txt', 'tokens.groovy']);
  const seeds = [...jenkinsFiles(sites.smallest!)['jenkins.yaml'].matchAll(/file: "(.*)"/g)].map((match) => match[1]!);
  t.same(
    seeds.map((seed) => path.dirname(seed)),
    ['/usr/share/homeostat', '/usr/share/homeostat'],
  );
  for (const seed of seeds) t.ok(image[path.basename(seed)], seed);
  t.match(image.Dockerfile, 'COPY plugins.txt jobs.groovy tokens.groovy /usr/share/homeostat/');
});

t.test('plugins are pinned, once each, and those that steps and jobs need are there', async (t) => {
  const lines = resource('resources/jenkins/plugins.txt')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of lines) t.match(line, /^[a-z0-9-]+:[0-9][0-9A-Za-z._]*$/);
  const plugins = new Map(lines.map((line) => line.split(':') as [string, string]));
  t.equal(plugins.size, lines.length);
  for (const name of ['junit', 'pipeline-input-step', 'pipeline-utility-steps', 'credentials-binding', 'matrix-auth'])
    t.ok(plugins.has(name), name);
  t.equal(plugins.get('git'), '5.7.0', 'newer ones want another configuration-as-code');
});
