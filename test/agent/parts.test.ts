import fc from 'fast-check';
import t from 'tap';
import { acceptBundle } from '../../runner/agent/accept-bundle';
import { Refusal } from '../../runner/agent/engine';
import { bindingsOf } from '../../runner/agent/haproxy/bindings';
import { parseConfiguration } from '../../runner/agent/haproxy/configuration';
import { defaultGateways } from '../../runner/agent/haproxy/gateways';
import { withLocalFiles } from '../../runner/agent/haproxy/local-files';
import { parseProcesses } from '../../runner/agent/haproxy/master-socket';
import { resolveAll } from '../../runner/agent/haproxy/resolve';
import { backendsOf, composeState, parseState } from '../../runner/agent/haproxy/server-state';
import { pauseAfter } from '../../runner/agent/pause';
import { bundleOf } from '../../runner/common/bundle';
import { systemClock } from '../../runner/common/clock';
import { holds } from '../common/support';
import { startNameServer } from './support';

const configuration = `defaults
    default-server check inter 1s init-addr last,none resolvers docker
resolvers docker
    nameserver a 127.0.0.11:53   # "the Engine"
    nameserver b udp@[fd00::1]:53
backend shop # service: shop
    server-template s- 1-4 tasks.shop:8080 weight 5
backend "pay"
    default-server ssl verify none
    server-template p 2 tasks.pay:8443 check port 9000
    server-template p 2 127.0.0.1:8443
backend outside
    server one 10.0.0.7:80 check
    server two [fd00::7]:80 resolvers docker
    server loop abns@behind resolvers docker
    server waiting 127.0.0.1:1 no-check backup
`;

t.test('finds the servers of a configuration', async (t) => {
  const { servers, nameServers } = parseConfiguration(configuration);
  t.same(nameServers, ['127.0.0.11:53', '[fd00::1]:53']);
  t.match(servers, [
    {
      backend: 'shop',
      names: ['s-1', 's-2', 's-3', 's-4'],
      host: 'tasks.shop',
      port: 8080,
      tls: false,
      resolved: true,
    },
    { names: ['p1', 'p2'], host: 'tasks.pay', port: 8443, tls: true, checkPort: 9000, resolved: true },
    { host: '127.0.0.1', resolved: false },
    { backend: 'outside', names: ['one'], host: '10.0.0.7', tls: false, checkPort: 0, resolved: false },
    { names: ['two'], host: 'fd00::7', port: 80, resolved: false },
    { names: ['loop'], resolved: false, constant: false },
    { names: ['waiting'], resolved: false, constant: true },
  ]);
});

t.test('no text makes the parsers throw or give what is out of bounds', async (t) => {
  const words = fc.constantFrom(
    'backend',
    'server-template',
    'default-server',
    'resolvers',
    'nameserver',
    '1-99999999999',
    'a:b',
    '"',
    "'",
    'bind',
    'port',
    '\n',
    ' ',
  );
  const text = fc.array(fc.oneof(words, fc.string({ unit: 'binary' }))).map((parts) => parts.join(' '));
  await holds(
    t,
    fc.property(text, (each) => {
      const { servers } = parseConfiguration(each);
      composeState(servers, parseState(each), new Map());
      return servers.every(({ names }) => names.length <= 10_000) && bindingsOf(each) && parseProcesses(each).old >= 0;
    }),
  );
});

const row = (
  backend: string,
  name: string,
  address: string,
  more = '2 0 1 1 7 15 3 2 6 0 0 0 tasks.shop 8000 - 0 0 - - 0',
) => `2 ${backend} 1 ${name} ${address} ${more}`;

