import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { HomeostatError } from '../../runner/common/errors';
import { JenkinsClient } from '../../runner/jenkins/client';
import { parseRights } from '../../runner/jobs/rights';
import { addToken } from '../../runner/jobs/tokens';
import { systemClock } from '../../runner/common/clock';
import { startServer, testContext, temporaryFolder, type TestServer } from '../jobs/support';

const yaml = `
quietPeriod: 0
jobs:
  service-scale:
    command: scale
    environment: { RECORD: $RECORD }
    parameters: { service: {}, scale: {}, id: {} }
  other:
    command: status
    environment: { RECORD: $RECORD }
`;

async function clientOf(t: Test, server: TestServer, rights = '*:read+build+stop', token?: string) {
  const own = token ?? (await addToken(server.data, 'tester', parseRights(rights), systemClock));
  return new JenkinsClient({ url: server.url, user: 'tester', token: own }, testContext(temporaryFolder(t)));
}

const failureOf = async (work: Promise<unknown>): Promise<HomeostatError> =>
  work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as HomeostatError,
  );

t.test('from a request to the end of its build, with its log', async (t) => {
  const server = await startServer(t, yaml);
  const client = await clientOf(t, server);
  const item = await client.trigger('service-scale', { service: 'shop & "co"', scale: 'up', id: 'a@1' });
  const number = await client.started(item);
  let log = '';
  const build = await client.follow('service-scale', number, (text) => (log += text));
  t.match(build, { number: 1, result: 'SUCCESS', building: false });
  t.match(log, 'Started by user tester');
  t.same(server.records()[0]?.parameters, { service: 'shop & "co"', scale: 'up', id: 'a@1' });
  t.equal(await client.lastBuild('service-scale'), 1);
  t.equal(await client.lastBuild('other'), 0);
  const plain = await client.started(await client.trigger('other'));
  t.equal((await client.follow('other', plain, () => undefined)).result, 'SUCCESS');
  await client.stop('other', plain);
  t.same(await client.pendingInputs('other', plain), [], 'the job server knows no inputs');
  t.equal(await client.answerInput(`job/other/${plain}`, 'Go', 'proceed'), false);
  t.equal(await client.answerInput(`job/other/${plain}`, 'Go', 'abort'), false);
});

t.test('what is refused says why and what to do, and starts nothing', async (t) => {
  const server = await startServer(t, yaml);
  const client = await clientOf(t, server);
  const refused = async (work: Promise<unknown>, cause: RegExp) => {
    const error = await failureOf(work);
    t.equal(error.code, 'JENKINS_FAILED');
    t.match(error.causeText, cause);
    t.ok(error.remedy);
  };
  await refused((await clientOf(t, server, '*:read', 'a-wrong-token')).trigger('other'), /401.*do not belong together/);
  await refused((await clientOf(t, server, 'service-scale:read+build')).trigger('other'), /40[34]/);
  await refused((await clientOf(t, server, '*:read')).trigger('other'), /403.*may not/);
  await refused(client.trigger('nothing'), /404.*no such job/);
  await refused(client.trigger('service-scale'), /400.*parameters/);
  await refused(client.trigger('other', { a: 'b' }), /400/);
  await refused(client.build('other', 99), /404/);
  t.same(server.records(), []);
});

/** A server between client and job server, which can do to requests and answers what networks and restarts do. */
async function troubled(
  t: Test,
  server: TestServer,
  meddle: (request: IncomingMessage, response: ServerResponse, pass: () => Promise<Response>) => Promise<boolean>,
) {
  const between = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const pass = () =>
        fetch(new URL(request.url!, server.url), {
          method: request.method!,
          headers: Object.fromEntries(
            Object.entries(request.headers).filter(
              ([name]) => !['host', 'connection', 'content-length'].includes(name),
            ),
          ) as Record<string, string>,
          redirect: 'manual',
          ...(request.method === 'POST' ? { body: Buffer.concat(parts) } : {}),
        });
      void meddle(request, response, pass).then(async (done) => {
        if (done) return;
        const answer = await pass();
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(Buffer.from(await answer.arrayBuffer()));
      });
    });
  });
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  t.teardown(() => between.close());
  const token = await addToken(server.data, 'tester', parseRights('*:read+build+stop'), systemClock);
  const url = `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
  return new JenkinsClient({ url, user: 'tester', token }, testContext(temporaryFolder(t)));
}

const starts = ({ method, url }: IncomingMessage) => method === 'POST' && /build(WithParameters)?\?/.test(url ?? '');

t.test('an answer that is lost doubles no build: the one that was started is found', async (t) => {
  const server = await startServer(t, yaml);
  for (const trouble of ['the connection breaks', 'a proxy gives up'] as const) {
    let lost = 0;
    const client = await troubled(t, server, async (request, response, pass) => {
      if (!starts(request) || lost++ > 0) return false;
      await pass();
      if (trouble === 'the connection breaks') response.destroy();
      else response.writeHead(504).end();
      return true;
    });
    const id = `alert@${trouble}`;
    const number = await client.started(await client.trigger('service-scale', { service: 'shop', scale: 'up', id }));
    await client.follow('service-scale', number, () => undefined);
    t.equal(server.records().filter(({ parameters }) => parameters.id === id).length, 1, trouble);
    t.equal(lost, 1);
  }
});

t.test('a request that never arrived is sent again, and one of which nothing is known is not', async (t) => {
  const server = await startServer(t, yaml);
  let tries = 0;
  const starting = await troubled(t, server, async (request, response) => {
    if (!starts(request) || ++tries > 2) return false;
    if (tries === 1) response.writeHead(503).end('Jenkins is starting');
    else response.destroy();
    return true;
  });
  await starting.started(await starting.trigger('service-scale', { service: 'shop', scale: 'up', id: 'b@1' }));
  t.equal(tries, 3);
  const breaking = await troubled(t, server, async (request, response) => {
    if (starts(request)) response.destroy();
    return starts(request);
  });
  const error = await failureOf(breaking.trigger('service-scale', { service: 'shop', scale: 'down' }));
  t.match(error.message, /not known whether service-scale was started/);
  t.match(error.remedy, /Look at the builds/);
});

t.test('who reads waits for a server that is away for a moment', async (t) => {
  const server = await startServer(t, yaml);
  let away = 3;
  const client = await troubled(t, server, async (_request, response) => {
    if (away-- <= 0) return false;
    if (away === 1) response.destroy();
    else response.writeHead(502).end();
    return true;
  });
  t.equal(await client.lastBuild('other'), 0);
});

t.test('a password in place of a token, and an address that is not Jenkins, are told apart', async (t) => {
  const server = await startServer(t, yaml);
  const crumb = await troubled(t, server, async (request, response) => {
    if (starts(request)) response.writeHead(403).end('No valid crumb was included in the request');
    return starts(request);
  });
  t.match(await failureOf(crumb.trigger('other')), { causeText: /crumb/, remedy: /API token/ });
  const other = await troubled(t, server, async (_request, response) => {
    response.writeHead(404).end('nginx');
    return true;
  });
  t.match((await failureOf(other.trigger('other'))).causeText, /not said that Jenkins answers/);
});
