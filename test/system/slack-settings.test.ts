import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { slackSettings, withSecrets } from '../../runner/system/slack-settings';
import { systemSchema } from '../../runner/system/system-file';
import { resource } from '../../runner/common/resources';
import { failureOf, testContext } from '../common/support';

function folderOf(t: Test): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-system-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const system = { ...systemSchema.parse({}), engine: 'embedded' as const, folder: '/' };
const token = 'xoxb-0123456789-secret';
const content = resource('resources/stacks/controller.yml');

t.test('a token without a channel is refused, with what to do', async (t) => {
  const error = await failureOf(() => slackSettings(folderOf(t), system, testContext({ env: { SLACK_TOKEN: token } })));
  t.match(error, { code: 'USAGE_INVALID', remedy: /SLACK_CHANNEL/ });
});

t.test('without a token nothing is set up, and the stack file stays as it is', async (t) => {
  const settings = await slackSettings(folderOf(t), system, testContext({ env: { SLACK_CHANNEL: 'C1' } }));
  t.same(settings, { environment: {}, controller: [], alertmanager: [] });
  t.equal(withSecrets(content, 'controller', settings.controller), content);
});

t.test('what was given once is kept, as a secret of the controller and nowhere else', async (t) => {
  const folder = folderOf(t);
  const given = { SLACK_TOKEN: `${token}\n`, SLACK_CHANNEL: 'C1', HOMEOSTAT_SLACK_SIGNING_SECRET: 'signed' };
  const first = await slackSettings(folder, system, testContext({ env: given }));
  const later = await slackSettings(folder, system, testContext({ env: {} }));
  t.same(later, first);
  t.match(first.environment, { HOMEOSTAT_SLACK_CHANNEL: 'C1', HOMEOSTAT_ALERTING_SLACK_CHANNEL: 'C1' });
  const monitor = withSecrets(resource('resources/stacks/monitor.yml'), 'alertmanager', first.alertmanager);
  t.match(
    (parse(monitor) as { services: { alertmanager: { secrets: object[] } } }).services.alertmanager.secrets.at(-1),
    { target: path.basename(first.environment.HOMEOSTAT_ALERTING_SLACK_TOKEN_FILE!) },
    'Alertmanager finds the token where its configuration says',
  );
  t.equal(readFileSync(path.join(folder, 'slack-token'), 'utf8'), token);
  t.equal(statSync(path.join(folder, 'slack-token')).mode & 0o077, 0);
  const text = withSecrets(content, 'controller', first.controller);
  t.notMatch(text, token);
  const stack = parse(text) as {
    services: { controller: { secrets: { source: string; target: string; mode: number }[] } };
    secrets: Record<string, { file: string; name: string }>;
  };
  const targets = stack.services.controller.secrets.map(({ target }) => target);
  t.match(targets, ['agent-token', 'reader-token', 'writer-token']);
  t.same(targets.slice(-2), ['dfp_homeostat_slack_token', 'dfp_homeostat_slack_signing_secret']);
  t.ok(
    stack.services.controller.secrets.every(({ mode }) => mode === 0o400),
    'and nobody else may read any of them',
  );
  t.match(stack.secrets.dfp_homeostat_slack_token, {
    file: './slack-token',
    name: /^homeostat-controller-slack-token-[0-9a-f]{12}$/,
  });
  const changed = await slackSettings(folder, system, testContext({ env: { SLACK_TOKEN: 'xoxb-another' } }));
  t.not(changed.controller[0]?.hash, first.controller[0]?.hash, 'another token is another secret');
});
