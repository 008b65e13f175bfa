import { setTimeout as wait } from 'node:timers/promises';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { systemClock } from '../../runner/common/clock';
import { parseRights } from '../../runner/jobs/rights';
import { addToken } from '../../runner/jobs/tokens';
import { startServer } from '../jobs/support';
import { scaleUp, soon, startAlertmanager } from './live';
import { render, scaled, settingsOf } from './support';

const jobs = (quiet: string) => `
quietPeriod: ${quiet}
jobs:
  service-scale:
    command: scale
    parameters: { service: null, scale: { choices: [up, down] } }
    environment: { RECORD: $RECORD }
`;

t.test('a token that is not known: nothing is built, and it is built once it is known', async (t) => {
  const server = await startServer(t, jobs('0s'));
  const tokenFile = path.join(server.folder, 'token');
  await writeFile(tokenFile, 'wrong');
  const env = {
    HOMEOSTAT_ALERTING_JOB_URL: server.url.replace(/\/$/, ''),
    HOMEOSTAT_ALERTING_JOB_USER: 'alertmanager',
    HOMEOSTAT_ALERTING_JOB_TOKEN_FILE: tokenFile,
  };
  const alertmanager = await startAlertmanager(
    t,
    render({ services: [scaled('shop_main')], settings: settingsOf(env) }).files,
  );
  await alertmanager.send(scaleUp('shop_main'));
  await wait(3000);
  t.same(server.records(), []);
  await writeFile(
    tokenFile,
    await addToken(server.data, 'alertmanager', parseRights('service-scale:build'), systemClock),
  );
  await soon('it is built', () => server.records().length > 0);
  t.match(server.records(), [{ parameters: { service: 'shop_main', scale: 'up' } }]);
  await wait(8000);
  t.equal(server.records().length, 1, 'once');
});

t.test('an equal request waits already: it counts as done', async (t) => {
  const server = await startServer(t, jobs('1h'));
  const tokenFile = path.join(server.folder, 'token');
  await writeFile(
    tokenFile,
    await addToken(server.data, 'alertmanager', parseRights('service-scale:build'), systemClock),
  );
  const env = {
    HOMEOSTAT_ALERTING_JOB_URL: server.url,
    HOMEOSTAT_ALERTING_JOB_USER: 'alertmanager',
    HOMEOSTAT_ALERTING_JOB_TOKEN_FILE: tokenFile,
  };
  const client = await server.client();
  const query = 'service=shop_main&scale=up';
  t.equal((await client.post(`/job/service-scale/buildWithParameters?${query}`)).status, 201);
  t.equal((await client.post(`/job/service-scale/buildWithParameters?${query}&delay=0sec`)).status, 303);
  const { files } = render({ services: [scaled('shop_main')], settings: settingsOf(env) });
  const alertmanager = await startAlertmanager(t, files);
  await alertmanager.send(scaleUp('shop_main'));
  const metric = async (name: string) => {
    const text = await (await fetch(`${alertmanager.url}/metrics`)).text();
    return Number(new RegExp(`^${name}\\{integration="webhook".*\\} (\\d+)$`, 'm').exec(text)?.[1]);
  };
  await soon('it was sent', async () => (await metric('alertmanager_notifications_total')) > 0);
  await wait(7000);
  t.equal(await metric('alertmanager_notifications_total'), 1);
  t.equal(await metric('alertmanager_notifications_failed_total'), 0);
});
