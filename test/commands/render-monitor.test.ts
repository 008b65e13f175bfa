import { execFile } from 'node:child_process';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { runCommandLine } from '../../runner/commands/cli';
import { testContext } from '../common/support';

const run = promisify(execFile);

const shop = `
services:
  web:
    image: shop
    deploy:
      labels:
        com.df.notify: 'true'
        com.df.scrapePort: 8080
        com.df.alertName: memory
        com.df.alertIf: '@service_mem_limit:0.8'
        com.df.alertName.1: orders
        com.df.alertIf.1: 'rate(orders_total{job="shop_web",code=~"^5..$$"}[5m]) > 1'
`;

async function command(name: string, cwd: string, args: string[], env = {}) {
  const context = testContext({ cwd, env });
  let stdout = '';
  const code = await runCommandLine([name, ...args], {
    ...context,
    stdout: { write: (text: string) => (stdout += text) },
  });
  return { code, stdout, stderr: context.told() };
}

t.test('what is wrong with alerts ends with exit code 2 and its place, and nothing is written', async (t) => {
  const cwd = t.testdir({
    'shop.yml': shop
      .replace('@service_mem_limit:0.8', '@service_mem_limt:0.8')
      .replace('[5m])', '[5m]')
      .concat('        com.df.alertName.2: a\n        com.df.alertIf.2: up\n        com.df.alertFor.2: 5 minutes\n'),
  });
  const lint = await command('labels', cwd, ['shop.yml']);
  t.equal(lint.code, 2);
  t.match(
    lint.stderr,
    /shop\.yml:10 error: com\.df\.alertIf has the shortcut '@service_mem_limt'.*did you mean '@service_mem_limit'/,
  );
  t.match(lint.stderr, /shop\.yml:12 error: com\.df\.alertIf\.1 does not parse/);
  t.match(lint.stderr, /shop\.yml:15 error: com\.df\.alertFor\.2 is '5 minutes'/);
  const { code, stdout } = await command('render', cwd, ['prometheus', '-f', 'shop.yml', '--output', 'out']);
  t.equal(code, 2);
  t.equal(stdout, '');
  t.notOk(existsSync(path.join(cwd, 'out')));
});

t.test('a folder is written that promtool takes wherever it lies, without any password', async (t) => {
  const cwd = t.testdir({
    'shop.yml': shop,
    secrets: { scrape_x: '- job_name: x\n  basic_auth: { username: a, password: hunter2 }\n' },
  });
  const env = {
    REMOTE_WRITE_1__URL: 'http://ann:hunter2@far/write',
    ARG_ALERTMANAGER_URL: 'http://ann:hunter2@other:9093',
    CONFIGS_DIR: 'secrets',
  };
  const { code, stdout, stderr } = await command(
    'render',
    cwd,
    ['prometheus', '-f', 'shop.yml', '--output', 'out/m'],
    env,
  );
  t.equal(code, 0, stderr);
  t.match(stdout, /5 files for 2 alerts in out\/m/);
  const moved = path.join(cwd, 'elsewhere');
  renameSync(path.join(cwd, 'out/m'), moved);
  const { stderr: said } = await run('promtool', ['check', 'config', path.join(moved, 'prometheus.yml')], { cwd: '/' });
  t.notMatch(said, /FAILED|WARNING/);
  for (const name of ['prometheus.yml', 'rules/shop_web.yml', 'targets/services.json', 'credentials/controller'])
    t.notMatch(readFileSync(path.join(moved, name), 'utf8'), 'hunter2', name);
  t.match(JSON.parse(readFileSync(path.join(moved, 'targets/services.json'), 'utf8')), [
    { targets: ['tasks.shop_web:8080'], labels: { job: 'shop_web' } },
  ]);
  const json = await command('render', cwd, ['prometheus', '-f', 'shop.yml', '--json'], env);
  t.match(JSON.parse(json.stdout), { alerts: [{ alert: 'shop_web_memory' }, { alert: 'shop_web_orders' }] });
  t.notMatch(json.stdout, 'hunter2');
});

t.test('the rules alone; wrong settings and a file that is not there are told', async (t) => {
  const cwd = t.testdir({ 'shop.yml': shop });
  const { code, stdout } = await command('render', cwd, ['rules', '-f', 'shop.yml', '--output', 'rules']);
  t.equal(code, 0);
  t.match(stdout, /2 files for 2 alerts/);
  await run('promtool', [
    'check',
    'rules',
    path.join(cwd, 'rules/shop_web.yml'),
    path.join(cwd, 'rules/homeostat.yml'),
  ]);
  const setting = await command('render', cwd, ['rules', '-f', 'shop.yml'], { GLOBAL__SCRAPE_INTERVAL: 'often' });
  t.equal(setting.code, 2);
  t.match(setting.stderr, /global\.scrape_interval is 'often'/);
  const file = await command('render', cwd, ['rules', '-f', 'shop.yml'], { HOMEOSTAT_MONITOR_CONFIGURATION: 'no.yml' });
  t.equal(file.code, 2);
  t.match(file.stderr, /HOMEOSTAT_MONITOR_CONFIGURATION names cannot be read/);
});
