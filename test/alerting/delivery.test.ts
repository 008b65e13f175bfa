import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { Door, jobAddress, jobToken, over, scaleUp, scene, soon, startAlertmanager } from './live';
import { scaled } from './support';

interface SlackMessage {
  channel: string;
  attachments: { title: string; text: string; color: string }[];
}

const messagesOf = (door: Door) => door.asked.map(({ body }) => JSON.parse(body) as SlackMessage);
const titlesOf = (door: Door) => messagesOf(door).map(({ attachments }) => attachments[0]!.title);

t.test('the job server is away when the alert fires: it is asked once it is back', async (t) => {
  const { job, slack, files } = await scene(t, [scaled('shop_main')]);
  await job.door.close();
  const alertmanager = await startAlertmanager(t, files());
  await alertmanager.send(scaleUp('shop_main'));
  await wait(3000);
  const back = new Door();
  await back.open(job.port);
  t.teardown(() => back.close());
  await soon('it is asked', () => back.asked.length > 0);
  t.same(back.urls, [jobAddress('shop_main')]);
  t.same(slack.door.asked, [], 'people are left in peace');
});

t.test('the job server is busy, or refuses: it is asked again until it takes it', async (t) => {
  const { job, files } = await scene(t, [scaled('shop_main')]);
  const alertmanager = await startAlertmanager(t, files());
  for (const status of [503, 403]) {
    job.door.status = status;
    job.door.asked.length = 0;
    await alertmanager.send(scaleUp('shop_main', { alertname: `because_${status}` }));
    await soon(`it says ${status} twice`, () => job.door.asked.length > 1);
    job.door.status = 201;
    const refused = job.door.asked.length;
    await soon('it is asked again', () => job.door.asked.length > refused);
  }
});

t.test('a request has the address, credentials and body that jobs know', async (t) => {
  const { job, slack, files } = await scene(t, [scaled('shop_main'), scaled('api-v2')]);
  const alertmanager = await startAlertmanager(t, files());
  const start = Date.now();
  await alertmanager.send(scaleUp('shop_main'), scaleUp('shop_main', { alertname: 'other' }), {
    labels: { ...scaleUp('api-v2').labels, scale: 'down' },
  });
  await soon('both are asked for', () => job.door.asked.length > 1);
  t.comment(`${Date.now() - start} ms`);
  t.same(job.door.urls.sort(), [jobAddress('api-v2', 'down'), jobAddress('shop_main')]);
  const asked = job.door.asked.find(({ url }) => url.includes('shop_main'))!;
  t.equal(asked.method, 'POST');
  t.equal(asked.headers.authorization, `Basic ${Buffer.from(`alertmanager:${jobToken}`).toString('base64')}`);
  t.match(JSON.parse(asked.body), {
    version: '4',
    status: 'firing',
    groupLabels: { service: 'shop_main', scale: 'up' },
    alerts: [{ status: 'firing' }, { status: 'firing' }],
  });
  await alertmanager.send({ ...scaleUp('shop_main'), endsAt: over() });
  await wait(8000);
  t.equal(job.door.asked.length, 2, 'an alert that is over asks for nothing');
  t.same(slack.door.asked, []);
});

t.test('an alert told again and again is one request, and another when the cooldown is over', async (t) => {
  const { job, files } = await scene(t, [scaled('shop_main', { cooldownUp: 20_000 })]);
  const alertmanager = await startAlertmanager(t, files());
  const times: number[] = [];
  for (let count = 0; job.door.asked.length < 2; count++) {
    if (count > 120) throw new Error('there is no second request');
    await alertmanager.send(scaleUp('shop_main'));
    await wait(500);
    if (job.door.asked.length > times.length) times.push(Date.now());
  }
  const [first, second] = times;
  t.ok(second! - first! > 19_000, `${second! - first!} ms`);
});

