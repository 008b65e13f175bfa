import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { askAboutService, silencesOf } from '../../runner/scaling/alertmanager';
import { decideNodes, type NodeFacts } from '../../runner/scaling/decide-nodes';
import { limitsFor } from '../../runner/scaling/limits';
import { nodeDriver } from '../../runner/scaling/node-driver';
import { fingerprintOf, parseRequest } from '../../runner/scaling/request';
import { scalingSettings } from '../../runner/scaling/settings';
import { failureOf, holds, testContext } from '../common/support';
import { minutes, now } from './support';

const words = { service: 'shop_web', scale: 'up' };
const parse = (more: object) => parseRequest({ ...words, ...more }, 'alert', 'job');

t.test('whatever words a request has, it becomes numbers and names or is refused', async (t) => {
  for (const [more, says] of [
    [{ scale: '1e9' }, /scale is '1e9'; allowed is up, down, a number from 0 to 10000/],
    [{ scale: '10001' }, /scale/],
    [{ scale: '-0' }, /scale/],
    [{ scale: "'; rm" }, /scale/],
    [{ service: '../etc' }, /service is '\.\.\/etc'/],
    [{ service: 'a'.repeat(64) }, /service/],
    [{ by: 'x', step: '0' }, /by is '0'/],
    [{ step: '2000%' }, /by is '2000%'/],
    [{ id: 'a b' }, /id is 'a b'/],
    [{ sentAt: 'yesterday' }, /at is 'yesterday'/],
  ] as const)
    t.match((await failureOf(() => parse(more))).message, says);
  t.same(parse({ scale: '-2' }).wish, { kind: 'difference', difference: -2 });
  t.same(parse({ scale: '7' }).wish, { kind: 'number', replicas: 7 });
  t.same(parse({ scale: 'down', step: '25%' }).wish, {
    kind: 'step',
    direction: 'down',
    by: { amount: 25, unit: 'percent' },
  });
  const id = '0123456789abcdef@2026-01-01T12:00:00.000Z';
  t.same(parse({ id, sentAt: '2026-01-01T12:05:00Z' }).alert, { since: now, sentAt: now + minutes(5) });
  t.equal(fingerprintOf(id), '0123456789abcdef');
  t.equal(fingerprintOf('deploy-7'), undefined);
  await holds(
    t,
    fc.property(fc.string(), fc.string(), (service, scale) => {
      try {
        const { wish } = parse({ service, scale });
        if (wish.kind === 'number' && !(wish.replicas >= 0 && wish.replicas <= 10_000)) throw new Error(scale);
      } catch (error) {
        if ((error as { code?: string }).code !== 'USAGE_INVALID') throw error;
      }
    }),
  );
});

t.test('limits come from labels, then settings, then defaults', async (t) => {
  const settings = (env = {}) => scalingSettings(env, 'com.df');
  const of = (labels: object, env = {}) => limitsFor('shop_web', labels as Record<string, string>, settings(env));
  t.match(of({ 'com.df.scaleMin': '2' }), {
    limits: { minimum: 2, maximum: 5, cooldown: { up: 30_000, down: 300_000 } },
    forbidden: undefined,
  });
  t.match(of({ 'com.df.scaleMax': '9', 'com.df.scaleCooldownUp': '5m', 'com.df.scalePaused': 'true' }), {
    limits: { maximum: 9, cooldown: { up: 300_000 }, paused: 'all' },
  });
  t.match(of({ 'com.df.scaleMax': '9' }, { DEFAULT_MIN_REPLICAS: '3', HOMEOSTAT_SCALE_COOLDOWN_UP: '7' }), {
    limits: { minimum: 3, cooldown: { up: 7000 } },
  });
  t.match(of({}), { forbidden: /no label that says so, such as com\.df\.scaleMax/ });
  t.equal(of({}, { HOMEOSTAT_SCALE_SERVICES: 'shop_*' }).forbidden, undefined);
  t.match(of({ 'com.df.scaleMax': '2' }, { HOMEOSTAT_SCALE_SERVICES: 'shop.web' }), { forbidden: /does not name it/ });
  t.match(of({ 'com.df.scaleMax': 'many' }), { forbidden: /com\.df\.scaleMax is 'many'; it must be/ });
  t.match(of({ 'com.df.scaleMin': '7', 'com.df.scaleMax': '2' }), { forbidden: /more than scaleMax/ });
  const wrong = await failureOf(() => settings({ HOMEOSTAT_SCALE_FLAP_WINDOW: 'long', HOMEOSTAT_ALERTMANAGER: 'x' }));
  t.equal(wrong.evidence.length, 2, 'all that is wrong is told at once');
});

const silence = (
  matchers: [name: string, value: string, isRegex?: boolean, isEqual?: boolean][],
  state = 'active',
) => ({
  matchers: matchers.map(([name, value, isRegex = false, isEqual = true]) => ({ name, value, isRegex, isEqual })),
  endsAt: '2026-01-01T13:00:00Z',
  createdBy: 'jane',
  comment: 'known',
  status: { state },
});

