import path from 'node:path';
import t, { type Test } from 'tap';
import { runCommandLine } from '../../runner/commands/cli';
import { testContext } from '../common/support';
import { amtool, jobEnvironment } from './support';

const stack = `
services:
  web:
    image: shop
    deploy:
      labels:
        - com.df.notify=true
        - com.df.port=8080
        - com.df.servicePath=/shop
        - com.df.scaleMax=4
        - com.df.scaleCooldownUp=3m
  plain:
    image: plain
    deploy:
      labels: [com.df.notify=true]
`;

const settings = `
job: { url: https://jenkins.example/ci, user: alertmanager, tokenFile: /run/secrets/job }
receivers:
  - name: hook
    webhook_configs: [{ url: 'https://hooks.example/hunter2', http_config: { proxy_url: 'http://u:hunter2@proxy' } }]
routes:
  - { matchers: ['team="pay"'], receiver: hook }
`;

async function render(t: Test, files: Record<string, string>, args: string[], env: Record<string, string> = {}) {
  const cwd = t.testdir(files);
  const context = testContext({ cwd, env });
  let stdout = '';
  const code = await runCommandLine(['render', 'alertmanager', ...args], {
    ...context,
    stdout: { write: (text: string) => (stdout += text) },
  });
  return { code, stdout, stderr: context.told(), cwd };
}

t.test('wrong settings and wrong labels end with exit code 2, and all are named', async (t) => {
  const files = { 'shop.yml': stack, 'alerting.yml': 'job: { urll: x }\nrepeat: { up: soon }\n' };
  const wrong = await render(t, files, ['-f', 'shop.yml'], { HOMEOSTAT_ALERTING_FILE: 'alerting.yml' });
  t.equal(wrong.code, 2);
  t.match(wrong.stderr, /alerting\.yml: job\.urll is not known \(did you mean 'job\.url'\?\)/);
  t.match(wrong.stderr, /alerting\.yml: repeat\.up is 'soon'; allowed is a time/);
  const missing = await render(t, files, ['-f', 'shop.yml'], { HOMEOSTAT_ALERTING_FILE: 'gone.yml' });
  t.equal(missing.code, 2);
  t.match(missing.stderr, /HOMEOSTAT_ALERTING_FILE/);
  const labels = await render(t, { 'shop.yml': stack.replace('scaleMax=4', 'scaleMax=many') }, ['-f', 'shop.yml']);
  t.equal(labels.code, 2);
  t.match(labels.stderr, /scaleMax/);
});

t.test('files that amtool takes wherever they lie, without secrets', async (t) => {
  const files = {
    'shop.yml': stack,
    'alerting.yml': settings,
    templates: { 'team.tmpl': '{{ define "x" }}x{{ end }}' },
  };
  const env = { HOMEOSTAT_ALERTING_FILE: 'alerting.yml', HOMEOSTAT_ALERTING_TEMPLATES: 'templates' };
  const { code, stdout, stderr, cwd } = await render(
    t,
    files as never,
    ['-f', 'shop.yml', '--output', 'out', '--json'],
    env,
  );
  t.equal(code, 0, stderr);
  t.notMatch(stdout, /hunter2/);
  t.match(JSON.parse(stdout), {
    files: ['alertmanager.yml', 'templates/homeostat.tmpl', 'templates/team.tmpl'],
    destinations: { 'homeostat/scale/shop_web/up': 'job service-scale, up', hook: 'hook' },
  });
  const file = path.join(cwd, 'out/alertmanager.yml');
  const checked = await amtool('check-config', file);
  t.equal(checked.code, 0, checked.text);
  const route = ['config', 'routes', 'test', `--config.file=${file}`, 'receiver=system', 'scale=up'];
  t.match((await amtool(...route, 'service=shop_web')).stdout, /^homeostat\/scale\/shop_web\/up/);
  t.notMatch((await amtool(...route, 'service=shop_plain')).stdout, /homeostat\/scale/);
});

t.test('on standard output it is the configuration itself', async (t) => {
  const { code, stdout, stderr } = await render(t, { 'shop.yml': stack }, ['-f', 'shop.yml'], jobEnvironment);
  t.equal(code, 0, stderr);
  t.match(stdout, /^templates:\n/);
  t.match(stdout, /repeat_interval: 3m\n/);
  t.match(stdout, /password_file: \/run\/secrets\/job-token/);
});
