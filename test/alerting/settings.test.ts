import t from 'tap';
import { alertingSettings, alertingVariables, defaultAlertingSettings } from '../../runner/alerting/settings';
import { withoutSecrets } from '../../runner/alerting/redact';

const problemsOf = (env: Record<string, string>, text = '') =>
  alertingSettings(env, { name: 'a.yml', text }).problems.map(({ message }) => message);

t.test('a wrong value is a problem with key, value and what is allowed, and the default stays', async (t) => {
  const { settings, problems } = alertingSettings(
    {
      HOMEOSTAT_ALERTING_JOB_URL: 'ftp://jenkins',
      HOMEOSTAT_ALERTING_REPEAT_UP: 'often',
      HOMEOSTAT_ALERTING_SLACK_CHANNEL: '#a b',
      HOMEOSTAT_ALERTING_JOB_TOKEN_FILE: 'secret-word',
    },
    { name: 'a.yml', text: 'repeat: { down: 0s, pepole: 4h }\nslack: [x]\nexternalUrl: { a: 1 }\n' },
  );
  t.same(
    problems.map(({ message }) => message),
    [
      "a.yml: repeat.pepole is not known (did you mean 'repeat.people'?)",
      'a.yml: slack is not known',
      "a.yml: externalUrl.a is not known (did you mean 'externalUrl'?)",
      "HOMEOSTAT_ALERTING_JOB_URL is 'ftp://jenkins'; allowed is an http or https address without user, password, ? and #",
      'HOMEOSTAT_ALERTING_JOB_TOKEN_FILE is something else; allowed is the absolute path of a file',
      "HOMEOSTAT_ALERTING_SLACK_CHANNEL is '#a b'; allowed is a channel, such as #alerts",
      "HOMEOSTAT_ALERTING_REPEAT_UP is 'often'; allowed is a time from 1s to 7d, such as 90s, 5m or 4h",
      "a.yml: repeat.down is '0s'; allowed is a time from 1s to 7d, such as 90s, 5m or 4h",
    ],
  );
  t.same(settings, defaultAlertingSettings);
});

t.test('an address with a secret in it is refused', async (t) => {
  for (const url of [
    'http://u:p@jenkins',
    'https://jenkins/?token=x',
    'http://jenkins/#x',
    'http://j/{{.}}',
    'jenkins',
  ])
    t.match(problemsOf({ HOMEOSTAT_ALERTING_JOB_URL: url })[0], /allowed is an http or https address/, url);
});

t.test('the environment wins over the file, and what is wrong there leaves the file', async (t) => {
  const text = 'job: { url: "http://a/jenkins/", user: file }\nrepeat: { up: 2m, down: 90 }\n';
  const env = { HOMEOSTAT_ALERTING_JOB_USER: 'env', HOMEOSTAT_ALERTING_REPEAT_UP: 'x' };
  const { settings, problems } = alertingSettings(env, { name: 'a.yml', text });
  t.match(settings.job, { url: 'http://a/jenkins', name: 'service-scale', user: 'env' });
  t.match(settings.repeat, { up: 120_000, down: 90_000 });
  t.equal(problems.length, 1);
});

t.test('each key has a variable', async (t) => {
  t.equal(alertingVariables['job.tokenFile'], 'HOMEOSTAT_ALERTING_JOB_TOKEN_FILE');
  t.equal(alertingVariables['slack.channels.critical'], 'HOMEOSTAT_ALERTING_SLACK_CHANNELS_CRITICAL');
});

t.test('a file that is no YAML, or too much of it', async (t) => {
  t.match(problemsOf({}, 'a: [1\nb: {')[0], /^a\.yml is not valid YAML at \d+:\d+: /);
  t.match(problemsOf({}, '- a\n')[0], /is not made of keys and values/);
  const aliases = Array.from(
    { length: 12 },
    (_, n) =>
      `a${n}: &a${n} [${Array(9)
        .fill(n ? `*a${n - 1}` : 'x')
        .join()}]`,
  );
  t.match(problemsOf({}, aliases.join('\n'))[0], /is not valid YAML: .*alias/i);
});

