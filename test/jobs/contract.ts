import t from 'tap';
import { ended, rawClient, startServer, until } from './support';

/** Row by row the table of /docs/jobs.md, which is what a Jenkins LTS 2.528.2 answered. */
const yaml = `
quietPeriod: 0
jobs:
  service-scale:
    command: scale
    description: Scales a service
    environment: { RECORD: $RECORD }
    parameters:
      service: { description: name }
      scale: { default: up, choices: [up, down] }
      mode: {}
  other:
    command: status
    environment: { RECORD: $RECORD }
`;

const alertmanagerBody = {
  version: '4',
  status: 'firing',
  groupKey: '{}/{alertname="x"}:{}',
  commonLabels: { service: 'from-the-body' },
  alerts: [{ status: 'firing', labels: {}, startsAt: '2026-01-01T00:00:00Z', fingerprint: 'c' }],
};

t.test('triggers', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client('*:read+build+stop', 'alertmanager');
  const trigger = 'job/service-scale/buildWithParameters';

  const created = await client.post(`${trigger}?service=shop&scale=down&undeclared=1`, alertmanagerBody);
  t.equal(created.status, 201);
  t.equal(created.headers['content-length'], '0');
  t.match(String(created.headers.location), new RegExp(`^${server.url}queue/item/\\d+/$`));
  const build = await ended(client, 'service-scale');
  t.match(build.actions, [
    {
      parameters: [
        { name: 'service', value: 'shop' },
        { name: 'scale', value: 'down' },
        { name: 'mode', value: '' },
      ],
    },
    { causes: [{ shortDescription: 'Started by user alertmanager', userId: 'alertmanager' }] },
  ]);

  const item = await client.get(`${String(created.headers.location)}api/json`);
  t.match(item.data, { _class: 'hudson.model.Queue$LeftItem', cancelled: false, why: null, executable: { number: 1 } });
  t.equal(item.data.executable.url, `${server.url}job/service-scale/1/`);
  t.equal(item.data.id, build.queueId);
  const page = await client.get(String(created.headers.location));
  t.same([page.status, page.data], [200, 'Queue item exists. For details, use api/json.\n']);

  t.equal((await client.get(trigger)).status, 405);
  t.equal((await client.post('job/service-scale/build')).status, 400, 'build on a job with parameters');
  t.equal((await client.post('job/other/buildWithParameters')).status, 400, 'and the other way round');
  t.equal((await client.post('job/other/build')).status, 201);
  t.equal((await client.post('job/unknown/build')).status, 404);
  t.equal((await client.post(trigger, 'service=form&scale=up')).status, 201, 'a form body');
  t.equal((await ended(client, 'service-scale', 2)).result, 'SUCCESS');
  t.ok(
    server.records().some(({ parameters }) => parameters.service === 'form'),
    'whichever build of the two jobs began last',
  );

  const refused = async (query: string, body?: unknown, headers = {}) =>
    (await client.post(`${trigger}?${query}`, body, { headers })).status;
  t.equal(await refused('scale=sideways'), 400, 'not one of the choices');
  t.equal(await refused('service=a&service=b'), 400, 'given twice');
  t.equal(await refused('service=a%00b'), 400, 'NUL');
  t.equal(await refused(`service=${'x'.repeat(15_000)}`), 201, 'long');
  t.equal(await refused('', `service=${'x'.repeat(200_000)}`), 400, 'longer than the environment can hold');
  t.equal(await refused('delay=soon'), 400);
  t.equal(await refused('', 'x', { 'content-type': 'multipart/form-data; boundary=x' }), 415);
  t.equal(
    (await client.get('job/service-scale/api/json')).data.nextBuildNumber <= 4,
    true,
    'nothing refused was queued',
  );
});

t.test('equal items fold while they wait, by parameter sets', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client('*:build', 'first');
  const second = await server.client('*:build', 'second');
  const post = (who: typeof client, query: string) => who.post(`job/service-scale/buildWithParameters?${query}`);

  const first = await post(client, 'service=a&delay=30sec');
  const again = await post(second, 'delay=40sec&scale=up&service=a');
  t.same([first.status, again.status], [201, 303]);
  t.equal(again.headers.location, first.headers.location, 'the queue item that waits');
  t.equal((await client.get(String(again.headers.location))).status, 200, 'a client that follows arrives');
  const other = await post(client, 'service=b&delay=30sec');
  t.equal(other.status, 201, 'other values are another item');

  const waiting = await client.get(`${String(first.headers.location)}api/json`);
  t.match(waiting.data, {
    _class: 'hudson.model.Queue$WaitingItem',
    blocked: false,
    buildable: false,
    inQueueSince: Number,
    params: '\nservice=a\nscale=up\nmode=',
    why: /^In the quiet period\. Expires in \d+\.\d sec$/,
    task: { name: 'service-scale', color: 'notbuilt', url: `${server.url}job/service-scale/` },
  });
  const causes = waiting.data.actions.find((action: object) => 'causes' in action).causes;
  t.same(
    causes.map(({ userId }: { userId: string }) => userId),
    ['first', 'second'],
    'causes are merged',
  );
  t.equal((await client.get('queue/api/json')).data.items.length, 2);
  t.equal((await client.get('job/service-scale/api/json')).data.inQueue, true);

  t.equal((await post(second, 'service=a&delay=0sec')).status, 303, 'a shorter delay brings it forward');
  t.equal((await ended(client, 'service-scale')).result, 'SUCCESS');
  t.equal((await post(client, 'service=a&delay=30sec')).status, 201, 'one that has left is not joined');
});

