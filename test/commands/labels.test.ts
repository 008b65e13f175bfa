import path from 'node:path';
import t from 'tap';
import { runCommandLine } from '../../runner/commands/cli';
import { testContext } from '../common/support';

const fixtures = path.join(__dirname, '../fixtures/labels');

async function labels(args: string[], env = {}, cwd = fixtures) {
  const context = testContext({ cwd, env });
  let stdout = '';
  const code = await runCommandLine(['labels', ...args], {
    ...context,
    stdout: { write: (text: string) => (stdout += text) },
  });
  return { code, stdout, stderr: context.told() };
}

t.test(
  'errors of all files end with exit code 2, each with file, line, label, value and what is allowed',
  async (t) => {
    const cwd = t.testdir({ 'broken.yml': 'services: {' });
    const { code, stdout, stderr } = await labels(
      [path.join(fixtures, 'mistakes.yml'), 'broken.yml', 'gone.yml'],
      {},
      cwd,
    );
    t.equal(code, 2);
    t.match(stderr, /^error LABELS_INVALID: 10 errors in the labels of 3 files$/m);
    t.match(stderr, /mistakes\.yml:11 error: com\.df\.port is '80a'; it must be a whole number from 1 to 65535/);
    t.match(stderr, /^ {2}\| broken\.yml:1:\d+ error: is not valid YAML/m);
    t.match(stderr, /^ {2}\| gone\.yml error: cannot be read: there is no such file/m);
    t.match(
      stdout,
      /mistakes\.yml:9 warning: com\.df\.servicePaht is not known \(did you mean 'com\.df\.servicePath'\?\)/,
    );
    t.notMatch(stdout + stderr, 'hunter2');
  },
);

t.test('with --json there is one document with everything, also where there are errors', async (t) => {
  const { code, stdout } = await labels(['mistakes.yml', '--json']);
  t.equal(code, 2);
  const { error } = JSON.parse(stdout) as { error: Record<string, unknown> };
  t.match(error, {
    code: 'LABELS_INVALID',
    errors: 8,
    warnings: 5,
    services: [{ name: 'mistakes_web', takesPart: true }],
  });
  t.notMatch(stdout, 'hunter2');
});

t.test('the alerts of a service that is left out are judged too, so that all is told at once', async (t) => {
  const cwd = t.testdir({
    'shop.yml': `services:
  web:
    deploy:
      labels:
        com.df.notify: "true"
        com.df.port: 80a
        com.df.alertName: odd
        com.df.alertIf: sum(rate(x[5m]) by (y
`,
  });
  const { code, stdout, stderr } = await labels(['shop.yml'], {}, cwd);
  t.equal(code, 2);
  t.match(stderr, /shop\.yml:6 error: com\.df\.port is '80a'/);
  t.match(stderr, /shop\.yml:8 error: com\.df\.alertIf does not parse/);
  t.match(stdout, /^shop_web {2}shop\.yml:2 {2}left out, for a label is wrong$/m);
});

t.test('warnings are told and are no failure', async (t) => {
  const { code, stdout, stderr } = await labels(['old-compose.yml', 'admin.yml']);
  t.equal(code, 0);
  t.equal(stderr, '');
  t.match(stdout, /old-compose\.yml:8 warning: com\.df\.notify is a label of the container/);
  t.match(stdout, /old-compose\.yml:18 warning: com\.df\.alertName has no effect: the service does not take part/);
  t.match(stdout, /admin\.yml:22 warning: com\.df\.setHeader is a name of old/);
  t.match(stdout, /3 services \(1 for the proxy or the monitor\), 0 errors, 8 warnings/);
});

t.test('a person reads routes, metrics, alerts and limits; secrets are nowhere', async (t) => {
  const { stdout } = await labels(['bookshop.yml', 'data.yml', 'portal.yml'], { BASE_PATH: '/books' });
  t.match(stdout, /^bookshop_main {2}bookshop\.yml:6$/m);
  t.match(stdout, /^ {2}route +any domain \/books +→ :8080$/m);
  t.match(stdout, /^ {2}metrics +:8080\/metrics$/m);
  t.match(stdout, /^ {2}alert +mem_limit +for 30s +@service_mem_limit:0\.8$/m);
  t.match(stdout, /^ {2}replicas +2 to 6$/m);
  t.match(stdout, /^ {2}route +tcp :6379 +→ :6379$/m);
  t.match(stdout, /^ {2}route +admin\.example\.com \/ +→ :8082 +HTTPS only, from 10\.0\.0\.0\/8, local$/m);
  const json = await labels(['admin.yml', '--json']);
  t.match(JSON.parse(json.stdout), {
    services: [{ description: { proxy: { users: [{ name: 'alice', password: '***' }] } } }],
  });
  t.notMatch(json.stdout, 'wonderland');
});

t.test('prefix, notify label and separator are options', async (t) => {
  const cwd = t.testdir({
    'shop.yml': `services:
  web:
    deploy:
      labels:
        - acme.port=80
        - acme.servicePath=/a;/b
`,
  });
  const options = ['--prefix', 'acme.', '--notify-label', 'com.docker.stack.namespace', '--separator', ';'];
  const { stdout } = await labels(['shop.yml', ...options], {}, cwd);
  t.match(stdout, /route +any domain \/a, \/b +→ :80/);
  t.match((await labels(['shop.yml', '--prefix', 'acme.'], {}, cwd)).stdout, /without acme\.notify=true/);
});

t.test('without a file there is nothing to check', async (t) => {
  t.match(await labels([]), { code: 2, stderr: /--files is required/ });
});

t.test('no text of a file drives the terminal', async (t) => {
  const cwd = t.testdir({
    'shop.yml': 'services:\n  web:\n    deploy:\n      labels: {com.df.notify: "true", "com.df.\\e[31mx": "1"}\n',
  });
  const { stdout } = await labels(['shop.yml'], {}, cwd);
  t.notMatch(stdout, '\u001b');
});
