import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import command from '../../runner/commands/doctor';
import { readInside, type Inside } from '../../runner/system/jenkins-checks/administrator';
import { examineJenkins } from '../../runner/system/jenkins-checks/examine';
import { pinnedPlugins } from '../../runner/system/jenkins-checks/plugins';
import { leadingNumbers, reaches } from '../../runner/system/jenkins-checks/versions';
import { makeCertificate } from '../controller/certificates/support';
import { JenkinsServer } from '../jenkins/jenkins-server';
import { failureOf } from '../jenkins/support';
import { realContext } from '../lab/context';

/** What test/groovy holds the script to. */
const printed = JSON.parse(readFileSync(path.join(__dirname, '../jenkins/fixtures/inside.json'), 'utf8')) as unknown;

const settings = { job: 'service-scale', caller: 'alertmanager', library: 'homeostat', label: 'docker' };
const agent = { name: 'docker-1', online: true, reason: null, answer: 'node=v20.19.2\ndocker=26.1.5\n' };

/** What the script tells of a Jenkins that is as it should be. */
const well = (url: string): Inside => ({
  ...{ java: '21', url, hookTokens: 1, problems: {} },
  plugins: Object.fromEntries(pinnedPlugins().map(({ name, version }) => [name, { version, active: true }])),
  libraries: [{ name: 'homeostat', version: 'v1', url: 'https://git.example/homeostat.git' }],
  job: { quietPeriod: 0, abortsPrevious: false },
  user: { administers: false, builds: true, configures: false, sees: [], seesMany: 0, tokens: 1 },
  agents: [{ ...agent }],
});

/** A Jenkins that is as it should be, but for what is changed about it. */
async function jenkins(t: Test, change: (server: JenkinsServer, inside: Inside) => void = () => undefined) {
  const server = await new JenkinsServer().start(t);
  server.user('admin', ['admin']);
  server.job('service-scale', ['service', 'scale', 'by', 'id', 'at'], { concurrent: true });
  const inside = well(server.url);
  server.script = () => `${JSON.stringify(inside)}\n`;
  change(server, inside);
  return server;
}

async function look(server: JenkinsServer, access: object = server.access('admin'), more: object = {}) {
  const checks = await examineJenkins({ access: access as never, ...settings, ...more }, realContext());
  for (const { name, verdict, detail, remedy } of checks)
    if (verdict !== 'ok' && detail !== 'Jenkins does not answer') t.ok(remedy, `${name} has a remedy`);
  return Object.fromEntries(checks.map((check) => [check.name, check]));
}

t.test('a Jenkins that is as it should be: all green, in time, with nothing changed', async (t) => {
  const server = await jenkins(t);
  const start = performance.now();
  const checks = await look(server);
  t.ok(performance.now() - start < 3000);
  t.same(
    Object.values(checks).filter(({ verdict }) => verdict !== 'ok'),
    [],
  );
  t.equal(Object.keys(checks).length, 15);
  t.same(server.posts(), ['scriptText'], 'nothing is posted but the script that reads');
  t.same(server.violations, []);
});

