import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { git } from '../../runner/system/example';
import { copyLibrary, jenkinsLibrary } from '../../runner/system/jenkins-library';
import { planJenkins } from '../../runner/system/jenkins-plan';
import { exitOf } from '../../runner/system/story';
import { readSystem, type System } from '../../runner/system/system-file';
import { failureOf, testContext } from '../common/support';
import { observed, strange } from '../jenkins/observed-keys';

const library = 'library: { repository: https://git.example.com/homeostat.git, version: v1 }';
const jenkins = (more = '') => `engine: jenkins\njenkins: { ${library}${more} }\n`;

const files = {
  password: 'a password\n',
  key: '-----BEGIN OPENSSH PRIVATE KEY-----\nkey\n-----END OPENSSH PRIVATE KEY-----\n',
  known: '# a comment\nssh.example.com ssh-ed25519 AAAA\n',
};

const settingsOf = (folder: string, system: System) => ({
  ...{ folder, registryPort: 5000, httpPort: system.ports.http, httpsPort: 443, controllerPort: 7080, jobsPort: 8080 },
  ...{ prometheusPort: 9090, alertmanagerPort: 9093, system },
});

async function place(t: Test, text: string) {
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-jenkins-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries({ ...files, 'system.yml': text }))
    writeFileSync(path.join(folder, name), content);
  const context = testContext({ cwd: folder });
  return { context, settings: settingsOf(folder, await readSystem(undefined, context)) };
}

const hosts = `gitHosts:
  - { host: git.example.com, user: ci, passwordFile: password }
  - { host: ssh.example.com, keyFile: key, knownHostsFile: known }
`;

/** What is said in system.yml, and what has to stand in the configuration or in jobs.json because of it. */
const systems: Record<string, [string, RegExp[]]> = {
  'nothing but Jenkins': [
    jenkins(),
    [/"name": "service-scale"/, /id: "admin"\n/, /url: "http:\/\/jenkins\.localhost\/"/],
  ],
  'a domain and a port': [
    `${jenkins()}domain: example.com\nports: { http: 8000 }\n`,
    [/url: "http:\/\/jenkins\.example\.com:8000\/"/],
  ],
  'three agents': [
    jenkins(', agents: 3, agentLabel: swarm'),
    [/name: "agent-3"/, /labelString: "swarm"/, /"agent": "swarm"/],
  ],
  'one branch': [
    `${jenkins()}repositories:\n  - { url: https://git.example.com/shop.git, branches: [release] }\n`,
    [/"kind": "branch",[^}]*"branch": "release"/, /"name": "shop"/],
  ],
  'branches and a Jenkinsfile elsewhere': [
    `${jenkins()}repositories:\n  - { url: https://git.example.com/shop, branches: ['f/*', main], jenkinsfile: ci/Jenkinsfile }\n`,
    [/"kind": "branches",[^}]*"script": "ci\/Jenkinsfile",[^}]*"main",\s*"f\/\*"/],
  ],
  'private repositories': [
    `${jenkins()}${hosts}repositories:\n  - url: https://git.example.com/a.git\n  - url: git@ssh.example.com:b.git\n`,
    [
      /"credentials": "git-git-example-com"/,
      /"credentials": "git-ssh-example-com"/,
      /password: "\$\{git-git-example-com\}"/,
      /privateKey: "\$\{readFile:\/run\/secrets\/git-ssh-example-com\}"/,
      /approvedHostKeys: "ssh\.example\.com ssh-ed25519 AAAA"/,
      /credentialsId: "git-git-example-com"/,
    ],
  ],
  'people and roles': [
    `${jenkins()}people:\n  - { name: ada, role: administer }\n  - { name: grace }\n  - { name: wall, role: watch, jobs: [service-scale] }\n`,
    [
      /name: "ada"\n +permissions:\n +- "Overall\/Administer"/,
      /password: "\$\{password-grace\}"/,
      /"user": "wall",\s*"permissions": \[\s*"Job\/Read"\s*\]/,
    ],
  ],
  'a registry elsewhere': [
    `${jenkins()}registry: { address: registry.example.com, user: pusher, passwordFile: password }\n`,
    [/id: "registry"\n +username: "pusher"/],
  ],
  limits: [
    `${jenkins()}limits: { builds: 4, keepBuilds: 7, timeout: 30m }\n`,
    [/numExecutors: 4/, /"keepBuilds": 7/, /"timeoutMinutes": 30/],
  ],
  'hostile texts': [
    `${jenkins(', adminAddress: "\${SECRET} <x@y>"')}repositories:\n  - { url: 'https://git.example.com/a.git', description: "\${readFile:/etc/shadow}" }\n`,
    [/adminAddress: "\^\$\{SECRET\} <x@y>"/],
  ],
};

