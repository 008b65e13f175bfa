import t from 'tap';
import { DescribedLabels } from '../../runner/controller/described-labels';
import { judge } from '../../runner/controller/judge';
import { proxyNetworks } from '../../runner/controller/networks';
import { imagesToKnow, planServices } from '../../runner/controller/plan';
import { decide } from '../../runner/controller/quarantine';
import { renderInstance } from '../../runner/controller/render';
import { parseUsers, readSecretUsers, type SecretUsers } from '../../runner/controller/secret-users';
import { serviceStates } from '../../runner/controller/service-states';
import { defaultLabelSettings } from '../../runner/labels/description';
import type { ProxySettings } from '../../runner/proxy/model';
import type { ServiceFacts } from '../../runner/swarm/facts';
import { badPort, listing, route, service } from './support';

const noUsers: SecretUsers = { fingerprint: '', of: () => ({ problem: 'no secret' }) };

function plan(
  services: ServiceFacts[],
  users = noUsers,
  imageTest = (_image: string): string[] | undefined => undefined,
) {
  const swarm = listing(services);
  const surroundings = {
    labels: defaultLabelSettings,
    described: new DescribedLabels(defaultLabelSettings),
    networks: (instance: string) => proxyNetworks(swarm, instance, ['proxy']),
    users,
    refused: () => undefined,
  };
  const decisions = new Map(
    services.map((each) => [each.name, decide(each, undefined, [], (version) => judge(each, version, surroundings))]),
  );
  const made = planServices(swarm, decisions, ['', 'inside'], imageTest);
  return { ...made, swarm, decisions, usual: made.proxied.get('')! };
}

const names = (list: { description: { name: string } }[] = []) => list.map(({ description }) => description.name);

t.test('what is routed: services that take part and have a route, in the order of their names', async (t) => {
  const made = plan([
    service('a', route('/a')),
    service('b', { 'com.df.scrapePort': '80' }),
    service('c', { 'com.df.notify': 'no', ...route('/c') }),
    service('d', badPort('/d')),
    service('e', route('/e')),
  ]);
  t.same(names(made.usual), ['a', 'e']);
});

t.test('a service that is scaled to nothing and a job have no route', async (t) => {
  const { replicas, ...job } = service('job', route('/j'), { mode: 'job' });
  t.same(names(plan([service('a', route('/a'), { replicas: 0 }), job]).usual), [], String(replicas));
});

t.test('each instance gets its own services, and one that has none is there', async (t) => {
  const inside = service('in', { ...route('/in'), 'com.df.proxyInstanceName': 'other' });
  const { proxied } = plan([service('a', route('/a')), inside]);
  t.same(
    [...proxied].map(([instance, list]) => [instance, names(list)]),
    [
      ['', ['a']],
      ['inside', []],
      ['other', ['in']],
    ],
  );
});

t.test('scaling within the labels does not change what the proxy gets', async (t) => {
  const scaled = (replicas: number) =>
    plan([
      service('a', { ...route('/a'), 'com.df.scaleMax': '10' }, { replicas, running: replicas, wanted: replicas }),
    ]);
  t.same(scaled(1).usual, scaled(10).usual);
});

t.test('the health check: of the label, of the service, of its image', async (t) => {
  const test = ['CMD-SHELL', 'curl -f http://localhost:8080/image'];
  const check = (labels: Record<string, string>, more: Partial<ServiceFacts> = {}) =>
    plan([service('a', { ...route('/a'), ...labels }, more)], noUsers, () => test).usual[0]!.check;
  t.same(check({}), { path: '/image', port: 8080 });
  t.same(check({}, { healthcheck: ['CMD', 'wget', 'http://localhost/own'] }), { path: '/own', port: 80 });
  t.same(check({}, { healthcheck: ['NONE'] }), undefined);
  t.same(check({ 'com.df.checkPath': '/label' }), { path: '/label' });
  t.same(check({ 'com.df.checkPath': 'none' }), undefined);
  const own = service('b', route('/b'), { healthcheck: ['NONE'], image: 'x' });
  const { swarm, decisions } = plan([service('a', route('/a')), own, service('c', badPort('/c'), { image: 'y' })]);
  t.same([...imagesToKnow(swarm, decisions)], ['some/image'], 'only images whose check counts are looked for');
});

t.test('users come from a secret; without it the service is not served openly', async (t) => {
  const labels = { ...route('/a'), 'com.df.usersSecret': 'shop' };
  const folder = t.testdir({ dfp_users_shop: 'anna:one,\nbert:t:wo\n', dfp_users_bad: 'anna' });
  const users = await readSecretUsers(folder);
  t.same(plan([service('a', labels)], users).usual[0]!.secretUsers, [
    { name: 'anna', password: 'one' },
    { name: 'bert', password: 't:wo' },
  ]);
  for (const secret of ['missing', 'bad', '../shop']) {
    const made = plan([service('a', { ...labels, 'com.df.usersSecret': secret })], users);
    t.same(made.usual, [], secret);
    t.match(made.services[0]!.decision, { state: 'quarantined', problems: [{ severity: 'error' }] }, secret);
  }
  t.not(users.fingerprint, (await readSecretUsers('/nowhere')).fingerprint);
});

t.test('a wrong secret of users is told of without its content', async (t) => {
  for (const text of ['geheim', ':geheim', 'a b:geheim', 'a:', '', 'x'.repeat(300_000)]) {
    const parsed = parseUsers(text);
    t.ok('problem' in parsed);
    t.notMatch(JSON.stringify(parsed), /geheim/);
  }
});

t.test('states: routes, refusals, replicas and slots of every service', async (t) => {
  const made = plan([
    service('a', route('/a'), { running: 1, wanted: 3 }),
    service('b', route('/a')),
    service('c', {}),
  ]);
  const output = {
    files: {},
    routes: [{ service: 'a', route: 'http://*/a', backend: 'a' }],
    refusals: [{ service: 'b', severity: 'error' as const, message: 'a has this route already' }],
  };
  const states = serviceStates(made, new Map([['', output]]), made.swarm);
  t.match(states, [
    { name: 'a', state: 'accepted', routes: ['http://*/a'], replicas: { running: 1, wanted: 3 }, problems: [] },
    { name: 'b', state: 'quarantined', routes: [], problems: [{ message: /a has this route/ }] },
    { name: 'c', state: 'accepted', routes: [], slots: 0 },
  ]);
  t.ok(states[0]!.slots >= 3);
});

t.test('a service that breaks the renderer is left out, and the others are served', async (t) => {
  const { usual } = plan([service('a', route('/a')), service('b', route('/b')), service('c', route('/c'))]);
  const render = ({ services }: { services: typeof usual }) => {
    if (services.some(({ description }) => description.name === 'b')) throw new Error('a defect');
    return { files: { names: names(services).join() }, refusals: [], routes: [] };
  };
  const output = renderInstance(usual, [], {} as ProxySettings, render);
  t.equal(output.files.names, 'a,c');
  t.match(output.refusals, [{ service: 'b', severity: 'error', message: /a defect/ }]);
  t.throws(() =>
    renderInstance(usual, [], {} as ProxySettings, () => {
      throw new Error('always');
    }),
  );
});
