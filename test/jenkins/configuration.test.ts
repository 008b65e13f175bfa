import fc from 'fast-check';
import t from 'tap';
import { parse } from 'yaml';
import { configurationOf } from '../../runner/jenkins/configuration/as-code';
import { jenkinsFiles } from '../../runner/jenkins/configuration/files';
import { jobsData } from '../../runner/jenkins/configuration/jobs-data';
import { requiredSecrets } from '../../runner/jenkins/configuration/required-secrets';
import { SecretValue } from '../../runner/jenkins/configuration/secret-value';
import type { JenkinsSite } from '../../runner/jenkins/model';
import { holds } from '../common/support';
import { interpolated } from './interpolation';
import { observed, permissions, strange } from './observed-keys';
import { pipelineJob, scaling, siteOf, sites } from './sites';

interface Written {
  jenkins: {
    numExecutors: number;
    quietPeriod: number;
    slaveAgentPort: number;
    securityRealm: { local: { allowsSignup: boolean; users: { id: string; password: string }[] } };
    authorizationStrategy: { projectMatrix: { entries: { user: { name: string; permissions: string[] } }[] } };
    nodes?: { permanent: { name: string; launcher: unknown } }[];
  };
  unclassified: { globalLibraries: { libraries: Record<string, unknown>[] } };
  credentials: { system: { domainCredentials: { credentials: Record<string, { id: string }>[] }[] } };
  security: Record<string, unknown>;
}

const written = (site: JenkinsSite) => parse(jenkinsFiles(site)['jenkins.yaml']) as Written;

const rightsOf = (site: JenkinsSite) =>
  Object.fromEntries(
    written(site).jenkins.authorizationStrategy.projectMatrix.entries.map(({ user }) => [user.name, user.permissions]),
  );

for (const [name, site] of Object.entries(sites))
  t.test(`${name}: only keys that Jenkins was seen to accept, with their shapes`, async (t) => {
    const { 'jenkins.yaml': text, 'jobs.json': jobs, 'secrets.txt': secrets } = jenkinsFiles(site);
    t.same(strange(parse(text), observed), []);
    t.same(parse(text, { version: '1.1' }), parse(text), 'older YAML reads the same');
    t.same(JSON.parse(jobs), JSON.parse(JSON.stringify(jobsData(site))));

    const { jenkins } = written(site);
    t.match(jenkins, { numExecutors: 0, quietPeriod: 0, slaveAgentPort: -1 });
    t.equal(jenkins.securityRealm.local.allowsSignup, false);
    const rights = rightsOf(site);
    t.same(Object.keys(rights), [...site.people.map((person) => person.name), 'alertmanager', 'agent', 'homeostat']);
    t.same(
      jenkins.securityRealm.local.users.map(({ id }) => id),
      Object.keys(rights),
      'everybody with rights can sign in, and nobody else',
    );
    t.same(rights.alertmanager, ['Overall/Read'], 'Alertmanager gets the rest at its job');
    t.same(
      (jenkins.nodes ?? []).map(({ permanent }) => permanent.name),
      Array.from({ length: site.agents.count }, (_, index) => `${site.agents.name}-${index + 1}`),
    );
    t.match(written(site).unclassified.globalLibraries.libraries, [
      { name: 'homeostat', defaultVersion: site.library.version, includeInChangesets: false },
    ]);
    const credentials = written(site).credentials.system.domainCredentials[0]!.credentials;
    t.same(
      credentials.map((each) => Object.values(each)[0]!.id),
      ['registry', ...site.git.map(({ id }) => id)],
    );

    const named = [...text.matchAll(/"\$\{(?:readFile:\/run\/secrets\/)?([^}]+)\}"/g)].map((match) => match[1]!);
    const required = secrets
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[1]!);
    t.same([...new Set(named)].sort(), required.filter((each) => each !== 'git-hook-token').sort());
  });

t.test('the check itself refuses what was not observed', async (t) => {
  const good = written(siteOf());
  const withKey = { ...good, jenkins: { ...good.jenkins, systemMessage: 'x' } };
  t.same(strange(withKey, observed), ['.jenkins.systemMessage is unknown']);
  t.same(strange({ jobs: { file: 'x' } }, observed), ['.jobs: no list']);
  t.same(
    strange(
      {
        credentials: {
          system: { domainCredentials: [{ credentials: [{ usernamePassword: { password: 'hunter2' } }] }] },
        },
      },
      observed,
    ),
    ['.credentials.system.domainCredentials[0].credentials[0].usernamePassword.password'],
  );
});