t.test('what is wrong with a Jenkins is told by the one check that it concerns, with its remedy', async (t) => {
  type Case = [string, string, RegExp, RegExp, (server: JenkinsServer, inside: Inside) => void];
  const cases: Case[] = [
    ['version', 'failed', /2\.319\.1 is too old/, /Upgrade Jenkins/, (server) => (server.jenkins = '2.319.1')],
    ['version', 'warning', /2\.504\.1, older/, /Upgrade/, (server) => (server.jenkins = '2.504.1')],
    [
      'Java',
      'failed',
      /Java 17; Jenkins 2\.555\.1 needs 21/,
      /Java 21/,
      (server, inside) => {
        server.jenkins = '2.555.1';
        inside.java = '17';
      },
    ],
    ['Java', 'failed', /Java 1\.8/, /Java 17/, (_server, inside) => (inside.java = '1.8')],
    [
      'plugins',
      'failed',
      /missing: junit/,
      /jenkins-plugin-cli --plugins junit:1369/,
      (_server, { plugins }) => delete plugins!.junit,
    ],
    ['plugins', 'failed', /not active: git$/, /Enable/, (_server, { plugins }) => (plugins!.git!.active = false)],
    [
      'plugins',
      'failed',
      /git 5\.2\.1 is older than 5\.7\.0/,
      /git:5\.7\.0/,
      (_server, { plugins }) => (plugins!.git!.version = '5.2.1'),
    ],
    [
      'library',
      'failed',
      /no global library 'homeostat' \(there are: other\)/,
      /Add 'homeostat'/,
      (_server, { libraries }) => (libraries![0]!.name = 'other'),
    ],
    [
      'library',
      'failed',
      /no default version/,
      /Enter one/,
      (_server, { libraries }) => (libraries![0]!.version = null),
    ],
    ['job', 'failed', /404/, /Make the job, or name it with --job/, (server) => server.jobs.delete('service-scale')],
    ['job', 'failed', /disabled/, /Enable/, (server) => (server.jobs.get('service-scale')!.disabled = true)],
    [
      'job',
      'failed',
      /no parameter by, at/,
      /Declare/,
      (server) => (server.jobs.get('service-scale')!.parameters = ['service', 'scale', 'id']),
    ],
    [
      'concurrency',
      'warning',
      /one service waits/,
      /Untick/,
      (server) => (server.jobs.get('service-scale')!.concurrent = false),
    ],
    ['concurrency', 'failed', /aborts the build before/, /Untick/, (_server, { job }) => (job!.abortsPrevious = true)],
    ['quiet period', 'warning', /waits 5 s/, /to 0/, (_server, { job }) => (job!.quietPeriod = 5)],
    ['rights', 'failed', /no user alertmanager/, /--caller/, (_server, inside) => (inside.user = null)],
    [
      'rights',
      'failed',
      /is an administrator/,
      /Overall\/Read only/,
      (_server, { user }) => (user!.administers = true),
    ],
    ['rights', 'failed', /may not build/, /Job\/Build/, (_server, { user }) => (user!.builds = false)],
    ['rights', 'failed', /may configure/, /Take Job\/Configure/, (_server, { user }) => (user!.configures = true)],
    ['rights', 'failed', /no API token/, /Make one/, (_server, { user }) => (user!.tokens = 0)],
    [
      'rights',
      'warning',
      /sees 7 other jobs, such as shop/,
      /only, not everywhere/,
      (_server, { user }) => Object.assign(user!, { sees: ['shop'], seesMany: 7 }),
    ],
    ['anonymous', 'failed', /everybody reads/, /Anonymous/, (server) => (server.anonymousReads = true)],
    ['crumbs', 'warning', /none are wanted/, /Cross Site/, (server) => (server.crumbs = false)],
    ['hook tokens', 'warning', /there is none/, /notifyCommit/, (_server, inside) => (inside.hookTokens = 0)],
    [
      'root URL',
      'warning',
      /believes to be at http:\/\/wrong\.example\//,
      /X-Forwarded-Proto/,
      (_server, inside) => (inside.url = 'http://wrong.example/'),
    ],
    ['root URL', 'warning', /none is set/, /Enter http/, (_server, inside) => (inside.url = null)],
    ['agents', 'failed', /no agent has the label docker/, /--label/, (_server, inside) => (inside.agents = [])],
    [
      'agents',
      'failed',
      /docker-1 is offline \(ping\)/,
      /Start its process/,
      (_server, inside) => (inside.agents = [{ ...agent, online: false, reason: 'ping' }]),
    ],
    [
      'agents',
      'warning',
      /docker-1 well; docker-2 is offline/,
      /log/,
      (_server, { agents }) => agents!.push({ ...agent, name: 'docker-2', online: false }),
    ],
    [
      'agents',
      'failed',
      /Node\.js v18\.0\.0/,
      /Node\.js 20/,
      (_server, { agents }) => (agents![0]!.answer = 'node=v18.0.0\ndocker=26\n'),
    ],
    [
      'agents',
      'failed',
      /built-in node has no Node\.js; built-in node reaches no Docker/,
      /docker client/,
      (_server, { agents }) => Object.assign(agents![0]!, { name: '', answer: 'node=none\ndocker=none\n' }),
    ],
    [
      'agents',
      'unknown',
      /docker-1 gave no answer in time/,
      /Ask again/,
      (_server, { agents }) => (agents![0]!.answer = null),
    ],
    [
      'agents',
      'unknown',
      /no answer in time/,
      /Ask again/,
      (_server, { agents }) => (agents![0]!.answer = 'node=v20.0.0\ndocker=late\n'),
    ],
    [
      'library',
      'unknown',
      /could not be read: MissingProperty/,
      /plugins/,
      (_server, inside) => {
        delete inside.libraries;
        inside.problems.libraries = 'MissingPropertyException: No such property: org';
      },
    ],
  ];
  for (const [name, verdict, detail, remedy, change] of cases) {
    const checks = await look(await jenkins(t, change));
    t.match(checks[name], { verdict, detail, remedy }, `${name}: ${detail}`);
    const others = Object.values(checks).filter((check) => check.name !== name && check.verdict !== 'ok');
    const related = { job: ['concurrency', 'quiet period'] }[name] ?? [];
    t.same(
      others.filter((check) => !related.includes(check.name)),
      [],
      `${name}: ${detail}: no other`,
    );
  }
});

