import { writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { z } from 'zod';
import { readYaml } from '../../runner/common/yaml-file';
import { configJsonSchema, configSchema, readConfig } from '../../runner/pipeline/config';
import { failureOf, holds, testContext } from '../common/support';

const read = (text: string) => readYaml(text, 'homeostat.yml', configSchema, 'CONFIG_INVALID');
const smallest = 'name: shop\nimage: registry.example.com/shop\n';
const problemOf = async (more: string, text = smallest) =>
  (await failureOf(() => read(text + more))).evidence.join('\n');

t.test('a missing file is told with the place that was looked in', async (t) => {
  const folder = t.testdir();
  const error = await failureOf(() => readConfig('homeostat.yml', testContext({ cwd: folder })));
  t.match(error, { code: 'CONFIG_MISSING', exit: 2, causeText: `looked for ${folder}/homeostat.yml` });
});

t.test('what is not allowed is refused with key, value and what is', async (t) => {
  const table: [string, RegExp][] = [
    ['port: 0', /3:1 'port': .*>=1/],
    ['port: "8080"', /'port': .*expected int|'port': .*expected number/],
    ['deploy: {deadline: soon}', /3:10 .*'soon' is not a duration; write for example 90s/],
    ['deploy: {policy: loose}', /'deploy\.policy': .*"warn"\|"strict"\|"off"/],
    ['deploy: {keep: 1}', /'deploy\.keep'/],
    ['deploy: {approval: yes please}', /'deploy\.approval' is "yes please"; allowed is true, false, or a mapping/],
    ['deploy: {approval: {within: soon}}', /'deploy\.approval\.within': 'soon' is not a duration/],
    ['deploy: {approval: {by: ada}}', /'deploy\.approval\.by': .*array/],
    ['deploy: {approval: {who: [ada]}}', /unknown key 'deploy\.approval\.who'/],
    ['deploy: {stack: Shop}', /'Shop' is not a legal name/],
    ['build: {secrets: {token: TOKEN}}', /is neither env:NAME nor file:path/],
    ['build: {builder: magic}', /'build\.builder'/],
    ['tests: {functional: {}}', /'tests\.functional': needs either target or image/],
    ['tests: {functional: {target: a, image: b}}', /needs either target or image/],
    ['tests: {functional: {image: "A B"}}', /'A B' is not an image name/],
    ['tests: {production: {target: a, url: "ftp://x"}}', /'tests\.production\.url'/],
    ['tests: {load: {path: x}}', /'tests\.load\.path': .*start with "\/"/],
    ['tests: {load: {connections: 5000}}', /'tests\.load\.connections': .*<=1000/],
    ['candidate: {replicas: 0}', /'candidate\.replicas'/],
    ['tags: latest', /'tags': .*array/],
    ['tags: [""]', /'tags\.0': is empty/],
    ['deply: {}', /unknown key 'deply' \(did you mean 'deploy'\?\)/],
    ['deploy: {dead-line: 5m}', /unknown key 'deploy\.dead-line' \(did you mean 'deadline'\?\)/],
    ['build: {context: "a\\nb"}', /contains a control character/],
  ];
  for (const [more, expected] of table) t.match(await problemOf(more), expected, more);
  t.match(await problemOf('', 'name: Shop\nimage: x\n'), /1:1 'name': 'Shop' is not a legal name/);
  t.match(await problemOf('', 'name: shop\nimage: x:1.2\n'), /'x:1\.2' has a tag or digest/);
  t.match(await problemOf('', 'image: x\n'), "'name' is required");
});

t.test('two lines are enough; the rest has the documented defaults', async (t) => {
  const folder = t.testdir();
  writeFileSync(path.join(folder, 'homeostat.yml'), smallest);
  t.same(await readConfig('homeostat.yml', testContext({ cwd: folder })), {
    name: 'shop',
    image: 'registry.example.com/shop',
    port: 8080,
    stack: 'stack.yml',
    build: { context: '.', dockerfile: 'Dockerfile', args: {}, secrets: {}, builder: 'auto' },
    tests: {},
    candidate: { deadline: 120_000, replicas: 1, networks: [] },
    tags: ['latest'],
    deploy: { deadline: 300_000, monitor: 15_000, policy: 'warn', approval: false, keep: 10 },
    folder,
  });
});

const full = `${smallest}port: 3000
stack: ops/stack.yml
build:
  context: app
  dockerfile: ops/Dockerfile
  target: run
  args: {VERSION: 1.5, DEBUG: true, NAME: x}
  secrets: {npm: env:NPM_TOKEN, key: file:key.pem}
  builder: buildkit
tests:
  unit: {target: unit, command: [npm, test], environment: {CI: true}, timeout: 5m}
  functional: {target: functional, timeout: 90}
  integration: {image: "tests/integration:1", command: [run]}
  load: {path: /x, connections: 20, duration: 30s, rate: 100, failures: 5, p95: 200ms, p99: 1s}
  production: {image: tests/smoke, url: "https://shop.example.com"}
candidate: {deadline: 3m, replicas: 2, networks: [db]}
tags: [latest, "{revision}"]
deploy: {stack: store, deadline: 10m, monitor: 1m, policy: strict, approval: true, keep: 20}
`;

t.test('every key is understood', async (t) => {
  t.match(read(full), {
    build: { args: { VERSION: '1.5', DEBUG: 'true', NAME: 'x' }, secrets: { npm: 'env:NPM_TOKEN' } },
    tests: {
      unit: { command: ['npm', 'test'], environment: { CI: 'true' }, timeout: 300_000 },
      functional: { timeout: 90_000 },
      load: { duration: 30_000, p95: 200, p99: 1000, rate: 100 },
    },
    deploy: { stack: 'store', deadline: 600_000, keep: 20 },
  });
});

t.test('editors, by the JSON schema, accept what is accepted', async (t) => {
  const schema = z.fromJSONSchema(configJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
  const { parse } = await import('yaml');
  for (const text of [smallest, full]) t.same(schema.safeParse(parse(text)).error?.issues ?? [], []);
  for (const text of [
    'name: shop\n',
    `${smallest}deply: {}\n`,
    `${smallest}port: 0\n`,
    `${smallest}tests: {load: {path: x}}\n`,
  ])
    t.notOk(schema.safeParse(parse(text)).success, text);
  const port = fc.oneof(fc.integer(), fc.string(), fc.constant(undefined));
  const duration = fc.oneof(fc.constantFrom('90s', '1m'), fc.nat(1000));
  const candidate = fc.record({ deadline: duration, replicas: fc.nat(30) }, { requiredKeys: [] });
  await holds(
    t,
    fc.property(port, candidate, (port, candidate) => {
      const value = { name: 'shop', image: 'x', candidate, ...(port === undefined ? {} : { port }) };
      return !configSchema.safeParse(value).success || schema.safeParse(value).success;
    }),
  );
});
