import t from 'tap';
import { clusterTroubles, endOf, type ClusterView } from '../../runner/controller/cluster-troubles';
import type { ServiceState } from '../../runner/controller/model';
import type { NodeFacts } from '../../runner/swarm/facts';

const now = Date.parse('2026-01-01T12:00:00Z');
const node = (more: Partial<NodeFacts> = {}): NodeFacts => ({
  ...{ id: 'n1', hostname: 'one', address: '10.0.0.1', version: 1, state: 'ready', role: 'worker' },
  ...{ availability: 'active', labels: {}, engineLabels: {} },
  ...more,
});
const view = (more: Partial<ClusterView> = {}): ClusterView => ({
  ...{ scope: 'com.df.notify', services: [], nodes: [node()], certificates: [] },
  ...more,
});
const service = (state: ServiceState['state']) =>
  ({
    name: 'shop',
    state,
    lastGood: false,
    problems: [{ severity: 'error', label: 'com.df.port', message: 'is 80a' }],
    routes: [],
  }) as unknown as ServiceState;
const stories = (more: Partial<ClusterView>) => clusterTroubles(view(more), now).map(({ story }) => story);

t.test('a cluster with nothing wrong has no stories', async (t) => {
  t.same(stories({ services: [service('accepted'), service('ignored')] }), []);
  t.same(stories({ certificates: [{ name: 'a' }, { name: 'b', notAfter: '2026-02-01T00:00:00Z' }] }), []);
});

t.test('what is wrong is told by service, node and certificate', async (t) => {
  const wrong = {
    nodes: [node(), node({ id: 'n2', hostname: 'two', state: 'down' })],
    services: [service('quarantined')],
    certificates: [{ name: 'c', notAfter: '2026-01-03T00:00:00Z' }],
  };
  const found = clusterTroubles(view(wrong), now);
  t.same(
    found.map(({ title }) => title),
    ['node two is lost', 'shop: its labels are wrong', 'the certificate c ends soon'],
  );
  t.same(found[1]!.lines, ['it has no route until they are right', 'com.df.port: is 80a']);
  t.match(clusterTroubles(view({ certificates: [{ name: 'c', notAfter: '2025-12-31T00:00:00Z' }] }), now)[0], {
    title: 'the certificate c has ended',
  });
  t.same(
    found.map(endOf).map(({ title, ended }) => [title, ended]),
    [
      ['node two is back', true],
      ['shop: its labels are good again', true],
      ['the certificate c is good again', true],
    ],
  );
});

t.test('a hundred services that are wrong at once are no flood', async (t) => {
  const services = Array.from({ length: 100 }, (_, index) => ({ ...service('quarantined'), name: `s${index}` }));
  t.equal(stories({ services }).length, 30);
});

t.test('controllers for other services tell of theirs', async (t) => {
  const services = [service('quarantined')];
  t.not(stories({ services })[0], stories({ services, scope: 'other' })[0]);
});
