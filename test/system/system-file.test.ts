import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { commands } from '../../runner/commands';
import { parseConfiguration } from '../../runner/jobs/configuration';
import { controllerEnvironment } from '../../runner/system/controller-environment';
import { gitSecrets } from '../../runner/system/git-secrets';
import { accessOf, jobList } from '../../runner/system/job-list';
import { jobsFile } from '../../runner/system/jobs-file';
import { formerPeople, jobUsers, tokenOf } from '../../runner/system/job-tokens';
import { registryAccess, registryAddress } from '../../runner/system/services';
import { slackSettings } from '../../runner/system/slack-settings';
import { readSystem, systemSchema, type System } from '../../runner/system/system-file';
import { jobNameOf } from '../../runner/system/system-relations';
import { failureOf, holds, testContext } from '../common/support';

function folderOf(t: Test, files: Record<string, string> = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-system-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
}

const settingsOf = (folder: string, system: System) => ({
  ...{ folder, registryPort: 5000, httpPort: 80, httpsPort: 443, controllerPort: 7080, jobsPort: 8080 },
  ...{ prometheusPort: 9090, alertmanagerPort: 9093, system },
});

const whole = `
domain: example.com
ports: { jobs: 8081 }
registry: { address: registry.example.com, user: deployer, passwordFile: registry-password }
slack: { channel: C0123456789, tokenFile: slack-token }
gitHosts:
  - { host: git.example.com, user: builder, passwordFile: git-password }
  - { host: ssh.example.com, keyFile: key, knownHostsFile: known }
repositories:
  - { url: https://git.example.com/team/shop.git, branches: ['feature/*', main] }
  - { url: git@ssh.example.com:team/pay.git, name: payments, description: Pays }
people:
  - { name: ada, role: administer, slack: U024BE7LH, decides: true }
  - { name: grace, jobs: [shop, service-scale] }
  - { name: watcher, role: watch }
limits: { builds: 3, keepBuilds: 20, timeout: 90m }
`;
const files = {
  'system.yml': whole,
  'registry-password': 'registry secret\n',
  'slack-token': 'xoxb-1-2-secret\n',
  'git-password': 'git secret\n',
  key: '-----BEGIN OPENSSH PRIVATE KEY-----\nsecret key\n-----END OPENSSH PRIVATE KEY-----',
  known: 'ssh.example.com ssh-ed25519 AAAA\n',
};

t.test('without a file everything has its default, and a file that is named has to be there', async (t) => {
  const folder = folderOf(t);
  const system = await readSystem(undefined, testContext({ cwd: folder }));
  t.match(system, { engine: 'embedded', domain: 'localhost', repositories: [], people: [], ports: { http: 80 } });
  writeFileSync(path.join(folder, 'other.yml'), 'domain: example.com\n');
  const context = testContext({ cwd: folder });
  const remembered = { systemFile: path.join(folder, 'other.yml'), jobEngine: 'jenkins' as const };
  t.match(await readSystem(undefined, context, remembered), { domain: 'example.com', engine: 'jenkins' });
  writeFileSync(path.join(folder, 'system.yml'), 'engine: embedded\n');
  t.match(await readSystem(undefined, context, remembered), { domain: 'localhost', engine: 'embedded' });
  const missing = await failureOf(() => readSystem('elsewhere.yml', testContext({ cwd: folder })));
  t.match(missing, { code: 'SYSTEM_INVALID', message: /elsewhere\.yml cannot be read/ });
});