t.test('one build of a job at a time, different jobs in parallel', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client();
  await client.post('job/service-scale/buildWithParameters?mode=slow');
  await until(async () => (await client.get('job/service-scale/1/api/json')).data.building === true);
  const { headers } = await client.post('job/service-scale/buildWithParameters?mode=ok');
  const blocked = (await client.get(`${String(headers.location)}api/json`)).data;
  t.match(blocked, { _class: 'hudson.model.Queue$BlockedItem', blocked: true, why: /already in progress/ });
  await client.post('job/other/build');
  t.equal((await ended(client, 'other')).result, 'SUCCESS');
  t.equal((await client.get('job/service-scale/1/api/json')).data.building, true);
  await client.post('job/service-scale/1/stop');
  t.equal((await ended(client, 'service-scale', 2)).result, 'SUCCESS');
});

t.test('documents that clients read', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client();
  t.match((await client.get('job/other/api/json')).data, {
    lastBuild: null,
    color: 'notbuilt',
    nextBuildNumber: 1,
    builds: [],
  });
  await client.post('job/service-scale/buildWithParameters?mode=ok');
  await ended(client, 'service-scale', 1);
  await client.post('job/service-scale/buildWithParameters?mode=fail');
  await ended(client, 'service-scale', 2);
  const url = (number: number) => `${server.url}job/service-scale/${number}/`;
  t.match((await client.get('job/service-scale/api/json')).data, {
    name: 'service-scale',
    fullName: 'service-scale',
    description: 'Scales a service',
    url: `${server.url}job/service-scale/`,
    buildable: true,
    color: 'red',
    inQueue: false,
    builds: [
      { number: 2, url: url(2) },
      { number: 1, url: url(1) },
    ],
    firstBuild: { number: 1 },
    lastBuild: { number: 2 },
    lastCompletedBuild: { number: 2 },
    lastFailedBuild: { number: 2 },
    lastStableBuild: { number: 1 },
    lastSuccessfulBuild: { number: 1 },
    lastUnstableBuild: null,
    lastUnsuccessfulBuild: { number: 2 },
    nextBuildNumber: 3,
    property: [
      {
        parameterDefinitions: [
          { name: 'service', type: 'StringParameterDefinition' },
          { name: 'scale', choices: ['up', 'down'], defaultParameterValue: { value: 'up' } },
          {},
        ],
      },
    ],
  });
  for (const [name, number] of [
    ['lastBuild', 2],
    ['lastSuccessfulBuild', 1],
    ['lastFailedBuild', 2],
    ['lastStableBuild', 1],
    ['lastCompletedBuild', 2],
    ['lastUnsuccessfulBuild', 2],
  ] as const)
    t.equal((await client.get(`job/service-scale/${name}/api/json`)).data.number, number, name);
  for (const name of ['lastUnstableBuild', '3', '0', '01', '-1', 'x'])
    t.equal((await client.get(`job/service-scale/${name}/api/json`)).status, 404, name);
  t.match((await client.get('job/service-scale/2/api/json')).data, {
    _class: 'org.jenkinsci.plugins.workflow.job.WorkflowRun',
    building: false,
    result: 'FAILURE',
    displayName: '#2',
    fullDisplayName: 'service-scale #2',
    id: '2',
    timestamp: Number,
    duration: Number,
    previousBuild: { number: 1 },
    nextBuild: null,
    url: url(2),
    homeostat: null,
  });
  t.match((await client.get('api/json')).data, {
    jobs: [{ name: 'service-scale', color: 'red' }, { name: 'other' }],
    url: server.url,
  });
  t.match((await client.get('crumbIssuer/api/json')).data, {
    crumbRequestField: 'Jenkins-Crumb',
    crumb: /^[0-9a-f]{64}$/,
  });
  for (const page of ['', 'job/service-scale/', 'job/service-scale/2/', 'job/service-scale'])
    t.equal((await client.get(page)).status, 200, page);
  const login = await rawClient(server.url).get('login');
  t.same([login.status, login.headers['x-jenkins']], [200, '2.528.2'], 'the health check needs no token');
  t.equal((await client.head('job/service-scale/api/json')).status, 200);
});

t.test('the log while it grows, and after', async (t) => {
  const server = await startServer(t, yaml);
  const client = await server.client();
  await client.post('job/service-scale/buildWithParameters?mode=slow');
  const log = (start?: number | string) =>
    client.get<string>(`job/service-scale/1/logText/progressiveText${start === undefined ? '' : `?start=${start}`}`);
  const first = await until(async () => {
    const answer = await log();
    return answer.status === 200 && answer.data.includes('started') ? answer : undefined;
  });
  t.equal(first.headers['x-more-data'], 'true');
  const size = Number(first.headers['x-text-size']);
  t.equal(size, Buffer.byteLength(first.data));
  t.equal((await log(size)).data, '', 'nothing new yet');
  await client.post('job/service-scale/1/stop');
  await ended(client, 'service-scale');
  const rest = await log(size);
  t.match(rest.data, /stopping\nAborted by tester\nFinished: ABORTED\n$/);
  t.notOk('x-more-data' in rest.headers);
  const whole = await client.get<string>('job/service-scale/1/consoleText');
  t.equal(whole.data, first.data + rest.data, 'the pieces are the whole');
  t.equal(whole.headers['content-type'], 'text/plain;charset=utf-8');
  t.equal((await log(99_999)).data, whole.data, 'a start behind the end begins anew');
  t.equal((await log('x')).status, 400);
});