t.test('what a role may do, everywhere and at single jobs', async (t) => {
  t.match(rightsOf(sites['roles everywhere']!), {
    root: ['Overall/Administer'],
    dora: ['Overall/Read', 'Job/Read', 'Job/Build', 'Job/Cancel'],
    walter: ['Overall/Read', 'Job/Read'],
    agent: ['Overall/Read', 'Agent/Connect'],
    homeostat: ['Overall/Read', 'Job/Read', 'Job/Build', 'Job/Cancel'],
  });
  const single = sites['roles at single jobs']!;
  for (const name of ['ada', 'dora', 'walter', 'nobody']) t.same(rightsOf(single)[name], ['Overall/Read'], name);
  const at = Object.fromEntries(jobsData(single).jobs.map((job) => [job.name, job.rights]));
  const all = ['Job/Read', 'Job/Build', 'Job/Cancel'];
  t.same(at, {
    'service-scale': [
      { user: 'walter', permissions: ['Job/Read'] },
      { user: 'alertmanager', permissions: ['Job/Read', 'Job/Build'] },
    ],
    shop: [
      { user: 'ada', permissions: all },
      { user: 'dora', permissions: all },
    ],
    blog: [{ user: 'dora', permissions: all }],
  });
  t.equal(at.shop!.flatMap(({ permissions: given }) => given).filter((each) => !permissions.has(each)).length, 0);
});

t.test('jobs: a command, one branch, several branches, a pattern alone', async (t) => {
  const { jobs, tokens } = jobsData(
    siteOf({
      jobs: [
        scaling,
        pipelineJob('one', { credentials: 'git-1' }),
        pipelineJob('many', { branches: ['main', 'release/*'] }),
        pipelineJob('all', { branches: ['*'] }),
      ],
    }),
  );
  t.match(jobs, [
    { kind: 'command', step: 'serviceScale', agent: 'docker', timeoutMinutes: 60, environment: scaling.environment },
    { kind: 'branch', branch: 'main', credentials: 'git-1', script: 'Jenkinsfile', keepBuilds: 50, rights: [] },
    { kind: 'branches', branches: ['main', 'release/*'] },
    { kind: 'branches', branches: ['*'] },
  ]);
  t.match(jobs[0], {
    parameters: [{ name: 'service' }, { name: 'scale' }, { name: 'by' }, { name: 'id' }, { name: 'at' }],
  });
  t.same(
    tokens.map(({ user, secret }) => `${user} ${secret}`),
    ['alertmanager alertmanager-token', 'agent agent-token', 'homeostat homeostat-token'],
  );
});

t.test('host keys: those that were given, else the first that is seen', async (t) => {
  const strategyOf = (site: JenkinsSite) => written(site).security.gitHostKeyVerificationConfiguration;
  t.same(strategyOf(siteOf()), { sshHostKeyVerificationStrategy: { acceptFirstConnectionStrategy: {} } });
  t.match(strategyOf(sites['two git servers, host keys known']!), {
    sshHostKeyVerificationStrategy: {
      manuallyProvidedKeyVerificationStrategy: {
        approvedHostKeys: 'git.example.com ssh-ed25519 AAAAC3Nza\n[forge.example.com]:2222 ssh-rsa AAAAB3Nza',
      },
    },
  });
});

t.test('every secret is asked for once, with what it has to look like', async (t) => {
  const { git } = sites['two git servers, host keys known']!;
  t.same(requiredSecrets(siteOf({ git: [...git, ...git] })), [
    { kind: 'token', name: 'alertmanager-token' },
    { kind: 'token', name: 'agent-token' },
    { kind: 'token', name: 'homeostat-token' },
    { kind: 'hook', name: 'git-hook-token' },
    { kind: 'password', name: 'registry-password' },
    { kind: 'password', name: 'admin-password' },
    { kind: 'key', name: 'git-key' },
    { kind: 'password', name: 'forge' },
  ]);
});

t.test('a name that would end the reference to a secret is refused', async (t) => {
  for (const secret of ['', 'a}', 'a b', '../x', 'a:-b', '${x}', 'a\nb'])
    t.throws(() => jenkinsFiles(siteOf({ people: [{ name: 'a', role: 'watch', secret }] })), /cannot name a secret/);
});

