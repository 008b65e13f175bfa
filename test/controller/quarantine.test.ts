import fc from 'fast-check';
import t from 'tap';
import { DescribedLabels } from '../../runner/controller/described-labels';
import { judge, type Surroundings } from '../../runner/controller/judge';
import type { Version } from '../../runner/controller/model';
import { proxyNetworks } from '../../runner/controller/networks';
import { decide, ServedVersions, type AcceptedRecord } from '../../runner/controller/quarantine';
import { defaultLabelSettings } from '../../runner/labels/description';
import type { ServiceFacts } from '../../runner/swarm/facts';
import { holds } from '../common/support';
import { badPort, listing, route, service } from './support';

const surroundings = (refused: Record<string, string> = {}): Surroundings => ({
  labels: defaultLabelSettings,
  described: new DescribedLabels(defaultLabelSettings),
  networks: (instance) => proxyNetworks(listing([]), instance, ['proxy']),
  users: { fingerprint: '', of: () => ({ problem: 'there is no such secret' }) },
  refused: (name, hash) => refused[`${name}/${hash}`],
});

const version = (labels: Record<string, string>, networks = ['net-proxy']): Version => ({
  labels: { 'com.df.notify': 'true', ...labels },
  networks,
});

function decided(
  facts: ServiceFacts,
  {
    record,
    served = [],
    refused,
  }: { record?: AcceptedRecord; served?: Version[]; refused?: Record<string, string> } = {},
) {
  const decision = decide(facts, record, served, (each) => judge(facts, each, surroundings(refused)));
  return { ...decision, path: decision.served?.description?.destinations[0]?.paths[0] };
}

t.test('a good service is served as it is', async (t) => {
  t.match(decided(service('shop', route('/a'))), { state: 'accepted', path: '/a', lastGood: false, problems: [] });
});

t.test('a service that does not take part is left alone, and its record is forgotten', async (t) => {
  const record = { service: 'id-shop', version: version(route('/a')) };
  t.match(decided(service('shop', { 'com.df.notify': 'false', ...route('/a') }), { record }), {
    state: 'ignored',
    served: undefined,
    forget: true,
  });
});

t.test('a bad service without a past is left out', async (t) => {
  const decision = decided(service('shop', badPort('/a')));
  t.match(decision, { state: 'quarantined', served: undefined, lastGood: false, keep: undefined });
  t.match(decision.problems, [{ severity: 'error', label: 'com.df.port', message: /80a/ }]);
});

t.test('labels that turn bad: what the Swarm knows of the spec before is served, and kept', async (t) => {
  const facts = service('shop', badPort('/b'), { previous: version(route('/a')) });
  t.match(decided(facts), { state: 'quarantined', path: '/a', lastGood: true, keep: version(route('/a')) });
});

t.test('what this controller served counts before what the Swarm knows', async (t) => {
  const facts = service('shop', badPort('/c'), { previous: version(route('/b')) });
  t.match(decided(facts, { served: [version(route('/a'))] }), { path: '/a' });
});

t.test('what the store has counts before everything, so that all controllers serve the same', async (t) => {
  const facts = service('shop', badPort('/c'), { previous: version(route('/b')) });
  const record = { service: 'id-shop', version: version(route('/a')) };
  t.match(decided(facts, { record, served: [version(route('/x'))] }), { path: '/a', keep: undefined, forget: false });
});

t.test('the past of a service of the same name that was removed does not count', async (t) => {
  const record = { service: 'id-of-another', version: version(route('/a')) };
  t.match(decided(service('shop', badPort('/c')), { record }), { served: undefined, lastGood: false, forget: true });
});

t.test('a service that is good again is served as it is, and its record is forgotten', async (t) => {
  const record = { service: 'id-shop', version: version(route('/a')) };
  t.match(decided(service('shop', route('/b')), { record }), { state: 'accepted', path: '/b', forget: true });
});

t.test('labels that an engine refused are bad until they change, and say why', async (t) => {
  const facts = service('shop', route('/b'), { previous: version(route('/a')) });
  const { hash } = judge(facts, facts, surroundings());
  const refused = { [`shop/${hash}`]: 'unknown keyword' };
  t.match(decided(facts, { refused }), {
    state: 'quarantined',
    path: '/a',
    problems: [{ severity: 'error', message: /the proxy refused it: unknown keyword/ }],
  });
  t.match(decided(service('shop', route('/c')), { refused }), { state: 'accepted', path: '/c' });
  t.match(decided(service('other', route('/b')), { refused }), { state: 'accepted' }, 'and of this service only');
});

t.test('a version before that was refused as well is not served', async (t) => {
  const facts = service('shop', badPort('/b'), { previous: version(route('/a')) });
  const { hash } = judge(facts, version(route('/a')), surroundings());
  t.match(decided(facts, { refused: { [`shop/${hash}`]: 'no' } }), { served: undefined });
});

t.test('a service on none of the networks of the proxy is left out, and says which they are', async (t) => {
  const decision = decided(service('shop', route('/a'), { networks: ['net-other'] }));
  t.match(decision, { state: 'quarantined', served: undefined });
  t.match(decision.problems, [{ severity: 'error', message: /none of the proxy's networks \(proxy\)/ }]);
});

t.test('networks of the services that are labelled as proxies count', async (t) => {
  const proxy = service('edge', { 'com.homeostat.proxy': 'inside' }, { networks: ['net-other'] });
  t.same(proxyNetworks(listing([proxy]), 'inside', ['proxy']).names, ['other', 'proxy']);
  t.same(proxyNetworks(listing([proxy]), '', ['proxy']).names, ['proxy']);
  t.same(proxyNetworks(listing([]), '', ['nowhere']).names, [], 'nothing can be said');
});

t.test('versions that were served are remembered, two of each service, and forgotten with it', async (t) => {
  const versions = new ServedVersions();
  const remember = (path: string, ids = ['id-shop']) => {
    const judged = judge(service('shop', {}), version(route(path)), surroundings());
    versions.remember(new Map([['id-shop', judged]]), new Set(ids));
  };
  for (const path of ['/a', '/b', '/b', '/c']) remember(path);
  t.same(
    versions.of('id-shop').map(({ labels }) => labels['com.df.servicePath']),
    ['/c', '/b'],
  );
  versions.remember(new Map(), new Set());
  t.same(versions.of('id-shop'), []);
});

/** A short life of a service: paths of good versions, and undefined for bad ones. */
const life = fc.array(fc.option(fc.constantFrom('/a', '/b', '/c'), { nil: undefined, freq: 2 }), {
  minLength: 1,
  maxLength: 12,
});

t.test('after any life, a controller that saw it all and one that was just started serve the same', async (t) =>
  holds(
    t,
    fc.property(life, (paths) => {
      const versions = new ServedVersions();
      let record: AcceptedRecord | undefined;
      let previous: Version | undefined;
      let lastGood: string | undefined;
      return paths.every((path, index) => {
        const present = version(
          path === undefined ? { ...badPort('/x'), 'com.df.reqMode': String(index) } : route(path),
        );
        const facts = service('shop', present.labels, { ...(previous ? { previous } : {}) });
        previous = present;
        const seen = decided(facts, { ...(record ? { record } : {}), served: versions.of(facts.id) });
        if (seen.forget) record = undefined;
        if (seen.keep) record = { service: facts.id, version: seen.keep };
        if (seen.served) versions.remember(new Map([[facts.id, seen.served]]), new Set([facts.id]));
        if (path !== undefined) lastGood = path;
        const fresh = decided(facts, record ? { record } : {});
        return seen.path === lastGood && fresh.path === lastGood;
      });
    }),
  ),
);
