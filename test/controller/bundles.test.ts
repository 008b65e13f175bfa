import t from 'tap';
import type { AgentReport } from '../../runner/common/bundle';
import { Agents, parseReport } from '../../runner/controller/agents';
import { Bundles } from '../../runner/controller/bundles';
import { metricsText } from '../../runner/common/metrics';
import { PassMetrics } from '../../runner/controller/metrics';
import { guiltyServices } from '../../runner/proxy/guilty';

const config = (service: string) => `global\n\n# service: ${service}\nbackend ${service}:0\n  broken secret-password\n`;
const guilty = (files: Record<string, string>, message: string) => guiltyServices(files['haproxy.cfg']!, message);
const hashes = new Map([['shop', 'h1']]);

function shelf() {
  let time = 0;
  const bundles = new Bundles(() => time);
  const publish = (text: string) => {
    time += 1000;
    bundles.publish('haproxy', '', { 'haproxy.cfg': text }, hashes, ['secret-password']);
    return bundles.get('haproxy', '')!.revision;
  };
  return { bundles, publish };
}

t.test(
  'who is to blame for a refused bundle: the services that its message names, with the labels they had',
  async (t) => {
    const { bundles, publish } = shelf();
    const revision = publish(config('shop'));
    const message = "[ALERT] (1) : config : parsing [haproxy.cfg:5] : unknown keyword 'secret-password'";
    const blame = bundles.blame('haproxy', '', { revision, message }, guilty);
    t.same(blame?.services, [{ name: 'shop', hash: 'h1' }]);
    t.notMatch(blame?.message, /secret-password/, 'passwords in it are masked');
    publish(config('other'));
    t.ok(bundles.blame('haproxy', '', { revision, message }, guilty), 'one that was just replaced is known');
    t.equal(bundles.blame('haproxy', '', { revision: 'ffff', message }, guilty), undefined);
  },
);

t.test('a refusal that nobody can be named for: the last bundle that ran stays, until there is another', async (t) => {
  const { bundles, publish } = shelf();
  const good = publish('good');
  bundles.confirm('haproxy', '', good);
  const bad = publish('bad');
  let told = 0;
  bundles.onChange(() => told++);
  t.ok(bundles.block('haproxy', '', { revision: bad, message: 'no memory' }));
  t.equal(bundles.get('haproxy', '')!.revision, good);
  t.equal(told, 1);
  t.match(bundles.list(), [{ revision: good, blocked: { revision: bad, message: 'no memory' } }]);
  t.equal(publish('bad'), good, 'rendering the same again changes nothing');
  t.notOk(bundles.block('haproxy', '', { revision: bad, message: 'no memory' }), 'it is told once');
  t.not(publish('better'), good);
  t.equal(bundles.list()[0]!.blocked, undefined);
});

t.test('without a bundle that ran, agents keep what they have', async (t) => {
  const { bundles, publish } = shelf();
  const bad = publish('bad');
  bundles.block('haproxy', '', { revision: bad, message: 'no' });
  t.equal(bundles.get('haproxy', '')!.revision, bad);
});

t.test('an instance that is not there any more has no bundle', async (t) => {
  const { bundles, publish } = shelf();
  publish('one');
  bundles.publish('haproxy', 'inside', {}, hashes, []);
  bundles.retain('haproxy', new Set(['']));
  t.equal(bundles.get('haproxy', 'inside'), undefined);
  t.ok(bundles.get('haproxy', ''));
});

const report = (more: Partial<AgentReport> = {}): AgentReport => ({
  ...{ engine: 'haproxy', instance: '', agent: 'a1', node: 'n1', version: '1', engineVersion: '3.0', running: 'aa' },
  ...{ reloads: 1, ...more },
});

t.test(
  'an agent is behind when it had five seconds to run what is published, and forgotten after ten minutes',
  async (t) => {
    let time = 1_000_000;
    const agents = new Agents(() => time);
    const bundle = { engine: 'haproxy' as const, instance: '', revision: 'bb', since: time };
    agents.report(report());
    const behind = () => agents.states([bundle]).map((state) => state.behind);
    time += 5_000;
    t.same(behind(), [false]);
    time += 1;
    t.same(behind(), [true]);
    agents.report(report({ running: 'bb' }));
    t.same(behind(), [false]);
    time += 599_000;
    agents.touch('haproxy', '', 'a1');
    time += 599_000;
    t.equal(behind().length, 1, 'a question is a sign of life');
    time += 2_000;
    t.same(behind(), []);
  },
);

t.test('an agent whose place another one took is not behind, it is gone', async (t) => {
  let time = 1_000_000;
  const agents = new Agents(() => time);
  const names = () => agents.states([]).map(({ agent }) => agent);
  agents.report(report({ agent: 'old' }));
  agents.report(report({ agent: 'elsewhere', node: 'n2' }));
  agents.report(report({ agent: 'other', engine: 'prometheus' }));
  agents.report(report({ agent: 'nowhere', node: '' }));
  time += 1000;
  agents.report(report({ agent: 'new' }));
  agents.report(report({ agent: 'anywhere', node: '' }));
  t.same(names(), ['anywhere', 'nowhere', 'new', 'elsewhere', 'other']);
  time += 1000;
  agents.touch('haproxy', '', 'old');
  t.same(
    names(),
    ['anywhere', 'nowhere', 'new', 'old', 'elsewhere', 'other'],
    'two of one node that both live are told',
  );
});

t.test('the same refusal told twice is one', async (t) => {
  const agents = new Agents(() => 0);
  const refused = { revision: 'cc', message: 'no' };
  t.ok(agents.report(report({ refused })));
  t.notOk(agents.report(report({ refused })));
  t.ok(agents.report(report({ refused: { ...refused, revision: 'dd' } })));
  t.equal(agents.refusals, 2);
});

t.test('agents are not more than a thousand', async (t) => {
  const agents = new Agents(() => 0);
  for (let count = 0; count < 1100; count++) agents.report(report({ agent: `a${count}` }));
  t.equal(agents.states([]).length, 1000);
});

t.test('a report that is none is refused with what is wrong', async (t) => {
  t.same(parseReport(report()), { report: report() });
  for (const wrong of [null, [], 'x', {}, { ...report(), engine: 'nginx' }, report({ running: '../../etc' })])
    t.ok('problem' in parseReport(wrong));
  t.match(parseReport(report({ agent: 'a b' })), { problem: /^agent: / });
});

t.test('metrics are in the text form of Prometheus, whatever a label holds', async (t) => {
  const metrics = new PassMetrics();
  metrics.observe('published', 0.02);
  metrics.observe('failed', 20);
  const text = metricsText([
    ...metrics.families(),
    { name: 'x', type: 'gauge', help: 'X.', samples: [{ labels: { a: 'q"\\\n' }, value: 1 }] },
  ]);
  t.match(text, 'homeostat_controller_passes_total{result="published"} 1\n');
  t.match(text, 'homeostat_controller_pass_duration_seconds_bucket{le="0.025"} 1\n');
  t.match(text, 'homeostat_controller_pass_duration_seconds_bucket{le="15"} 1\n');
  t.match(text, 'homeostat_controller_pass_duration_seconds_bucket{le="+Inf"} 2\n');
  t.match(text, 'homeostat_controller_pass_duration_seconds_count 2\n');
  t.match(text, 'x{a="q\\"\\\\\\n"} 1\n');
});