t.test('servers with an address move up to the first names, with ports and TLS of the new configuration', async (t) => {
  const { servers } = parseConfiguration(configuration);
  const answer = [
    '1',
    '# heading',
    row('shop', 's-1', '-', '0 32 1 1 7 1 0 0 14 0 0 0 tasks.shop 8000 - 0 0 - - 0'),
    row('shop', 's-2', '10.0.0.2'),
    row('shop', 's-9', '10.0.0.9', '0 0 1 1 7 15 2 0 6 0 0 0 tasks.shop 8000 - 1 0 - - 0'),
    row('gone', 's-1', '10.0.0.3'),
    row('outside', 'waiting', '127.0.0.1', '2 0 1 1 7 1 0 0 0 0 0 0 - 1 - 0 0 - - 0'),
    row('outside', 'one', '10.0.0.7', '0 0 1 1 7 15 2 0 6 0 0 0 - 81 - 0 0 - - 0'),
    row('idle', 's-1', '-', '0 32 1 1 7 1 0 0 14 0 0 0 tasks.idle 8000 - 0 0 - - 0'),
    '',
  ].join('\n');
  const running = parseState(answer);
  t.same([...backendsOf(answer)], ['shop', 'gone', 'outside', 'idle'], 'one that waits for its first task is known');
  const state = composeState(
    servers,
    running,
    new Map([['tasks.pay', ['10.0.1.1', '10.0.1.1', '10.0.1.2', '10.0.1.3']]]),
  );
  const columns = state
    .split('\n')
    .slice(2, -1)
    .map((line) => line.split(' '));
  t.same(
    columns.map((each) => [each[1], each[3], each[4], each[5], each[17], each[18], each[20], each[21]].join(' ')),
    [
      'shop s-1 10.0.0.2 2 tasks.shop 8080 0 0',
      'shop s-2 10.0.0.9 0 tasks.shop 8080 0 0',
      'pay p1 10.0.1.1 2 tasks.pay 8443 1 9000',
      'pay p2 10.0.1.2 2 tasks.pay 8443 1 9000',
      'outside one 10.0.0.7 0 - 80 0 0',
    ],
  );
  t.ok(columns.every((each) => each.length === 25));
});

t.test('whatever runs, no more servers are put in than there are names, and none twice', async (t) => {
  const addresses = fc.uniqueArray(fc.ipV4(), { maxLength: 12 });
  await holds(
    t,
    fc.property(fc.integer({ min: 1, max: 9 }), addresses, addresses, (slots, before, found) => {
      const { servers } = parseConfiguration(
        `backend shop\n server-template s ${slots} tasks.shop:80 resolvers docker\n`,
      );
      const running = parseState(before.map((each, index) => row('shop', `x${index}`, each)).join('\n'));
      const state = composeState(servers, running, new Map([['tasks.shop', found]]));
      const lines = state.split('\n').slice(2, -1);
      const expected = (before.length > 0 ? before : found).slice(0, slots);
      return (
        lines.length === expected.length &&
        lines.every((line, index) => line.split(' ')[3] === `s${index + 1}` && line.split(' ')[4] === expected[index])
      );
    }),
  );
});

t.test('names that never answer cost no more than the limit, and nothing for the others', async (t) => {
  const table = Object.fromEntries(
    Array.from({ length: 150 }, (_, index) => [`tasks.s${index}`, index % 2 ? ['10.0.0.1'] : ('silent' as const)]),
  );
  const server = await startNameServer(t, table);
  const start = performance.now();
  const found = await resolveAll([...Object.keys(table), 'tasks.none'], [server], 300, systemClock);
  const took = performance.now() - start;
  t.ok(took < 800, `${took.toFixed(0)} ms`);
  t.ok(found.size >= 49, 'those asked for in the first hundred are there');
  t.same(await resolveAll(['tasks.s1'], ['no address'], 300, systemClock), new Map());
  t.same(await resolveAll([], [server], 300, systemClock), new Map());
});

