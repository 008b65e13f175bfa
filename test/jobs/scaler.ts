import t from 'tap';
import { readNotice } from '../../runner/jobs/alert-body';
import { ended, rawClient, startServer } from './support';

/** The addresses of docker-scaler, and Alertmanager's own body as the parameters of a job. */
const yaml = `
quietPeriod: 0
jobs:
  service-scale:
    command: scale
    environment: { RECORD: $RECORD }
    parameters: { service: {}, scale: {}, by: {}, id: {}, at: {}, type: {} }
  other:
    command: status
    environment: { RECORD: $RECORD }
`;

const alert = (status: string, startsAt: string, fingerprint: string) => ({ status, startsAt, fingerprint });
const firing = alert('firing', '2026-01-01T12:00:00.5Z', '0123456789abcdef');

const notice = (more: object = {}) => ({
  version: '4',
  status: 'firing',
  groupKey: '{}:{service="shop_web",scale="up"}',
  groupLabels: { service: 'shop_web', scale: 'up' },
  commonLabels: { service: 'shop_web', scale: 'up', alertname: 'memory' },
  alerts: [firing],
  ...more,
});

t.test('what is no notice of Alertmanager is not taken for one', async (t) => {
  for (const text of ['', 'x', '[]', 'null', '{"alerts":[]}', '{"groupLabels":7}'])
    t.equal(readNotice(text), undefined, text);
  t.same(readNotice('{"groupLabels":{"service":"a","scale":7}}'), { firing: true, labels: { service: 'a' } });
});

t.test('the id of a notice is that of the alert that fires longest', async (t) => {
  const of = (alerts: unknown[]) => readNotice(JSON.stringify(notice({ alerts })));
  t.equal(of([firing])?.id, '0123456789abcdef@2026-01-01T12:00:00.500Z');
  const older = alert('firing', '2026-01-01T11:00:00Z', 'fedcba9876543210');
  const over = alert('resolved', '2026-01-01T10:00:00Z', '0000000000000000');
  t.equal(of([firing, over, older])?.id, 'fedcba9876543210@2026-01-01T11:00:00.000Z');
  t.equal(of([over])?.firing, false);
  t.equal(of([{ status: 'firing' }, 7])?.id, undefined, 'an alert without fingerprint has none');
});

t.test('rubbish is refused for good, and answered in docker-scaler’s form', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client('service-scale:build', 'alertmanager');
  for (const [path, body] of [
    ['scale-service', {}],
    ['scale-service', notice({ groupLabels: { service: 'shop_web' }, commonLabels: {} })],
    ['scale-service?service=shop_web&scale=sideways', ''],
    ["scale-service?service='; rm -rf&scale=up", ''],
    ['scale-service?service=shop_web&scale=1e9', ''],
    ['scale-service?service=shop_web&scale=up&by=-3', ''],
    ['scale-nodes?scale=up&type=cloud', ''],
    ['reschedule-service', ''],
  ] as const) {
    const { status, data } = await client.post(`v1/${path}`, body);
    t.equal(status, 400, path);
    t.match(data, { status: 'NOK', message: /\w/ });
  }
  t.equal((await rawClient(server.url).post('v1/scale-service', notice())).status, 403, 'no token');
  t.equal((await rawClient(server.url, 'alertmanager', 'wrong').post('v1/scale-service', notice())).status, 401);
  const stranger = await server.client('other:build', 'stranger');
  t.match(await stranger.post('v1/scale-service', notice()), { status: 404, data: { status: 'NOK' } });
  t.equal((await client.get('v1/scale-service')).status, 405);
  t.same((await rawClient(server.url).get('v1/ping')).data, { status: 'OK', message: '' });
  t.same(server.records(), [], 'nothing was built');
});

t.test('a notice becomes a build of service-scale', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client('service-scale:read+build', 'alertmanager');
  const queued = await client.post('v1/scale-service', notice());
  t.match(queued, {
    status: 200,
    data: { status: 'OK', message: /^queued: shop_web up \(http.*queue\/item\/\d+\/\)$/ },
  });
  await ended(client, 'service-scale');
  t.match(server.records()[0]?.parameters, {
    service: 'shop_web',
    scale: 'up',
    id: '0123456789abcdef@2026-01-01T12:00:00.500Z',
    at: /^\d{4}-.*:00\.000Z$/,
  });
  t.match(await client.post('v1/scale-service', notice({ status: 'resolved' })), { data: { message: /resolved/ } });

  await client.post('v1/scale-service?by=2&scale=down', notice());
  await ended(client, 'service-scale', 2);
  t.match(server.records()[1]?.parameters, { service: 'shop_web', scale: 'down', by: '2' }, 'the address counts more');
  await client.post('v1/scale-nodes', notice({ groupLabels: { scale: 'up', type: 'manager' }, commonLabels: {} }));
  await ended(client, 'service-scale', 3);
  t.match(server.records()[2]?.parameters, { scale: 'up', type: 'manager' });
  await client.post('v1/reschedule-services');
  await ended(client, 'service-scale', 4);
  t.same(server.records()[3]?.parameters, { scale: 'reschedule' });
  await client.post('v1/reschedule-service?service=shop_web');
  await ended(client, 'service-scale', 5);
  t.same(server.records()[4]?.parameters, { scale: 'reschedule', service: 'shop_web' });
});

t.test('a job server that cannot take it asks Alertmanager to come again', async (t) => {
  const server = await startServer(t, yaml.replace(', at: {}, type: {}', ''));
  const client = await server.client('*:read+build', 'alertmanager');
  t.match(await client.post('v1/scale-nodes?scale=up'), {
    status: 503,
    data: { status: 'NOK', message: /declare type/ },
  });
  t.equal((await client.post('v1/scale-service', notice())).status, 200, 'the time need not be declared');
});

t.test('buildWithParameters takes from Alertmanager’s body what the address leaves out', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client('*:read+build', 'alertmanager');
  const trigger = 'job/service-scale/buildWithParameters';
  t.equal((await client.post(`${trigger}?service=other_web&delay=0sec`, notice())).status, 201);
  await ended(client, 'service-scale');
  t.match(server.records()[0]?.parameters, { service: 'other_web', scale: 'up', id: /^0123456789abcdef@/ });
  t.equal((await client.post(trigger, notice({ status: 'resolved' }))).status, 200, 'what is resolved builds nothing');
  t.equal((await client.post(`${trigger}?service=a&scale=up`, { some: 'thing else' })).status, 201);
  await ended(client, 'service-scale', 2);
  t.same(server.records()[1]?.parameters, { service: 'a', scale: 'up' });
});
