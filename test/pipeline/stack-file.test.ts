import t from 'tap';
import {
  changeService,
  deployLabels,
  parseStackFile,
  readStackFile,
  renderStack,
  requireService,
  servicesOf,
} from '../../runner/pipeline/stack-file';
import { failureOf, testContext } from '../common/support';

const parse = (text: string, env = {}) => parseStackFile(text, 'stack.yml', '/x', env);
const errorOf = (text: string, env = {}) => failureOf(() => parse(text, env));
const web = (more: string) => `services:\n  web:\n    image: x\n${more}`;

t.test('a missing file is told with the place that was looked in', async (t) => {
  const folder = t.testdir();
  const error = await failureOf(() => readStackFile('ops/stack.yml', folder, testContext()));
  t.match(error, { code: 'STACK_MISSING', causeText: `looked for ${folder}/ops/stack.yml` });
});

t.test('what is no stack is refused', async (t) => {
  for (const text of ['', 'services:', 'services: {}', 'services: []', 'services: web', '[]', 'text', 'version: "3"'])
    t.match(await errorOf(text), { code: 'STACK_INVALID', message: 'stack.yml has no services' }, text);
  for (const text of ['services: {', 'services:\n\tweb: {}', 'services: {a: {}, a: {}}', 'services: {web: *gone}'])
    t.match(await errorOf(text), { code: 'STACK_INVALID', evidence: [/^stack\.yml:\d+:\d+ /] }, text);
});

t.test('every bad place of the services is named at once', async (t) => {
  const text = `services:
  a:
  b: {build: .}
  c: {image: x, deploy: [1]}
  d: {image: x, deploy: {replicas: many}}
  e: {image: x, deploy: {replicas: -1}}
  f: {image: x, deploy: {replicas: 1.5}}
  g: {image: x, deploy: {replicas: "\${COUNT}"}}
`;
  t.same((await errorOf(text, { COUNT: '2' })).evidence, [
    'services.a is empty',
    'services.b.build: a stack file cannot build; name an image (homeostat.yml says how it is built)',
    'services.c.deploy is not a map',
    "services.d.deploy.replicas is 'many', which is not a whole number",
    "services.e.deploy.replicas is '-1', which is not a whole number",
    "services.f.deploy.replicas is '1.5', which is not a whole number",
  ]);
});

t.test('variables without value are listed, each with its first place', async (t) => {
  const text = web(
    '    command: ["$A", "${B:?set it}", "$A"]\n    environment: {X: "${C}"}\nnetworks: {n: {name: "$D"}}\n',
  );
  const error = await errorOf(text);
  t.equal(error.code, 'VARIABLE_UNRESOLVED');
  t.same(error.evidence, [
    '${A} at services.web.command[0]',
    '${B (set it)} at services.web.command[1]',
    '${C} at services.web.environment.X',
    '${D} at networks.n.name',
  ]);
});

t.test('a $ that docker would refuse is refused before anything is done', async (t) => {
  const error = await errorOf(web('    command: ["cost: 5$", "$1"]\n'));
  t.match(error, {
    code: 'STACK_INVALID',
    evidence: [/^services\.web\.command\[0\]: a \$/, /^services\.web\.command\[1\]/],
  });
});

t.test('outside of what docker fills in, a $ is left alone', async (t) => {
  t.doesNotThrow(() => parse(`x-note: "$UNSET and $"\n${web('')}`));
});

t.test('numbers, ports and times read as docker reads them', async (t) => {
  const text = web(`    ports: [22:22, "80:80", 3000]
    configs: [{source: c, mode: 0440}]
    init: true
    read_only: False
    environment: {A: yes, B: on, C: y, no: off, D: 12:30:45, E: 2026-01-01, F: 0o440, G: 1_000, H: 1e3, I: .5, J: 0x1F, K: ~}
`);
  const { tree } = parse(text);
  const service = servicesOf({ resolved: tree }).web! as unknown as Record<string, unknown>;
  t.same(service.ports, ['22:22', '80:80', 3000]);
  t.same(service.configs, [{ source: 'c', mode: 0o440 }]);
  t.match(service, { init: true, read_only: false });
  t.same(service.environment, {
    A: 'yes',
    B: 'on',
    C: 'y',
    no: 'off',
    D: '12:30:45',
    E: '2026-01-01',
    F: 0o440,
    G: 1000,
    H: 1000,
    I: 0.5,
    J: 31,
    K: null,
  });
});

t.test('anchors and merge keys are filled in, also from x- sections', async (t) => {
  const text = `x-base: &base
  deploy: &deploy {replicas: 2, labels: {a: b}}
services:
  web: {<<: *base, image: x}
  api:
    image: y
    deploy:
      <<: *deploy
      replicas: 3
`;
  const services = servicesOf(parse(text));
  t.same(services.web!.deploy, { replicas: 2, labels: { a: 'b' } });
  t.same(services.api!.deploy, { replicas: 3, labels: { a: 'b' } });
});

t.test('variables stay in what is deployed and are filled in for decisions', async (t) => {
  const file = parse(web('    environment: {A: "$NAME"}\n'), { NAME: 'value' });
  t.match(JSON.stringify(file.tree), '$NAME');
  t.match(JSON.stringify(file.resolved), 'value');
});

t.test('a service that is not there is told with the nearest name', async (t) => {
  const file = parse(web(''));
  t.match(await failureOf(() => requireService(file, 'wbe')), {
    code: 'STACK_INVALID',
    message: "stack.yml has no service 'wbe' (did you mean 'web'?)",
    causeText: 'its services: web',
  });
  t.equal((await failureOf(() => requireService(file, 'constructor'))).code, 'STACK_INVALID');
  t.equal(requireService(file, 'web').image, 'x');
});

t.test('labels are read from lists and maps', async (t) => {
  const labels = (labels: unknown) => deployLabels({ deploy: { labels } });
  t.same(labels(['a=b', 'c=d=e', 'f']), { a: 'b', c: 'd=e', f: '' });
  t.same(labels({ a: true, b: 1, c: null }), { a: 'true', b: '1', c: '' });
  for (const none of [undefined, null, 'text', 7]) t.same(labels(none), {});
  t.same(deployLabels({}), {});
});

t.test('a change makes a copy, and what is rendered has a version docker takes', async (t) => {
  const { tree } = parse(web(''));
  const changed = changeService(tree, 'web', (service) => ({ ...service, image: 'y' }));
  t.equal(servicesOf({ resolved: tree }).web!.image, 'x');
  t.equal(servicesOf({ resolved: changed }).web!.image, 'y');
  for (const [version, expected] of [
    ['3.7', '3.7'],
    [undefined, '3.8'],
    ['2.4', '3.8'],
    [3, '3.8'],
  ])
    t.equal((JSON.parse(renderStack({ ...tree, version })) as { version: string }).version, expected);
});