t.test('without an administrator what only he may know is not known, and never green', async (t) => {
  const server = await jenkins(t);
  const own = [
    'Java',
    'plugins',
    'library',
    'concurrency',
    'quiet period',
    'rights',
    'hook tokens',
    'root URL',
    'agents',
  ];
  const checks = await look(server, server.access('tester'));
  for (const name of own) t.match(checks[name], { verdict: 'unknown', remedy: /administrator/ }, name);
  for (const name of ['Jenkins', 'token', 'version', 'job', 'anonymous', 'crumbs'])
    t.equal(checks[name]!.verdict, 'ok', name);
  const stranger = await look(server, { url: server.url, user: '', token: '' });
  for (const name of [...own, 'token', 'job', 'crumbs']) t.equal(stranger[name]!.verdict, 'unknown', name);
  for (const name of ['Jenkins', 'version', 'anonymous']) t.equal(stranger[name]!.verdict, 'ok', name);
  const wrong = await look(server, { ...server.access('admin'), token: 'wrong' });
  t.match(wrong.token, { verdict: 'failed', detail: /401/, remedy: /new API token/ });
  for (const name of own) t.equal(wrong[name]!.verdict, 'unknown', name);
});

t.test('a script that is cut, odd, or not answered, makes nothing green', async (t) => {
  const texts = [
    '',
    'groovy.lang.MissingPropertyException: No such property\n\tat …',
    '{"java":',
    '{"java":17,"problems":{}}',
    '{"a":1}',
  ];
  for (const text of texts) {
    const checks = await look(await jenkins(t, (server) => (server.script = () => text)));
    t.match(checks.plugins, { verdict: 'unknown', detail: /script/ });
    t.equal(checks.agents!.verdict, 'unknown');
  }
  const start = performance.now();
  const slow = await look(
    await jenkins(t, (server) => (server.script = () => new Promise((resolve) => setTimeout(resolve, 4000, '')))),
  );
  t.ok(performance.now() - start < 3000);
  t.match(slow.plugins, { verdict: 'unknown', detail: /timeout/ });
  t.equal(slow.job!.verdict, 'ok', 'the others are known');
});