/** Texts made of what means something to YAML, to Groovy or to Jenkins. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc
    .array(
      fc.constantFrom(
        ...[
          '${',
          '}',
          '^',
          '$',
          '{',
          ':-',
          'PATH',
          'readFile:/etc/passwd',
          'base64:',
          '"',
          "'",
          '\\',
          '\n',
          '\r',
          '\t',
        ],
        ...[': ', ' #', '- ', '&a', '*a', '!!x', '|', '>', '%', '@', '`', '\0', '\x7f', '\u0085', '\u2028', '\ufeff'],
        ...['\uffff', '🎉', 'yes', '1e3', '0o7', '~', '---', '...', 'x'],
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
);

const hostileSite = fc
  .record({
    url: hostile,
    adminAddress: hostile,
    library: fc.record({ repository: hostile, version: hostile, credentials: hostile }),
    agents: fc.record({ name: hostile, count: fc.constant(2), label: hostile, executors: fc.constant(1) }),
    user: hostile,
    registry: fc.record({ address: hostile, user: hostile, secret: fc.constant('registry-password') }),
    id: hostile,
    knownHosts: fc.array(hostile, { maxLength: 2 }),
    name: hostile,
    text: hostile,
    branches: fc.array(hostile, { minLength: 1, maxLength: 3 }),
  })
  .map(({ user, id, name, text, branches, ...site }) =>
    siteOf({
      ...site,
      people: [{ name: user, role: 'watch', jobs: [name], secret: 'person' }],
      git: [{ id, host: text, kind: 'key', user, secret: 'git-key' }],
      jobs: [
        pipelineJob(name, { description: text, repository: text, branches, script: text, credentials: id }),
        { ...scaling, description: text, environment: { A: text }, parameters: { [name]: text } },
      ],
    }),
  );

/** What Jenkins should come to: each text as it is, each secret as its reference. */
function meant(value: unknown): unknown {
  if (value instanceof SecretValue) return `<${value.reference.slice(2, -1)}>`;
  if (Array.isArray(value)) return value.map(meant);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, meant(inner)]));
  return value;
}

/** What Jenkins comes to. */
function read(value: unknown, lookup: (name: string) => string | undefined): unknown {
  if (typeof value === 'string') return interpolated(value, lookup);
  if (Array.isArray(value)) return value.map((each) => read(each, lookup));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, read(inner, lookup)]));
  return value;
}

t.test('no text of a site is taken for anything but that text', async (t) => {
  await holds(
    t,
    fc.property(hostileSite, (site) => {
      const text = jenkinsFiles(site)['jenkins.yaml'];
      const asked = new Set<string>();
      const lookup = (name: string) => {
        asked.add(name);
        return `<${name}>`;
      };
      const restored = JSON.stringify(read(parse(text), lookup));
      const expected = JSON.stringify(meant(configurationOf(site)));
      const known = requiredSecrets(site).map(({ name }) => name);
      return (
        restored === expected &&
        strange(parse(text), observed).length === 0 &&
        JSON.stringify(parse(text, { version: '1.1' })) === JSON.stringify(parse(text)) &&
        !/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/.test(text) &&
        [...asked].every((name) => known.includes(name.replace('readFile:/run/secrets/', '')))
      );
    }),
  );
});

t.test('jobs.json gives each text back', async (t) => {
  await holds(
    t,
    fc.property(hostileSite, (site) => {
      const { jobs } = JSON.parse(jenkinsFiles(site)['jobs.json']) as { jobs: unknown[] };
      return JSON.stringify(jobs) === JSON.stringify(jobsData(site).jobs) && jobs.length === 2;
    }),
  );
});

t.test('how Jenkins reads variables, as it was observed', async (t) => {
  const lookup = (name: string) => ({ NAME: 'value', EMPTY: '' })[name];
  for (const [text, value] of [
    ['${NAME}', 'value'],
    ['${UNKNOWN}', ''],
    ['${UNKNOWN:-default}', 'default'],
    ['^${NAME}', '${NAME}'],
    ['a $NAME {b} ^c', 'a $NAME {b} ^c'],
  ] as const)
    t.equal(interpolated(text, lookup), value, text);
});
