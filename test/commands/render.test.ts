import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { runCommandLine } from '../../runner/commands/cli';
import { testContext } from '../common/support';
import { authority, certificateFor } from '../proxy/certificates';

const run = promisify(execFile);

const shop = `
services:
  web:
    image: shop
    healthcheck: { test: curl -f http://localhost:8080/health }
    deploy:
      replicas: 2
      update_config: { order: start-first }
      labels:
        com.df.notify: 'true'
        com.df.port: 8080
        com.df.serviceDomain: shop.example.com,*.shop.example.com
        com.df.scaleMax: 6
        com.df.users: ann:hunter2
        com.df.usersSecret: more
        com.df.setReqHeader: 'X-Api-Token hunter2,X-Plain shown'
  admin:
    image: admin
    deploy:
      labels:
        - com.df.notify=true
        - com.df.port=80
        - com.df.servicePath=/admin
        - com.df.users=bob:$$6$$hunter2$$abcdefghijklmnopqrstuvwxyz
        - com.df.usersPassEncrypted=true
        - com.df.allowFrom=local,10.0.0.0/8
        - com.df.maintenance=true
`;

/** Runs `homeostat render` in a folder with stack files. */
async function render(cwd: string, args: string[], env = {}) {
  const context = testContext({ cwd, env });
  let stdout = '';
  const code = await runCommandLine(['render', ...args], {
    ...context,
    stdout: { write: (text: string) => (stdout += text) },
  });
  return { code, stdout, stderr: context.told() };
}

t.test('every wrong label of every file ends with exit code 2, and nothing is written', async (t) => {
  const cwd = t.testdir({
    'a.yml':
      'services:\n  web:\n    deploy:\n      labels: [com.df.notify=true, com.df.port=80a, com.df.servicePath=/a]\n',
    'b.yml':
      'services:\n  web:\n    deploy:\n      labels: [com.df.notify=true, com.df.port=80, com.df.servicePath=/b, com.df.weight=x]\n',
  });
  const { code, stdout, stderr } = await render(cwd, ['haproxy', '-f', 'a.yml', '--file', 'b.yml', '--output', 'out']);
  t.equal(code, 2);
  t.equal(stdout, '');
  t.match(stderr, /a\.yml:4.*com\.df\.port is '80a'/);
  t.match(stderr, /b\.yml:4.*com\.df\.weight is 'x'/);
  t.notOk(existsSync(path.join(cwd, 'out')));
});

t.test('a route that two services claim, a wrong setting, an unknown engine and a missing file are told', async (t) => {
  const cwd = t.testdir({ 'a.yml': shop, 'b.yml': shop });
  const twice = await render(cwd, ['haproxy', '-f', 'a.yml', '-f', 'b.yml']);
  t.equal(twice.code, 2);
  t.match(twice.stderr, /b_admin: route \*\/admin belongs to a_admin/);
  const setting = await render(cwd, ['haproxy', '-f', 'a.yml'], { TIMEOUT_SERVER: 'soon' });
  t.equal(setting.code, 2);
  t.match(setting.stderr, /TIMEOUT_SERVER is 'soon'/);
  for (const args of [['nginx', '-f', 'a.yml'], ['haproxy'], ['haproxy', '-f', 'gone.yml'], ['-f', 'a.yml']])
    t.equal((await render(cwd, args)).code, 2, args.join(' '));
});

t.test('the configuration is printed, without any password', async (t) => {
  const cwd = t.testdir({ 'shop.yml': shop });
  const { code, stdout, stderr } = await render(cwd, ['haproxy', '-f', 'shop.yml'], {
    USERS: 'all:hunter2',
    STATS_USER: 'admin',
    STATS_PASS: 'hunter2',
  });
  t.equal(code, 0, stderr);
  t.match(stdout, /^# What the labels .* passwords are shown as \*\*\*/);
  t.match(stdout, /server-template task 12 tasks\.shop_web:8080 check .*port 8080/);
  t.match(stdout, /http-check send meth GET uri "\/health"/);
  t.match(stdout, /user "ann" insecure-password "\*\*\*"/);
  t.match(stdout, /set-header "X-Plain" "shown"/);
  t.notMatch(stdout + stderr, 'hunter2');
  const json = await render(cwd, ['haproxy', '-f', 'shop.yml', '--json']);
  t.match(JSON.parse(json.stdout), {
    routes: [{ service: 'shop_admin' }, {}, {}],
    files: { 'maps/http-80.map': /shop\.example\.com\// },
  });
  t.notMatch(json.stdout, 'hunter2');
});

t.test('a folder is written that HAProxy takes wherever it lies', async (t) => {
  const cwd = t.testdir({ 'shop.yml': shop });
  const { code, stdout } = await render(cwd, ['haproxy', '-f', 'shop.yml', '--output', 'out/proxy']);
  t.equal(code, 0);
  t.match(stdout, /\d files for 3 routes in out\/proxy/);
  const moved = path.join(cwd, 'elsewhere');
  renameSync(path.join(cwd, 'out/proxy'), moved);
  const { stderr } = await run('haproxy', ['-c', '-f', path.join(moved, 'haproxy.cfg')], { cwd: '/' });
  t.notMatch(stderr, /WARNING|ALERT/);
  const texts = readdirSync(moved, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  t.ok(texts.length >= 5);
  for (const { parentPath, name } of texts)
    t.notMatch(readFileSync(path.join(parentPath, name), 'utf8'), 'hunter2', name);
});

t.test('only what was written before is replaced', async (t) => {
  const cwd = t.testdir({
    'shop.yml': shop,
    'none.yml': 'services: { web: { image: x } }\n',
  });
  const out = path.join(cwd, 'out');
  const write = (file: string) => render(cwd, ['haproxy', '-f', file, '--output', 'out']);
  t.equal((await write('shop.yml')).code, 0);
  t.ok(existsSync(path.join(out, 'maps/local.lst')));
  t.equal((await write('none.yml')).code, 0);
  t.notOk(existsSync(path.join(out, 'maps/local.lst')), 'what is no longer needed is gone');
  writeFileSync(path.join(out, 'mine.txt'), 'mine');
  const refused = await write('shop.yml');
  t.equal(refused.code, 2);
  t.match(refused.stderr, /mine\.txt/);
  t.equal(readFileSync(path.join(out, 'mine.txt'), 'utf8'), 'mine');
  const linked = path.join(cwd, 'linked');
  mkdirSync(linked);
  symlinkSync('/etc', path.join(linked, 'maps'));
  t.equal((await render(cwd, ['haproxy', '-f', 'shop.yml', '--output', 'linked'])).code, 2, 'a link is none of ours');
  t.equal((await render(cwd, ['haproxy', '-f', 'shop.yml', '--output', 'shop.yml'])).code, 2, 'nor is a file a folder');
});

t.test('a certificate in a label is left out, with its key', async (t) => {
  const pem = certificateFor(t, authority(t), 'shop.example.com');
  const label = `        com.df.serviceCert: ${JSON.stringify(pem)}\n`;
  const cwd = t.testdir({ 'shop.yml': shop.replace('        com.df.scaleMax', `${label}        com.df.scaleMax`) });
  const { code, stdout, stderr } = await render(cwd, ['haproxy', '-f', 'shop.yml', '--json']);
  t.equal(code, 0, stderr);
  t.notMatch(stdout + stderr, 'PRIVATE KEY');
  t.notMatch(stdout, /ssl crt-list/);
});