t.test('what is no Jenkins, asks for a login, or does not answer', async (t) => {
  const cases: [(server: JenkinsServer) => void, RegExp, RegExp][] = [
    [(server) => server.stop(), /no answer: .*ECONNREFUSED/, /Check the address/],
    [(server) => (server.jenkins = undefined), /no Jenkins/, /address/],
    [
      (server) =>
        server.faults.push(
          (_call, response) => !!response.writeHead(302, { location: 'https://id.example/authorize' }).end(),
        ),
      /login page at id\.example/,
      /API token/,
    ],
    [
      (server) => server.faults.push((_call, response) => !!response.writeHead(503).end('Jenkins is getting ready')),
      /503/,
      /address/,
    ],
    [
      (server) => server.faults.push((_call, response) => !!response.writeHead(200).end('<html>hello</html>')),
      /a page/,
      /address/,
    ],
    [(server) => (server.url = server.url.replace('http:', 'https:')), /does not speak TLS/, /http:/],
  ];
  for (const [change, detail, remedy] of cases) {
    const checks = await look(await jenkins(t, change));
    t.match(checks.Jenkins, { verdict: 'failed', detail, remedy });
    t.ok(Object.values(checks).every(({ name, verdict }) => name === 'Jenkins' || verdict === 'unknown'));
  }
  const made = await makeCertificate(['127.0.0.1']);
  const server = await new JenkinsServer().start(t, made);
  t.match((await look(server, server.access())).Jenkins, { verdict: 'failed', remedy: /--ca-file/ });
  t.equal((await look(server, { ...server.access(), authority: made.certificate })).Jenkins!.verdict, 'ok');
});

t.test(
  'the command: tokens from a file or the environment, exit code 8 with the findings, wrong options',
  async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-doctor-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const server = await jenkins(t, (_server, { user }) => (user!.configures = true));
    const { user, token, url } = server.access('admin');
    writeFileSync(path.join(folder, 'token'), `${token}\n`);
    const values = { ...settings, jenkins: url, user, tokenFile: 'token', json: true };
    const context = { ...realContext(), cwd: folder };
    const error = await failureOf(command.run(context, values));
    t.match(error, { code: 'DOCTOR_FOUND', exit: 8, evidence: [/rights: alertmanager may configure service-scale/] });
    t.equal(context.masker(token), '****');
    const env = { HOMEOSTAT_JENKINS_USER: user, HOMEOSTAT_JENKINS_TOKEN: token };
    server.script = () => JSON.stringify(well(url));
    t.match((await command.run({ ...context, env }, { ...settings, jenkins: url, json: true })).summary, '15 well');
    for (const wrong of [
      { tokenFile: 'none' },
      { caFile: 'token' },
      { caFile: 'none' },
      { jenkins: 'ci' },
      { jenkins: 'https://a:secret@ci/' },
      { fix: true },
    ]) {
      const refused = await failureOf(command.run(context, { ...values, ...wrong }));
      t.match(refused, { code: 'USAGE_INVALID', exit: 2 });
      t.notMatch(refused.message, /secret/);
    }
  },
);

t.test('versions, by the numbers with which they begin', async (t) => {
  t.same(leadingNumbers('2.2277.v00573e73ddf1'), [2, 2277]);
  t.same(leadingNumbers('1559.va_a_533730b_ea_d'), [1559]);
  t.same(leadingNumbers('3.2.9-rc1'), [3, 2, 9]);
  t.same(leadingNumbers(''), []);
  for (const [version, wanted] of [
    ['2.528.2', '2.528'],
    ['2.530', '2.528.2'],
    ['1560.v1', '1559.vff'],
    ['5.10.0', '5.9.1'],
  ] as const)
    t.ok(reaches(version, wanted));
  for (const [version, wanted] of [
    ['2.528.1', '2.528.2'],
    ['2.528', '2.528.2'],
    ['1558.v9', '1559'],
    ['', '1'],
  ] as const)
    t.notOk(reaches(version, wanted));
});

t.test('what the script was seen to print is what is read', async (t) => {
  const read = readInside(`Result of a plugin\n${JSON.stringify(printed)}\n`);
  t.same(read, { document: printed });
});