t.test('all that is wrong is told at once, with its place and what is allowed', async (t) => {
  const wrong = `
engin: jenkins
domain: Exa mple
ports: { http: 0, jobs: 443 }
gitHosts:
  - { host: a.example, keyFile: none }
  - { host: a.example }
  - { host: b.example, passwordFile: system.yml }
repositories:
  - { url: '--upload-pack=evil' }
  - { url: https://git.example/a.git }
  - { url: https://git.example/b/a }
  - { url: https://git.example/c.git, branches: ['*'] }
  - { url: https://git.example/greeter.git }
people:
  - { name: admin }
  - { name: ada, role: king }
  - { name: ada, jobs: [nothing] }
limits: { builds: 0, timeout: 5s }
slack: { channel: '#general', tokenFile: system.yml }
`;
  const error = await failureOf(async () =>
    readSystem(undefined, testContext({ cwd: folderOf(t, { 'system.yml': wrong }) })),
  );
  t.equal(error.code, 'SYSTEM_INVALID');
  const told = error.evidence.join('\n');
  for (const line of [
    /system\.yml:2:1 unknown key 'engin' \(did you mean 'engine'\?\)/,
    /3:1 'domain': 'Exa mple' is not a host name/,
    /'ports\.http': 0 is not a whole number from 1 to 65535/,
    /'ports\.jobs' is 443, as https is/,
    /'gitHosts\.0\.keyFile' names a file that cannot be read: none/,
    /'gitHosts\.0' needs knownHostsFile beside keyFile/,
    /'gitHosts\.1\.host' is there twice: a\.example/,
    /'gitHosts\.1' needs either passwordFile \(for https\) or keyFile \(for ssh\)/,
    /'gitHosts\.2' needs user beside passwordFile/,
    /starts with -, which git would read as an option/,
    /'repositories\.2' has the name 'a', which another job has/,
    /'repositories\.3\.branches' needs one name without \*/,
    /'repositories\.4' has the name 'greeter', which another job has/,
    /'people\.0\.name' is 'admin', which is a user of the system itself/,
    /'people\.1\.role': .*administer/,
    /'people\.2\.name' is there twice: ada/,
    /'people\.2\.jobs' names 'nothing', which is none of service-scale, /,
    /'limits\.builds': 0 is not a whole number from 1 to 100/,
    /'limits\.timeout': '5s' is not a duration of a minute or more/,
    /'#general' is not a channel's id/,
  ])
    t.match(told, line);
});

t.test('the job server gets all jobs, limits and what git needs from it, and accepts the file', async (t) => {
  const folder = folderOf(t, files);
  const context = testContext({ cwd: folder });
  const system = await readSystem(undefined, context);
  const settings = settingsOf(folder, system);
  t.same(
    jobList(settings).map(({ name }) => name),
    ['greeter', 'service-scale', 'shop', 'payments'],
  );
  const secrets = await gitSecrets(system, folder, context);
  t.same(
    secrets.map(({ target, path: place }) => place ?? target),
    ['git-ssh-example-com', 'git-ssh-example-com-known-hosts', '/root/.netrc'],
  );
  const text = jobsFile(settings);
  t.notMatch(text, /secret(?!s\/)/, 'nothing secret stands in it');
  // Where the secrets lie in the container there is nothing here.
  const here = text.replaceAll('/run/secrets', folder);
  const configuration = parseConfiguration(here, path.join(folder, 'jobs.yml'), Object.keys(commands));
  t.equal(configuration.executors, 3);
  const shop = configuration.jobs.get('shop')!;
  t.match(shop, { kind: 'pipeline', branches: ['main', 'feature/*'], timeout: 5_400_000, keep: { builds: 20 } });
  t.match(configuration.jobs.get('payments'), {
    description: 'Pays',
    deployKey: path.join(folder, 'git-ssh-example-com'),
    knownHosts: path.join(folder, 'git-ssh-example-com-known-hosts'),
  });
  t.same([...configuration.jobs.get('service-scale')!.parameters.keys()], ['service', 'scale', 'by', 'id', 'at']);
});

t.test('registry, Slack and people are those of the file', async (t) => {
  const folder = folderOf(t, files);
  const context = testContext({ cwd: folder });
  const system = await readSystem('system.yml', context);
  const settings = settingsOf(folder, system);
  t.equal(registryAddress(settings), 'registry.example.com');
  t.same(await registryAccess(settings, context), { user: 'deployer', password: 'registry secret' });
  t.equal(context.masker('x registry secret y'), 'x **** y');
  const slack = await slackSettings(folderOf(t), system, context);
  t.match(slack.environment, { HOMEOSTAT_SLACK_CHANNEL: 'C0123456789' });
  const environment = await controllerEnvironment(settings, slack.environment);
  t.match(environment, /^HOMEOSTAT_DECIDERS=ada$/m);
  t.match(environment, /^HOMEOSTAT_GROUPS=ada=ada,U024BE7LH$/m);
  t.notMatch(environment, /JENKINS/);
  const jenkins = await controllerEnvironment(settingsOf(folder, { ...system, engine: 'jenkins' }));
  t.match(jenkins, /^HOMEOSTAT_JENKINS_URL=http:\/\/homeostat-jobs:8080$/m);
  t.notMatch(jenkins, /JENKINS_TOKEN/, 'the token is a secret');
});

