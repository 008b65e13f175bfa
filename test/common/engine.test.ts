import { createServer, type AddressInfo } from 'node:net';
import t from 'tap';
import { ask, connectEngine, engineError, request } from '../../runner/common/engine';
import { HomeostatError } from '../../runner/common/errors';
import { failureOf, testContext } from './support';

const fault = (statusCode: number | undefined, message: string, more: object = {}) =>
  Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - ${message}`), {
    statusCode,
    json: { message },
    ...more,
  });

t.test('what the Engine says becomes the error that tells what to do', async (t) => {
  const manager = 'This node is not a swarm manager.';
  const table: [string, number, string][] = [
    [`${manager} Worker nodes can't be used to view or modify cluster state.`, 503, 'SWARM_NOT_MANAGER'],
    [`${manager} Use "docker swarm init" or "docker swarm join".`, 503, 'SWARM_MISSING'],
    ['This node is not part of a swarm', 503, 'SWARM_MISSING'],
    ['rpc error: code = Unknown desc = The swarm does not have a leader.', 503, 'SWARM_NO_LEADER'],
    ['rpc error: code = DeadlineExceeded desc = context deadline exceeded', 500, 'SWARM_NO_LEADER'],
    ['write /var/lib/docker/tmp/x: no space left on device', 500, 'ENGINE_FAILED'],
    ['something nobody foresaw', 500, 'ENGINE_FAILED'],
  ];
  for (const [message, status, code] of table) {
    const error = engineError('work', fault(status, message));
    t.equal(error.code, code, message);
    t.equal(error.causeText, message, 'without the decoration of the client library');
    t.equal(error.exit, 8);
  }
  t.match(engineError('work', fault(500, 'no space left on device')), {
    message: 'work: the disk of the Engine is full',
    remedy: /docker system prune/,
  });
});

t.test('whatever keeps the Engine from being reached has one name', async (t) => {
  for (const code of ['ECONNREFUSED', 'ENOENT', 'EACCES', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']) {
    const error = engineError('work', Object.assign(new Error(`connect ${code} /x`), { code }));
    t.match(error, { code: 'ENGINE_UNREACHABLE', causeText: `${code} connect ${code} /x` });
  }
});

t.test('a DOCKER_HOST that names no Engine is refused, without its password', async (t) => {
  const wrong = ['foo', 'localhost:2375', '127.0.0.1:2375', 'unix://', 'unix://docker.sock', 'tcp://', 'fd://'];
  wrong.push('npipe:////./pipe/docker_engine', 'tcp://host:99999', 'ftp://host', 'tcp://host:port');
  for (const DOCKER_HOST of wrong) {
    const error = await failureOf(() => connectEngine(testContext({ env: { DOCKER_HOST } })));
    t.match(error, { code: 'USAGE_INVALID', message: `DOCKER_HOST is '${DOCKER_HOST}'`, remedy: /unix:\/\// });
  }
  const secret = await failureOf(() =>
    connectEngine(testContext({ env: { DOCKER_HOST: 'ftp://me:opensesame@host' } })),
  );
  t.notMatch(secret.message, 'opensesame');
});

t.test('TLS without certificates is refused with the folder that was looked in', async (t) => {
  const folder = t.testdir();
  const env = { DOCKER_HOST: 'tcp://host:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder };
  const error = await failureOf(() => connectEngine(testContext({ env })));
  t.match(error, { code: 'USAGE_INVALID', causeText: new RegExp(`ENOENT.*${folder}/ca\\.pem`) });
});

t.test('every usual form of DOCKER_HOST leads to the right place', async (t) => {
  const table: [string | undefined, object][] = [
    [undefined, { socketPath: '/var/run/docker.sock' }],
    ['', { socketPath: '/var/run/docker.sock' }],
    ['unix:///run/user/1000/docker.sock', { socketPath: '/run/user/1000/docker.sock' }],
    ['tcp://10.0.0.1', { protocol: 'http', host: '10.0.0.1', port: 2375 }],
    ['tcp://10.0.0.1:4243/', { protocol: 'http', host: '10.0.0.1', port: 4243 }],
    ['http://engine:80', { protocol: 'http', host: 'engine', port: 80 }],
    ['tcp://[::1]:2375', { protocol: 'http', host: '::1', port: 2375 }],
    ['ssh://me@engine', { protocol: 'ssh', host: 'engine', port: 22, username: 'me' }],
    ['ssh://engine:2222', { protocol: 'ssh', host: 'engine', port: 2222, username: 'root' }],
  ];
  for (const [DOCKER_HOST, expected] of table)
    t.match(connectEngine(testContext({ env: { DOCKER_HOST } })).modem, expected, String(DOCKER_HOST));
  const folder = t.testdir({ 'ca.pem': 'ca', 'cert.pem': 'cert', 'key.pem': 'key' });
  const env = { DOCKER_HOST: 'https://engine:443', DOCKER_CERT_PATH: folder };
  t.match(connectEngine(testContext({ env })).modem, { protocol: 'https', host: 'engine', port: 443 });
});

t.test('an address where nobody listens is told at once', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const context = testContext({ env: { DOCKER_HOST: `tcp://127.0.0.1:${port}` } });
  const engine = connectEngine(context);
  const error = await failureOf(() => ask(context, 'asking', () => request(engine, 'GET', '/version')));
  t.match(error, { code: 'ENGINE_UNREACHABLE', message: 'asking: the Docker Engine does not answer' });
  const missing = testContext({ env: { DOCKER_HOST: `unix://${t.testdir()}/docker.sock` } });
  const none = await failureOf(() => ask(missing, 'asking', () => request(connectEngine(missing), 'GET', '/version')));
  t.match(none, { code: 'ENGINE_UNREACHABLE', causeText: /ENOENT/ });
});

t.test('a Swarm without leader is waited for, up to a minute, and the wait is told once', async (t) => {
  const context = testContext();
  const leaderless = fault(503, 'The swarm does not have a leader.');
  let tries = 0;
  const answer = await ask(context, 'listing', async () => {
    if (++tries < 4) throw leaderless;
    return 'there';
  });
  t.equal(answer, 'there');
  t.equal(context.told(), 'warning: listing: the Swarm has no leader, waiting up to 60 s\n');
  const never = await failureOf(() => ask(context, 'listing', async () => Promise.reject(leaderless)));
  t.equal(never.code, 'SWARM_NO_LEADER');
  t.ok(context.clock.monotonic() < 65_000);
});

t.test('what the caller deals with comes as it is', async (t) => {
  const context = testContext();
  for (const error of [fault(404, 'no such service'), fault(500, 'update out of sequence')])
    await t.rejects(
      ask(context, 'x', () => Promise.reject(error), [404]),
      error,
    );
  const own = new HomeostatError('CONFLICT', 'x');
  await t.rejects(
    ask(context, 'x', () => Promise.reject(own)),
    own,
  );
  const stopped = { ...context, signal: AbortSignal.abort(new HomeostatError('STOPPED', 'stopped by SIGTERM')) };
  t.equal((await failureOf(() => ask(stopped, 'x', () => Promise.reject(fault(500, 'x'))))).code, 'STOPPED');
});
