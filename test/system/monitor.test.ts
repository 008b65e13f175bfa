import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { Service } from '../../runner/swarm/types';
import { judgeMonitor } from '../../runner/system/checks/monitor';
import { systemSchema } from '../../runner/system/system-file';
import { controllerEnvironment, parseSettings } from '../../runner/system/controller-environment';
import { alertLines, alertRows, engineRows, monitorProblems, targetLines } from '../../runner/system/monitor-render';
import { activeAlerts, readMonitor, type ActiveAlert, type MonitorStatus } from '../../runner/system/monitor-status';
import { addToState, including, readState } from '../../runner/system/state';
import { failureOf, holds, testContext } from '../common/support';

function folderOf(t: Test, settings?: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-system-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  if (settings !== undefined) writeFileSync(path.join(folder, 'settings.env'), settings);
  return folder;
}

const environment = (folder: string) =>
  controllerEnvironment({
    ...{ folder, registryPort: 5000, httpPort: 80, httpsPort: 443, controllerPort: 7080, jobsPort: 8080 },
    ...{ prometheusPort: 9090, alertmanagerPort: 19093 },
    system: { ...systemSchema.parse({}), engine: 'embedded' as const, folder },
  });

t.test('settings.env: everything that is wrong is told, and what is allowed', async (t) => {
  const wrong = [
    'HOMEOSTAT_ALERTING_JOB_URL=not a url',
    'HOMEOSTAT_MONITOR_SAMPLE_LIMIT=many',
    'HOMEOSTAT_PROXY_CONTROLLER',
    'DEFAULT_PORTS=80,nonsense',
  ].join('\n');
  const { code, message, evidence } = await failureOf(() => environment(folderOf(t, wrong)));
  t.equal(code, 'USAGE_INVALID');
  t.match(message, /settings\.env/);
  t.match(evidence.join('\n'), /line 3 is not NAME=value/);
  t.match(evidence.join('\n'), /HOMEOSTAT_ALERTING_JOB_URL is 'not a url'; allowed is/);
  t.match(evidence.join('\n'), /HOMEOSTAT_MONITOR_SAMPLE_LIMIT/);
  t.match(evidence.join('\n'), /DEFAULT_PORTS/);
});

t.test('settings.env wins over what the system itself says, and leaves the rest', async (t) => {
  const alone = await environment(folderOf(t));
  t.match(alone, /^HOMEOSTAT_ALERTING_JOB_URL=http:\/\/homeostat-jobs:8080$/m);
  t.match(alone, /^HOMEOSTAT_ALERTING_EXTERNAL_URL=http:\/\/127\.0\.0\.1:19093$/m);
  const text = '# ours\n\nHOMEOSTAT_ALERTING_JOB_URL=https://ci.example.com\nHOMEOSTAT_ALERTING_SLACK_CHANNEL= x\r\n';
  const merged = await environment(folderOf(t, text));
  t.match(merged, /^HOMEOSTAT_ALERTING_JOB_URL=https:\/\/ci\.example\.com$/m);
  t.notMatch(merged, /homeostat-jobs:8080/);
  t.match(merged, /^HOMEOSTAT_ALERTING_SLACK_CHANNEL=x$/m);
  t.match(merged, /^HOMEOSTAT_ALERTING_JOB_USER=alertmanager$/m);
});

t.test('what is written as NAME=value is read so, whatever the value', (t) => {
  const name = fc.stringMatching(/^[A-Z_][A-Z0-9_-]{0,20}$/);
  const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/);
  const lines = fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key });
  return holds(
    t,
    fc.property(lines, (pairs) => {
      const text = pairs.map(([key, each]) => `${key}=${each}`).join('\n# a comment\n\n');
      const { values, problems } = parseSettings(text);
      return problems.length === 0 && pairs.every(([key, each]) => values[key] === each);
    }),
  );
});

t.test('changes of the state at the same time are all kept', async (t) => {
  const folder = folderOf(t);
  const names = Array.from({ length: 20 }, (_, index) => `stack${index}`);
  await Promise.all(
    names.map((name) => addToState(folder, (state) => ({ ...state, stacks: including(state.stacks, name) }))),
  );
  t.same((await readState(folder)).stacks.sort(), names.sort());
  const broken = addToState(folder, () => {
    throw new Error('no');
  });
  await t.rejects(broken, { message: 'no' });
  await addToState(folder, (state) => ({ ...state, swarm: true }));
  t.equal((await readState(folder)).swarm, true, 'one that fails holds up no other');
});

const service = (label: string, port: number): Service =>
  ({
    ID: label,
    Version: { Index: 1 },
    Spec: { Name: label, Labels: { [label]: '', 'com.df.srcPort': String(port) } },
  }) as unknown as Service;

t.test('what cannot be asked is told, and the rest is told all the same', async (t) => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  t.equal(await readMonitor([], testContext()), undefined, 'a Swarm may do without');
  const read = await readMonitor([service('com.homeostat.prometheus', port)], testContext());
  t.match(read, { targets: { up: 0, down: [] }, alerts: [], rules: [], engines: [] });
  t.same(read!.problems.length, 3);
  t.match(read!.problems.join('\n'), /Prometheus does not answer: .*ECONNREFUSED/);
  t.match(read!.problems.join('\n'), /there is no Alertmanager/);
  t.match(read!.problems.join('\n'), /there is no controller/);
  t.match(judgeMonitor(read), { verdict: 'failed', detail: /Prometheus does not answer/ });
});