t.test('reads the default gateways', async (t) => {
  const routes = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth1\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth2\t00000000\t010012AC\t0003\t0\t0\t9\t00000000\t0\t0\t0
`;
  t.same(defaultGateways(routes), ['172.18.0.1']);
  t.same(defaultGateways(''), []);
  await holds(
    t,
    fc.property(fc.string(), (text) => defaultGateways(text).every((each) => /^[\d.]+$/.test(each))),
  );
});

t.test('completes a bundle with what only the machine knows', async (t) => {
  const paths = { state: '/var/lib/my "folder"/state', adminSocket: '/run/a.sock' };
  const files = withLocalFiles(
    { 'haproxy.cfg': 'x', 'maps/local.lst': '10.0.0.0/8' },
    'abc',
    paths,
    ['172.18.0.1'],
    'haproxy',
  );
  t.equal(files['maps/local.lst'], '10.0.0.0/8\n172.18.0.1\n');
  t.match(files['agent.cfg'], /setenv HOMEOSTAT_REVISION abc\n/);
  t.match(files['agent.cfg'], 'server-state-file "/var/lib/my \\"folder\\"/state"\n');
  t.match(files['agent.cfg'], /user haproxy\n +group haproxy\n/);
  t.notOk('maps/local.lst' in withLocalFiles({}, 'abc', paths, ['172.18.0.1'], undefined), 'no list is made up');
});

t.test('reads the processes, also after a reload that failed', async (t) => {
  const normal =
    '#<PID> <type> <reloads> <uptime> <version>\n10 master 3 [failed: 0] 0d 2.6\n# workers\n12 worker 0 0d 2.6\n# old workers\n11 worker 1 0d 2.6\n9 worker 2 0d 2.6\n# programs\n\n';
  t.same(parseProcesses(normal), { failed: 0, worker: 12, old: 2 });
  t.same(parseProcesses('10 master 3 [failed: 2] 0d 2.6\n# workers\n# old workers\n11 worker 1 0d 2.6\n'), {
    failed: 2,
    worker: 11,
    old: 0,
  });
});

t.test('finds where a configuration listens', async (t) => {
  const text =
    'frontend a\n bind :80,127.0.0.1:81\n bind quic4@:443 ssl\n bind /tmp/x.sock\nlisten b\n bind [::1]:82\n bind ipv4@*:83\n bind 1.2.3.4:9-12\n';
  t.same(
    bindingsOf(text).map(({ host, port, line, frontend }) => `${line} ${frontend} ${host} ${port}`),
    ['2 a  80', '2 a 127.0.0.1 81', '6 b ::1 82', '7 b  83'],
  );
});

t.test('takes no bundle with a file name that is not plain', async (t) => {
  const accept = (name: string) => acceptBundle(bundleOf('haproxy', '', { [name]: '' }), 'haproxy', '');
  for (const name of ['haproxy.cfg', 'maps/hosts.map', 'certs/a-b_c.pem'])
    t.equal(Object.keys(accept(name).files)[0], name);
  for (const name of [
    '',
    '.',
    '..',
    '../x',
    'a/../x',
    '/x',
    'a//b',
    'a/',
    '.x',
    'a/.x',
    'a\\b',
    'a b',
    'a\0',
    'a\n',
    'ä',
    'x'.repeat(201),
  ])
    t.throws(() => accept(name), /file named/, JSON.stringify(name));
  await holds(
    t,
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      try {
        accept(name);
        return /^[\w.-]+(\/[\w.-]+)*$/.test(name) && !name.split('/').some((part) => part.startsWith('.'));
      } catch {
        return true;
      }
    }),
  );
  const many = Object.fromEntries(Array.from({ length: 5001 }, (_, index) => [`f${index}`, '']));
  t.throws(() => acceptBundle(bundleOf('haproxy', '', many), 'haproxy', ''), /at most 5000/);
});

t.test('no value makes it throw anything but a reason', async (t) => {
  await holds(
    t,
    fc.property(fc.anything(), (value) => {
      try {
        acceptBundle(value, 'haproxy', '');
        return false;
      } catch (error) {
        return error instanceof Error && !(error instanceof TypeError);
      }
    }),
  );
});

t.test('pauses grow, are bounded and differ', async (t) => {
  const pauses = [1, 2, 3, 4, 100].map((failures) => pauseAfter(failures, 250, 5000, 0.5));
  t.same(pauses, [250, 500, 1000, 2000, 5000]);
  t.equal(pauseAfter(1, 250, 5000, 0), 125);
  t.equal(pauseAfter(50, 250, 5000, 1), 7500);
});

t.test('words of an engine are told on up to a limit', async (t) =>
  t.ok(new Refusal('x'.repeat(10_000)).message.length <= 8000),
);