for (const [name, [text, wanted]] of Object.entries(systems))
  t.test(`${name}: system.yml becomes a configuration that Jenkins was seen to accept`, async (t) => {
    const { settings, context } = await place(t, text);
    const plan = await planJenkins(settings, context);
    t.same(strange(parse(plan.files['jenkins.yaml']!), observed), []);
    const all = Object.values(plan.files).join('\n');
    for (const each of wanted) t.match(all, each);
    t.notMatch(all, /a password|BEGIN OPENSSH/, 'nothing secret stands in a file');
    t.same(
      plan.files['secrets.txt']!.trim()
        .split('\n')
        .map((line) => line.split(' ')[1]),
      plan.secrets,
    );
  });

t.test(
  'where the library is not named it is the commit of the checkout, copied to where Jenkins reads it',
  async (t) => {
    const { settings, context } = await place(t, 'engine: jenkins\n');
    const checkout = t.testdir({ vars: { 'x.groovy': '' }, resources: { homeostat: { 'homeostat.cjs': '' } } });
    await git(checkout, ['init', '-q', '-b', 'main'], context);
    await git(checkout, ['add', '-A'], context);
    await git(checkout, ['commit', '-q', '-m', 'one'], context);
    await git(checkout, ['checkout', '-q', '--detach'], context);
    await git(checkout, ['commit', '-q', '--allow-empty', '-m', 'on no branch'], context);
    const own = { ...context, runnerFile: path.join(checkout, 'resources/homeostat/homeostat.cjs') };
    const found = await jenkinsLibrary(settings, own);
    t.equal(found.version, await git(checkout, ['rev-parse', 'HEAD'], context));
    for (const _twice of [1, 2]) await copyLibrary(settings, found, own);
    const copy = path.join(settings.folder, 'git/homeostat.git');
    t.equal(found.repository, `file://${copy}`);
    t.equal(await git(copy, ['cat-file', '-t', found.version], context), 'commit');
    const elsewhere = { ...context, runnerFile: '/usr/local/lib/homeostat/homeostat.cjs' };
    const error = await failureOf(() => jenkinsLibrary(settings, elsewhere));
    t.match(error, { code: 'USAGE_INVALID', remedy: /jenkins\.library/ });
  },
);

t.test('how a build ended is told by the embedded server, and by the error of the step in Jenkins', (t) => {
  const build = { document: {}, result: 'FAILURE' as const, log: '' };
  t.equal(exitOf({ ...build, document: { error: { exitCode: 5 } } }), 5);
  t.equal(exitOf({ ...build, result: 'SUCCESS' }), 0);
  t.equal(exitOf(build), 1);
  const log = `one\nERROR: homeostat deploy: rolled back (ROLLED_BACK, exit 3): Read why.\nFinished: FAILURE\n`;
  t.equal(exitOf({ ...build, log }), 3);
  t.equal(exitOf({ ...build, log: 'echo ERROR (X, exit 9)\n' }), 1, 'what a program prints is not taken for it');
  t.end();
});
