import path from 'node:path';
import t from 'tap';
import { receiversOf } from '../../runner/alerting/receivers-of';
import { amtool, folderFor, jobEnvironment, render, scaled, settingsOf, writeFiles } from './support';

const own = `
receivers: [{ name: team }, { name: audit }]
routes:
  - { matchers: ['receiver="system"'], receiver: audit, continue: true }
  - { match: { team: pay }, match_re: { service: 'pay_.*' }, receiver: team }
  - { matchers: ['service=~"stop_.+"', 'severity!~"critical|info"'], receiver: homeostat/people/info }
`;

const people = 'homeostat/people';
const none = 'homeostat/none';
const system = { receiver: 'system' };

/** What an alert's labels are, and who gets it. */
const cases: [string, Record<string, string>, string[]][] = [
  ['nothing said', {}, [people]],
  ['critical', { service: 'shop_main', severity: 'critical' }, [`${people}/critical`]],
  ['warning', { service: 'shop_main', severity: 'warning' }, [`${people}/warning`]],
  ['info', { service: 'shop_main', severity: 'info' }, [`${people}/info`]],
  ['a severity of one’s own', { severity: 'page' }, [people]],
  [
    'scales up',
    { ...system, service: 'shop_main', scale: 'up', type: 'service', severity: 'warning' },
    ['homeostat/scale/shop_main/up', 'audit', none],
  ],
  [
    'scales down',
    { ...system, service: 'shop_main', scale: 'down', type: 'service' },
    ['homeostat/scale/shop_main/down', 'audit', none],
  ],
  [
    'scales without a type, as labels of users are',
    { ...system, service: 'shop_main', scale: 'up' },
    ['homeostat/scale/shop_main/up', 'audit', none],
  ],
  [
    'scales, and is critical: people hear of it too',
    { ...system, service: 'shop_main', scale: 'up', severity: 'critical' },
    ['homeostat/scale/shop_main/up', 'audit', `${people}/critical`],
  ],
  ['a name that begins alike', { ...system, service: 'shop_main2', scale: 'up' }, [none, 'audit', people]],
  ['a name with a dot for any sign', { ...system, service: 'apixv2', scale: 'up' }, [none, 'audit', people]],
  [
    'no limits, so nobody scales it',
    { ...system, service: 'plain', scale: 'up', severity: 'warning' },
    [none, 'audit', `${people}/warning`],
  ],
  ['for the system, without a direction', { ...system, service: 'shop_main', type: 'errors' }, ['audit', people]],
  ['another direction', { ...system, service: 'shop_main', scale: 'sideways' }, ['audit', people]],
  ['a direction, not for the system', { service: 'shop_main', scale: 'up' }, [people]],
  [
    'about nodes: the job for nodes and people',
    { ...system, service: 'shop_main', scale: 'up', type: 'node', severity: 'warning' },
    ['homeostat/nodes/up', 'audit', `${people}/warning`],
  ],
  ['about nodes, less', { ...system, scale: 'down', type: 'node' }, ['homeostat/nodes/down', 'audit', people]],
  ['an own route', { service: 'pay_main', team: 'pay', severity: 'critical' }, ['team']],
  ['an own route that fits half', { service: 'shop_main', team: 'pay', severity: 'critical' }, [`${people}/critical`]],
  ['an own route to people', { service: 'stop_it', severity: 'warning' }, [`${people}/info`]],
  ['an own route with a matcher that says no', { service: 'stop_it', severity: 'critical' }, [`${people}/critical`]],
  ['signs in labels', { service: 'a b,c={d}', severity: 'info' }, [`${people}/info`]],
];

t.test('without a job, what would scale goes to people', async (t) => {
  const { HOMEOSTAT_ALERTING_JOB_URL: _, ...env } = jobEnvironment;
  const { route } = render({ services: [scaled('shop_main')], settings: settingsOf(env) });
  t.same(receiversOf(route, { ...system, service: 'shop_main', scale: 'up', severity: 'info' }), [`${people}/info`]);
});

t.test('without a job for nodes, people alone hear that nodes are missing', async (t) => {
  const { route } = render({ services: [scaled('shop_main')] });
  const labels = { ...system, service: 'shop_main', scale: 'up', type: 'node', severity: 'critical' };
  t.same(receiversOf(route, labels), [`${people}/critical`]);
});

t.test('each alert goes where it should, by amtool and by our own walk', async (t) => {
  const folder = await folderFor(t);
  const settings = settingsOf({ ...jobEnvironment, HOMEOSTAT_ALERTING_JOB_NODES: 'node-scale' }, own);
  const services = [scaled('shop_main'), scaled('api.v2'), { name: 'plain' }];
  const { files, route, destinations } = render({ services, settings });
  await writeFiles(folder, files);
  const file = path.join(folder, 'alertmanager.yml');
  for (const [what, labels, wanted] of cases) {
    const words = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    const { code, text, stdout } = await amtool('config', 'routes', 'test', `--config.file=${file}`, ...words);
    t.equal(code, 0, text);
    t.equal(stdout.trim(), wanted.join(','), what);
    t.same(receiversOf(route, labels), wanted, `${what}, by our own walk`);
    t.ok(
      wanted.every((receiver) => destinations[receiver]),
      'each has its words',
    );
  }
});

t.test('in words: where each receiver leads', async (t) => {
  const env = {
    ...jobEnvironment,
    HOMEOSTAT_ALERTING_SLACK_CHANNELS_CRITICAL: '#fire',
    HOMEOSTAT_ALERTING_JOB_NODES: 'node-scale',
  };
  const { destinations } = render({ services: [scaled('shop')], settings: settingsOf(env) });
  t.same(destinations, {
    'homeostat/people': 'Slack #alerts',
    'homeostat/people/critical': 'Slack #fire',
    'homeostat/people/warning': 'Slack #alerts',
    'homeostat/people/info': 'Slack #alerts',
    'homeostat/none': 'nobody',
    'homeostat/scale/shop/up': 'job service-scale, up',
    'homeostat/scale/shop/down': 'job service-scale, down',
    'homeostat/nodes/up': 'job node-scale, up',
    'homeostat/nodes/down': 'job node-scale, down',
  });
});