t.test(
  'users have the rights of their role, tokens that Jenkins takes, and lose them when they are gone',
  async (t) => {
    const folder = folderOf(t, files);
    const context = testContext({ cwd: folder });
    const settings = settingsOf(folder, await readSystem(undefined, context));
    const users = jobUsers(settings);
    t.same(Object.fromEntries(users.map(({ name, rights }) => [name, rights])), {
      homeostat: '*:read+build+stop',
      alertmanager: 'service-scale:build',
      git: '*:read+build,service-scale:read',
      ada: '*:read+build+stop',
      grace: 'shop:read+build+stop,service-scale:read+build+stop',
      watcher: '*:read',
    });
    const tokens = await Promise.all(users.map((user) => tokenOf(user, context)));
    for (const token of tokens) t.match(token, /^11[0-9a-f]{32}$/);
    t.equal(new Set(tokens).size, users.length);
    t.same(await Promise.all(users.map((user) => tokenOf(user, context))), tokens, 'they are made once');
    t.equal(context.masker(tokens[0]!), '****');
    const fewer = { ...settings, system: { ...settings.system, people: settings.system.people.slice(0, 1) } };
    t.same((await formerPeople(fewer)).sort(), ['grace', 'watcher']);
    t.same(await formerPeople(fewer), [], 'and that is told once');
  },
);

t.test('a token of an older form is replaced by one that both engines take', async (t) => {
  const folder = folderOf(t, { token: 'homeostat_0123\n' });
  const file = path.join(folder, 'token');
  const token = await tokenOf({ file }, testContext());
  t.match(token, /^11[0-9a-f]{32}$/);
  t.equal(await tokenOf({ file }, testContext()), token);
});

t.test('the access of a repository is that of its host and of the way it is fetched', async (t) => {
  const folder = folderOf(t, files);
  const system = await readSystem(undefined, testContext({ cwd: folder }));
  const host = (url: string) => accessOf(system, url)?.id;
  t.equal(host('https://git.example.com/x.git'), 'git-git-example-com');
  t.equal(host('https://someone@GIT.example.com:443/x.git'), 'git-git-example-com');
  t.equal(host('ssh://git@ssh.example.com:22/x.git'), 'git-ssh-example-com');
  t.equal(host('git@ssh.example.com:x.git'), 'git-ssh-example-com');
  t.equal(host('https://ssh.example.com/x.git'), undefined, 'a key is no password');
  t.equal(host('https://other.example.com/x.git'), undefined);
});

t.test('the name of a job is the last part of its address', (t) => {
  for (const [url, name] of [
    ['https://git.example/team/shop.git', 'shop'],
    ['https://git.example/team/shop/', 'shop'],
    ['git@git.example:shop.git', 'shop'],
    ['file:///srv/git/shop.git', 'shop'],
  ] as const)
    t.equal(jobNameOf({ url }), name);
  t.equal(jobNameOf({ url: 'https://git.example/shop', name: 'market' }), 'market');
  t.end();
});

t.test('whatever the text is, it is read or refused with one error', async (t) => {
  const context = testContext();
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .dictionary(fc.constantFrom(...Object.keys(systemSchema.shape)), fc.jsonValue())
      .map((value) => JSON.stringify(value)),
  );
  await holds(
    t,
    fc.asyncProperty(text, async (content) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-system-'));
      try {
        writeFileSync(path.join(folder, 'system.yml'), content);
        const read = await readSystem(undefined, { ...context, cwd: folder }).catch((error: unknown) => error);
        const code = (read as { code?: string }).code;
        if (code !== undefined) return code === 'SYSTEM_INVALID';
        return Array.isArray((parse(content) ?? {}).people ?? []);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
  );
});
