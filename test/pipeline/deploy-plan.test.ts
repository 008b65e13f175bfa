import fc from 'fast-check';
import t from 'tap';
import { planStackDeploy, type DeploySettings } from '../../runner/pipeline/deploy';
import { replicasFor, scaleLimits } from '../../runner/pipeline/limits';
import { policyAdvice } from '../../runner/pipeline/policy';
import { parseStackFile, servicesOf, type Tree } from '../../runner/pipeline/stack-file';
import type { Service } from '../../runner/swarm/types';
import { failureOf, holds } from '../common/support';

const settings: DeploySettings = { deadline: 60_000, monitor: 5000, policy: 'warn', keep: 10 };
const image = `registry/web@sha256:${'1'.repeat(64)}`;
const live = (name: string, replicas?: number): Service => ({
  ID: name,
  Version: { Index: 1 },
  Spec: {
    Name: name,
    TaskTemplate: {},
    Mode: replicas === undefined ? { Global: {} } : { Replicated: { Replicas: replicas } },
  },
});
const parse = (text: string) => parseStackFile(text, 'stack.yml', '/x', {});
const planOf = (text: string, running: Service[] = [], more: Partial<DeploySettings> = {}) =>
  planStackDeploy(parse(text), 'shop', 'web', image, running, new Set(), { ...settings, ...more });
const stack = (deploy: string) => `services:\n  web: {image: old, deploy: ${deploy}}\n  db: {image: db}\n`;
const replicasOf = (tree: Tree) => (servicesOf({ resolved: tree }).web!.deploy as Tree).replicas;

t.test('a name that is too long or illegal, and a service that is not there, are refused', async (t) => {
  const file = parse(`services: {web: {image: x}, ${'s'.repeat(50)}: {image: y}}`);
  const plan = (name: string, service = 'web') =>
    failureOf(() => planStackDeploy(file, name, service, image, [], new Set(), settings));
  t.match(await plan('a'.repeat(13)), { code: 'NAME_INVALID', message: /has 64 characters/ });
  t.match(await plan('My Shop'), { code: 'NAME_INVALID', message: "stack 'My Shop' is not a legal name" });
  t.match(await plan('shop', 'wbe'), { code: 'STACK_INVALID', message: /did you mean 'web'/ });
});

t.test('one service gets the image, and replicas are carried over from what runs', async (t) => {
  const { plan, tree } = planOf(stack('{replicas: 2}'), [live('shop_web', 5), live('other_web', 9)]);
  t.same(plan.services, [
    { name: 'shop_web', image, replicas: { written: 2, live: 5, next: 5 } },
    { name: 'shop_db', image: 'db', replicas: { written: 1, next: 1 } },
  ]);
  t.equal(replicasOf(tree), 5);
  t.equal(servicesOf({ resolved: tree }).web!.image, image);
});

t.test('what runs is clamped to the limits; a service scaled to nothing stays so without limits', async (t) => {
  const limits = '{replicas: 2, labels: {com.df.scaleMin: 3, com.df.scaleMax: 6}}';
  t.equal(replicasOf(planOf(stack(limits), [live('shop_web', 9)]).tree), 6);
  t.equal(replicasOf(planOf(stack(limits), [live('shop_web', 1)]).tree), 3);
  t.equal(replicasOf(planOf(stack(limits)).tree), 3, 'a new service as well');
  t.equal(replicasOf(planOf(stack('{replicas: 2}'), [live('shop_web', 0)]).tree), 0);
});

t.test('global services and jobs are left as they are', async (t) => {
  for (const mode of ['global', 'replicated-job', 'global-job']) {
    const { plan, tree } = planOf(stack(`{mode: ${mode}}`), [live('shop_web')]);
    t.same(plan.services[0], { name: 'shop_web', image });
    t.equal(replicasOf(tree), undefined, mode);
  }
});

t.test('a deploy never goes outside the limits, and never changes what is within them', async (t) => {
  const label = fc.oneof(fc.nat(20).map(String), fc.constantFrom('many', '-1', '', '1.5'), fc.constant(undefined));
  const some = fc.option(fc.nat(30), { nil: undefined });
  await holds(
    t,
    fc.property(label, label, fc.nat(30), some, (low, high, written, running) => {
      const labels = {
        ...(low === undefined ? {} : { 'com.df.scaleMin': low }),
        ...(high === undefined ? {} : { 'com.df.scaleMax': high }),
      };
      const limits = scaleLimits(labels);
      const next = replicasFor(written, running, limits);
      const wanted = running ?? written;
      if (!limits) return low === undefined && high === undefined && next === wanted;
      const within = wanted >= limits.minimum && wanted <= limits.maximum;
      return (
        limits.minimum <= limits.maximum &&
        next >= limits.minimum &&
        next <= limits.maximum &&
        (!within || next === wanted)
      );
    }),
  );
});

t.test('limits that are no numbers fall back to what Docker Flow takes', async (t) => {
  t.equal(scaleLimits({ other: '1' }), undefined);
  t.same(scaleLimits({ 'com.df.scaleMin': 'x' }), { minimum: 1, maximum: 5 });
  t.same(scaleLimits({ 'com.df.scaleMin': '8' }), { minimum: 8, maximum: 8 });
  t.same(scaleLimits({ 'com.df.scaleMin': '8', 'com.df.scaleMax': '3' }), { minimum: 8, maximum: 8 });
  t.same(scaleLimits({ 'a.scaleMax': '3' }, 'a.'), { minimum: 1, maximum: 3 });
});

t.test('a public service that would lose requests gets advice for each reason', async (t) => {
  const advice = (web: string, healthy: string[] = []) =>
    policyAdvice(parse(`services: {web: ${web}}`), new Set(healthy));
  const all = advice('{image: x, ports: ["80:80"]}');
  t.same(
    all.map((line) => line.replace(/;.*/, '')),
    ['web: one replica', 'web: no healthcheck', 'web: order stop-first'],
  );
  t.same(advice('{image: x, deploy: {labels: {com.df.notify: "true"}}}').length, 3, 'a route makes it public too');
  t.same(advice('{image: x}'), [], 'a service that nobody outside asks needs none');
  const good =
    '{image: x, ports: ["80:80"], deploy: {replicas: 2, update_config: {order: start-first}}, healthcheck: {test: x}}';
  t.same(advice(good), []);
  t.match(advice(good.replace('test: x', 'disable: true')), [/no healthcheck/]);
  t.same(advice(good.replace('healthcheck: {test: x}', 'read_only: true'), ['web']), [], 'the image may have one');
  t.same(
    advice('{image: x, healthcheck: {test: x}, deploy: {mode: global}, ports: [{target: 80, mode: host}]}'),
    [],
    'a host port cannot be held twice',
  );
  t.same(planOf(stack('{}').replace('old,', 'old, ports: ["1:1"],'), [], { policy: 'off' }).plan.advice, []);
});