const since = '2026-01-01T12:00:00Z';
const prometheusAlert = (name: string, state: 'pending' | 'firing', labels: Record<string, string> = {}) => ({
  labels: { alertname: name, severity: 'warning', ...labels },
  annotations: { summary: `${name}!` },
  state,
  activeAt: since,
});

t.test('an alert is told with who gets it, and whether it is held back', async (t) => {
  const up = prometheusAlert('busy', 'firing', { service: 'shop', receiver: 'system', scale: 'up' });
  const slow = prometheusAlert('slow', 'firing');
  const soon = prometheusAlert('soon', 'pending');
  const unheard = prometheusAlert('unheard', 'firing');
  const taken = [
    {
      labels: up.labels,
      receivers: [{ name: 'homeostat/scale/shop/up' }, { name: 'homeostat/none' }],
      status: { state: 'active' },
    },
    { labels: slow.labels, receivers: [{ name: 'homeostat/people' }], status: { state: 'suppressed' } },
    { labels: soon.labels, receivers: [{ name: 'homeostat/people' }], status: { state: 'active' } },
  ];
  const destinations = {
    'homeostat/scale/shop/up': 'job service-scale, up',
    'homeostat/none': 'nobody',
    'homeostat/people': 'Slack #ops',
  };
  t.match(activeAlerts([soon, slow, up, unheard], taken, destinations), [
    { name: 'busy', service: 'shop', state: 'firing', to: ['job service-scale, up'], silenced: false, scales: true },
    { name: 'slow', state: 'firing', to: ['Slack #ops'], silenced: true, scales: false },
    { name: 'unheard', to: [] },
    { name: 'soon', state: 'pending', to: [] },
  ]);
});

const alert = (name: string, more: Partial<ActiveAlert> = {}): ActiveAlert => ({
  ...{
    name,
    severity: 'warning',
    state: 'firing',
    since,
    summary: 'so',
    silenced: false,
    to: ['Slack #ops'],
    scales: false,
  },
  ...more,
});
const well: MonitorStatus = {
  problems: [],
  engines: [{ engine: 'prometheus', engineVersion: '2.53.3', running: '0123456789abcdef', behind: false }],
  targets: { up: 3, down: [] },
  alerts: [],
  rules: [{ name: 'shop_busy', service: 'shop', to: ['job service-scale, up'] }],
};

t.test('what needs nobody is no problem: scaling, what is held back, what only may come', async (t) => {
  const calm = [
    alert('scaling', { scales: true }),
    alert('silent', { silenced: true }),
    alert('soon', { state: 'pending' }),
    alert('note', { severity: 'info' }),
  ];
  t.same(monitorProblems({ ...well, alerts: calm }), []);
  t.match(judgeMonitor({ ...well, alerts: calm }), { verdict: 'ok', detail: /3 targets are measured, 1 alerts/ });
  const bad = [alert('full'), alert('full'), alert('limit', { scales: true, severity: 'critical' })];
  t.same(monitorProblems({ ...well, alerts: bad }), ['firing: full, limit']);
  t.match(judgeMonitor({ ...well, alerts: bad }), { verdict: 'warning', detail: /full/ });
  t.match(judgeMonitor(undefined), { verdict: 'ok', detail: /homeostat up/ });
});

t.test('status lines of the monitor', async (t) => {
  const down = { job: 'shop_web', instance: '10.0.1.7:8080', error: 'connection refused\nmore' };
  const refused = { revision: 'ffff0000ffff0000', message: 'no such thing\nat line 3' };
  const ill: MonitorStatus = {
    problems: ['Alertmanager does not answer: timeout'],
    engines: [
      { ...well.engines[0]!, refused },
      { ...well.engines[0]!, engine: 'alertmanager', running: '', behind: true },
    ],
    targets: { up: 2, down: Array.from({ length: 12 }, () => down) },
    alerts: [alert('full', { since: '2026-01-01T11:58:00Z' }), alert('quiet', { silenced: true, to: ['x'] })],
    rules: [...well.rules, { name: 'shop_idle', service: 'shop', to: [] }],
  };
  t.same(targetLines(ill).slice(0, 3), [
    'Alertmanager does not answer: timeout',
    '2 of 14 targets are measured',
    '! shop_web at 10.0.1.7:8080: connection refused',
  ]);
  t.equal(targetLines(ill).at(-1), 'and 2 more');
  t.same(engineRows(ill), [
    ['! Prometheus 2.53.3', 'revision 01234567', 'refused ffff0000: no such thing'],
    ['! Alertmanager 2.53.3', 'nothing loaded yet', 'behind'],
  ]);
  t.same(alertRows(ill, new Date(since)), [
    ['! full', 'firing', 'for 2 min', '→ Slack #ops', 'so'],
    ['· quiet', 'firing', 'for 0 s', 'held back', 'so'],
  ]);
  t.same(alertLines(ill, 'shop'), ['alerts: shop_busy → job service-scale, up; shop_idle → not known']);
  t.same(alertLines(ill, 'other'), []);
  t.same(monitorProblems(ill).length, 5);
  t.same(
    [targetLines(undefined), engineRows(undefined), alertRows(undefined, new Date()), monitorProblems(undefined)],
    [[], [], [], []],
  );
});
