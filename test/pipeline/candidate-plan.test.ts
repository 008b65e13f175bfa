import fc from 'fast-check';
import t from 'tap';
import {
  candidateName,
  candidateStack,
  requireCandidateNames,
  serviceLabel,
} from '../../runner/pipeline/candidate-plan';
import { configSchema, type Config } from '../../runner/pipeline/config';
import { parseStackFile, type Tree } from '../../runner/pipeline/stack-file';
import { failureOf, holds } from '../common/support';

const config = (more: object = {}): Config => ({
  ...configSchema.parse({ name: 'web', image: 'registry/web', ...more }),
  folder: '/x',
});
const image = `registry/web@sha256:${'1'.repeat(64)}`;
const plan = (text: string, more: object = {}) =>
  candidateStack(parseStackFile(text, 'stack.yml', '/x', {}), config(more), image) as Record<
    string,
    Record<string, Tree>
  >;

t.test('nothing of a candidate can be reached or shared from outside', async (t) => {
  const { services, networks, volumes, secrets, configs } = plan(`services:
  web:
    image: old
    ports: ["80:80"]
    networks: [front, proxy, own]
    deploy:
      replicas: 9
      endpoint_mode: vip
      labels: {com.df.notify: "true", com.df.servicePath: /}
      placement: {constraints: [node.role==worker]}
    volumes: [data:/data]
  db:
    image: db
    deploy: {mode: global, labels: [com.df.notify=true]}
    networks: {own: {aliases: [database]}, proxy: null}
networks:
  front: {name: production-front}
  own: {driver: overlay, attachable: false}
  proxy: {external: true}
volumes:
  data: {name: production-data, driver: nfs}
secrets:
  file: {file: ./key, name: production-key}
  outside: {external: true, name: shared}
configs:
  nginx: {file: ./nginx.conf, name: production-nginx}
`);
  t.match(services!.web, { image, networks: ['front', 'own', 'default'] });
  t.equal(services!.db!.image, 'db', 'only the service under test gets another image');
  for (const service of Object.values(services!)) {
    t.notOk('ports' in service);
    const deploy = service.deploy as Tree;
    t.same(deploy.labels, { [serviceLabel]: 'web' });
    t.match(deploy, { replicas: 1, endpoint_mode: 'dnsrr' });
    t.notOk('mode' in deploy, 'a global service runs once');
  }
  t.match(services!.web!.deploy, { placement: { constraints: ['node.role==worker'] } }, 'the rest stays');
  t.same(services!.db!.networks, { default: null, own: { aliases: ['database'] } });
  t.same(Object.keys(networks!).sort(), ['default', 'front', 'own'], 'external networks are left out');
  for (const network of Object.values(networks!))
    t.match(network, { driver: 'overlay', attachable: true, labels: { [serviceLabel]: 'web' }, name: undefined });
  t.same(volumes, { data: {} });
  t.same(secrets, { file: { file: './key' }, outside: { external: true, name: 'shared' } });
  t.same(configs, { nginx: { file: './nginx.conf' } });
});

t.test('external networks are joined when homeostat.yml names them, by either name', async (t) => {
  const text = `services:\n  web: {image: x, networks: [a, b, c]}
networks: {a: {external: true}, b: {external: true, name: real-b}, c: {external: {name: real-c}}}`;
  t.same(Object.keys(plan(text).networks!), ['default']);
  t.same(Object.keys(plan(text, { candidate: { networks: ['a', 'real-b', 'real-c'] } }).networks!), [
    'default',
    'a',
    'b',
    'c',
  ]);
});

t.test('a service without networks stays on the default one, and odd names are no networks', async (t) => {
  t.notOk('networks' in plan('services: {web: {image: x}}').services!.web!);
  const odd = plan('services: {web: {image: x, networks: [constructor, toString]}}');
  t.same(odd.services!.web!.networks, ['default']);
});

t.test('jobs stay jobs', async (t) => {
  const { services } = plan('services: {web: {image: x}, migrate: {image: m, deploy: {mode: replicated-job}}}');
  t.match(services!.migrate!.deploy, { mode: 'replicated-job', endpoint_mode: undefined, replicas: undefined });
});

t.test('whatever the stack file says, no candidate publishes, names or shares anything', async (t) => {
  const service = fc.record(
    {
      image: fc.constant('x'),
      ports: fc.constant(['1:1']),
      networks: fc.oneof(fc.constant(['a', 'b']), fc.constant({ a: null, c: {} })),
      deploy: fc.record(
        { mode: fc.constantFrom('global', 'replicated'), labels: fc.constant(['com.df.notify=true']) },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['image'] },
  );
  const part = fc.option(fc.record({ name: fc.string(), external: fc.boolean() }, { requiredKeys: [] }), { nil: null });
  const parts = fc.dictionary(fc.constantFrom('a', 'b', 'c'), part);
  const stack = fc.record({ services: fc.record({ web: service, other: service }), networks: parts, volumes: parts });
  await holds(
    t,
    fc.property(stack, (tree) => {
      const made = candidateStack({ file: 's', folder: '/', tree, resolved: tree }, config(), image) as typeof tree;
      const services = Object.values(made.services) as Tree[];
      return (
        services.every((each) => !('ports' in each) && !JSON.stringify(each).includes('com.df.')) &&
        Object.values(made.networks).every((each) => !each?.external && each?.name === undefined) &&
        Object.values(made.volumes).every((each) => Object.keys(each!).length === 0)
      );
    }),
  );
});

t.test('names that the Swarm would not take are refused before anything is changed', async (t) => {
  const long = parseStackFile(`services: {web: {image: x}, ${'s'.repeat(60)}: {image: y}}`, 'stack.yml', '/x', {});
  t.match(await failureOf(() => requireCandidateNames(long, config(), '17')), { code: 'NAME_INVALID', exit: 2 });
});

t.test('names fit for every service and build whose names fit in production', async (t) => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,30}$/);
  const build = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,19}$/);
  await holds(
    t,
    fc.property(name, build, (name, build) => {
      const candidate = candidateName(name, build);
      return (
        `${candidate}_${name}`.length <= 63 &&
        /^[a-z0-9][a-z0-9_-]*$/.test(candidate) &&
        candidate.endsWith(`-c${build}`)
      );
    }),
  );
  t.equal(candidateName('shop', '17'), 'shop-c17');
  t.not(candidateName(`${'a'.repeat(30)}x`, '1'), candidateName(`${'a'.repeat(30)}y`, '1'), 'long names stay apart');
});