t.test('Slack is away, then says 500 and 429: the message comes once it is back, once', async (t) => {
  const { slack, files } = await scene(t, [scaled('shop_main')]);
  await slack.door.close();
  const alertmanager = await startAlertmanager(t, files());
  const alert = { labels: { alertname: 'shop_main_down', service: 'shop_main', severity: 'critical' } };
  await alertmanager.send(alert);
  await wait(2000);
  const back = new Door();
  back.status = 500;
  await back.open(slack.port);
  t.teardown(() => back.close());
  await soon('it is tried', () => back.asked.length > 0);
  back.status = 429;
  const tried = back.asked.length;
  await soon('it is tried again', () => back.asked.length > tried);
  back.status = 200;
  back.asked.length = 0;
  await soon('it arrives', () => back.asked.length > 0);
  await alertmanager.send(alert);
  await wait(6000);
  t.equal(back.asked.length, 1, 'once');
  t.match(messagesOf(back), [
    { channel: '#alerts', attachments: [{ title: 'FIRING: shop_main: shop_main_down', color: 'danger' }] },
  ]);
});

t.test('alerts of one kind and service are one message; that they are over is told', async (t) => {
  const { slack, files } = await scene(t, []);
  const alertmanager = await startAlertmanager(t, files());
  const alert = (service: string, instance: string) => ({
    labels: { alertname: `${service}_memory`, service, severity: 'warning', instance },
    annotations: { summary: `Memory of ${service} is nearly used up` },
  });
  const shop = ['1', '2', '3'].map((instance) => alert('shop', instance));
  await alertmanager.send(...shop, alert('pay', '1'));
  await soon('two messages', () => slack.door.asked.length >= 2);
  t.same(titlesOf(slack.door).sort(), [
    'FIRING (3): shop: Memory of shop is nearly used up',
    'FIRING: pay: Memory of pay is nearly used up',
  ]);
  await alertmanager.send(...shop.map((each) => ({ ...each, endsAt: over() })));
  await soon('the end is told', () => slack.door.asked.length >= 3);
  t.equal(titlesOf(slack.door)[2], 'RESOLVED: shop: Memory of shop is nearly used up');
});

t.test('nobody scales a service that has no task, until it has one', async (t) => {
  const { job, slack, files } = await scene(t, [scaled('shop_main'), scaled('pay_main')]);
  const alertmanager = await startAlertmanager(t, files());
  const down = { labels: { alertname: 'down', service: 'shop_main', severity: 'critical', condition: 'service-down' } };
  const few = { labels: { alertname: 'few', service: 'shop_main', severity: 'warning', condition: 'few-tasks' } };
  await alertmanager.send(down, few);
  await soon('people hear of it', () => slack.door.asked.length > 0);
  await alertmanager.send(scaleUp('shop_main'), scaleUp('pay_main'));
  await soon('the other service is scaled', () => job.door.asked.length > 0);
  await wait(3000);
  t.same(job.door.urls, [jobAddress('pay_main')]);
  t.same(titlesOf(slack.door), ['FIRING: shop_main: down']);
  await alertmanager.send({ ...down, endsAt: over() });
  await soon('now it is scaled', () => job.door.urls.includes(jobAddress('shop_main')));
});

t.test('a node that is lost: what is told of it alone is left out, and no service can say so', async (t) => {
  const { slack, files } = await scene(t, []);
  const alertmanager = await startAlertmanager(t, files());
  const lost = { alertname: 'node_lost', condition: 'node-lost' };
  await alertmanager.send({ labels: { ...lost, node: 'one' } }, { labels: { ...lost, node: 'two', service: 'evil' } });
  await soon('both are told', () => slack.door.asked.length === 2);
  slack.door.asked.length = 0;
  await alertmanager.send(
    { labels: { alertname: 'disk', node: 'one' } },
    { labels: { alertname: 'disk2', node: 'two' } },
    { labels: { alertname: 'shop_down', service: 'shop', node: 'one', condition: 'service-down' } },
  );
  await soon('two are told', () => slack.door.asked.length >= 2);
  await wait(3000);
  t.same(titlesOf(slack.door).sort(), ['FIRING: disk2', 'FIRING: shop: shop_down']);
});