t.test('own parts that cannot be had are named and left out, the others stay', async (t) => {
  const text = `
receivers:
  - name: homeostat/people
  - name: pager
    pagerduty_configs: [{ service_key: hunter2 }]
  - name: hook
    webhook_configs: [{ url: 'http://hook/hunter2', http_config: { basic_auth: { password: hunter2 } } }]
  - name: chat
    slack_configs: [{ api_url: 'https://hooks.slack.com/hunter2' }]
  - name: bot
    slack_configs: [{ api_url: 'https://slack.com/api/chat.postMessage' }]
  - name: bot
  - name: other
    web_config: []
  - 7
routes:
  - { matchers: ['team="a"'], receiver: bto }
  - { matchers: ['team="a'], receiver: bot }
  - { matchers: ['team=~"(a"'], receiver: bot }
  - { matcher: [], receiver: bot }
  - { receiver: bot, group_wait: 5 minutes }
  - { receiver: bot, mute_time_intervals: [nights] }
  - { receiver: bot, continue: sometimes }
  - { matchers: ['team="a"'] }
  - { receiver: bot, routes: [{ receiver: nobody }] }
  - { matchers: ['team="a"'], receiver: bot, continue: true }
inhibitRules:
  - { source_matchers: [a], target_matchers: ['b="c"'] }
  - { source_matchers: ['a="b"'], target_matchers: ['b="c"'], equals: [d] }
  - { source_matchers: ['a="b"'], target_matchers: ['b="c"'], equal: [d] }
timeIntervals: nights
`;
  const { settings, problems } = alertingSettings({}, { name: 'a.yml', text });
  t.same(settings.own, {
    routes: [{ matchers: ['team="a"'], receiver: 'bot', continue: true }],
    receivers: [{ name: 'bot', slack_configs: [{ api_url: 'https://slack.com/api/chat.postMessage' }] }],
    inhibitRules: [{ source_matchers: ['a="b"'], target_matchers: ['b="c"'], equal: ['d'] }],
    timeIntervals: [],
  });
  const messages = problems.map(({ message }) => message.replace('a.yml: ', ''));
  t.notMatch(messages.join('\n'), /hunter2/);
  for (const part of [
    'timeIntervals is no list',
    'receivers.7 is not made of keys and values',
    'receivers.0.name begins with homeostat/, as names of the system do',
    "receivers.5.name is 'bot', as of another one",
    'pagerduty_configs.0.service_key holds a secret; use service_key_file',
    'webhook_configs.0.http_config.basic_auth.password holds a secret; use password_file',
    'slack_configs.0.api_url holds a secret; use api_url_file',
    'web_config is no kind of notification',
    "routes.0.receiver is 'bto', which there is not (did you mean 'bot'?)",
    'routes.1.matchers is no list of matchers, such as service="shop_main"',
    'routes.2.matchers is no list of matchers',
    "routes.3.matcher is not known (did you mean 'matchers'?)",
    'routes.4.group_wait is no duration; write for example 30s, 5m or 4h',
    "routes.5.mute_time_intervals names 'nights', which is not in timeIntervals",
    'routes.6.continue is not true or false',
    'routes.7 has no receiver',
    "routes.8.routes.0.receiver is 'nobody', which there is not",
    'inhibitRules.0.source_matchers is no list of matchers',
    "inhibitRules.1.equals is not known (did you mean 'equal'?)",
  ])
    t.ok(
      messages.some((message) => message.includes(part)),
      part,
    );
});

t.test('what an own receiver could hold as a secret is hidden where it is shown', async (t) => {
  const text = `
receivers:
  - name: hook
    webhook_configs: [{ url: 'http://hook/hunter2', send_resolved: true }]
    telegram_configs: [{ bot_token: 'hunter2', chat_id: 7, parse_mode: '' }]
    pushover_configs: [{ user_key: hunter2, token: hunter2 }]
    slack_configs: [{ api_url_file: /run/secrets/slack }]
`;
  const { settings } = alertingSettings({}, { name: 'a.yml', text });
  const shown = JSON.stringify(withoutSecrets(settings));
  t.notMatch(shown, /hunter2/);
  t.match(shown, /"send_resolved":true/);
  t.match(shown, /"chat_id":7/);
  t.match(shown, /\/run\/secrets\/slack/);
});