t.test('a silence is a hold where it is about the scaling of the service as a whole', async (t) => {
  const of = (...args: Parameters<typeof silence>) => silencesOf('shop_web', [silence(...args)]);
  t.same(of([['service', 'shop_web']]), [{ until: now + minutes(60), by: 'jane', reason: 'known', source: 'silence' }]);
  t.match(
    of([
      ['service', 'shop_.*', true],
      ['scale', 'down'],
    ]),
    [{ only: 'down' }],
  );
  t.match(
    of([
      ['service', 'shop_web'],
      ['scale', 'down', false, false],
    ]),
    [{ only: 'up' }],
  );
  t.same(of([['service', 'other']]), []);
  t.same(of([['service', 'other', false, false]]), [], 'it does not name the service');
  t.same(
    of([
      ['service', 'shop_web'],
      ['alertname', 'memory'],
    ]),
    [],
    'one alert among others',
  );
  t.same(of([['service', 'shop_web']], 'expired'), []);
});

t.test('an Alertmanager that hangs is given two seconds, and none is no trouble', async (t) => {
  const server = http.createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => (server.closeAllConnections(), server.close()));
  const context = testContext();
  const start = performance.now();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.same(await askAboutService(url, 'shop_web', 'f', context), { silences: [] });
  t.ok(performance.now() - start < 10_000);
  t.match(context.told(), /cannot be asked for silences/);
  t.same(await askAboutService(undefined, 'shop_web', 'f', context), { silences: [] });
});

const nodes = (more: Partial<NodeFacts> = {}): NodeFacts => ({
  ...{ now, role: 'worker', ready: 3, unready: 0, cooldown: minutes(10), changes: [] },
  limits: { minimum: 1, maximum: 4, upBy: 1, downBy: 2 },
  wish: { kind: 'step', direction: 'up' },
  ...more,
});

t.test('nodes are changed within their limits, one change after the other', async (t) => {
  t.match(decideNodes(nodes()), { verdict: 'scale', from: 3, to: 4 });
  t.match(decideNodes(nodes({ wish: { kind: 'step', direction: 'down' } })), { to: 1 });
  t.match(decideNodes(nodes({ ready: 4 })), {
    verdict: 'hold',
    reason: 'there are 4 workers, and at most 4 are to be',
  });
  t.match(decideNodes(nodes({ ready: 6 })), { verdict: 'hold' }, 'it never turns round');
  t.match(decideNodes(nodes({ unready: 1 })), { verdict: 'hold', reason: /not ready/ });
  t.match(decideNodes(nodes({ changes: [{ at: now - minutes(9) }] })), { verdict: 'hold', reason: /9 min ago/ });
  t.match(decideNodes(nodes({ changes: [{ at: now - minutes(20), id: 'a' }], id: 'a' })), { verdict: 'hold' });
  t.match(decideNodes(nodes({ wish: { kind: 'number', replicas: 3 } })), { verdict: 'none' });
});

t.test('what adds nodes is a program or an address, and its failure is told', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-nodes-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const order = { action: 'add', role: 'worker', count: 1, wanted: 4, nodes: [] } as const;
  const told = path.join(folder, 'told');
  const program = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return `command:${path.join(folder, name)}`;
  };
  const give = (setting: string, more = {}) => {
    const context = testContext({ env: { HOMEOSTAT_NODE_SCALER: setting, ...more }, cwd: folder });
    return nodeDriver(context).order(order, context);
  };
  await give(program('good', `cat >${told}`));
  t.same(JSON.parse(readFileSync(told, 'utf8')), order);
  t.match(await failureOf(() => give(program('bad', 'echo no quota left; exit 3'))), {
    code: 'NODE_SCALER_FAILED',
    message: /ended with 3/,
    evidence: ['no quota left'],
  });
  t.equal((await failureOf(() => give('command:/nowhere/machines'))).code, 'CLI_MISSING');
  t.equal((await failureOf(() => give('ftp://x'))).code, 'USAGE_INVALID');
  t.equal((await failureOf(() => give(''))).code, 'NODE_SCALER_FAILED');

  const asked: { authorization: string | undefined; body: string }[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (text: Buffer) => (body += text.toString()));
    request.on('end', () => {
      asked.push({ authorization: request.headers.authorization, body });
      response.writeHead(asked.length === 1 ? 204 : 507).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/nodes`;
  await give(url, { HOMEOSTAT_NODE_SCALER_TOKEN: 'secret' });
  t.match(asked[0], { authorization: 'Bearer secret', body: JSON.stringify(order) });
  t.match(await failureOf(() => give(url)), { code: 'NODE_SCALER_FAILED', causeText: /507/ });
});
