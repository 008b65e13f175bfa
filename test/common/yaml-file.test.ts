import fc from 'fast-check';
import t from 'tap';
import { z } from 'zod';
import { readYaml } from '../../runner/common/yaml-file';
import { failureOf, holds } from './support';

const schema = z.strictObject({
  name: z.string(),
  count: z.int().min(1).max(5).default(1),
  build: z.strictObject({ context: z.string().default('.'), target: z.string().optional() }).prefault({}),
  list: z.array(z.strictObject({ path: z.string() })).default([]),
  either: z.union([z.strictObject({ file: z.string() }), z.string()]).optional(),
  free: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
});
const read = (text: string) => readYaml(text, 'x.yml', schema, 'CONFIG_INVALID');
const problemsOf = async (text: string) => {
  const error = await failureOf(() => read(text));
  t.equal(error.code, 'CONFIG_INVALID');
  return error.evidence;
};

t.test('all problems are told at once, in the order of the file, each with its place', async (t) => {
  const text = ['count: 9', 'nam: shop', 'build:', '  contxt: app', '  target: [1]', 'list:', '- path: 1', '- {}', ''];
  const error = await failureOf(() => read(text.join('\n')));
  t.equal(error.message, 'x.yml has 7 problems');
  t.same(error.evidence, [
    "x.yml:1:1 'name' is required",
    "x.yml:1:1 'count': Too big: expected number to be <=5",
    "x.yml:2:1 unknown key 'nam' (did you mean 'name'?)",
    "x.yml:4:3 unknown key 'build.contxt' (did you mean 'context'?)",
    "x.yml:5:3 'build.target': Invalid input: expected string, received array",
    "x.yml:7:3 'list.0.path': Invalid input: expected string, received number",
    "x.yml:8:3 'list.1.path' is required",
  ]);
});

t.test('a text that is no YAML is refused with the place', async (t) => {
  t.match((await problemsOf('name: "shop'))[0], /^x\.yml:1:\d+ /);
  t.match((await problemsOf('name: shop\n\tcount: 1'))[0], /^x\.yml:2:1 /);
  t.match((await problemsOf('name: a\nname: b'))[0], /^x\.yml:2:1 .*unique/);
  t.match((await problemsOf('name: a\n---\nname: b'))[0], /^x\.yml:2:1 .*document/);
});

t.test('what is no map is refused', async (t) => {
  t.match((await problemsOf('- name'))[0], /^x\.yml:1:1 .*expected object, received array/);
  t.match((await problemsOf('shop'))[0], /expected object, received string/);
  for (const empty of ['', '\n', '# only a comment\n', '---\n', 'null'])
    t.same(await problemsOf(empty), ["x.yml:1:1 'name' is required"], JSON.stringify(empty));
});

t.test('an alias without anchor is refused with its place', async (t) => {
  t.match((await problemsOf('name: &a shop\nfree:\n  x: *a\n  y: *b'))[0], /^x\.yml:4:6 .*b/);
  t.match((await problemsOf('name: *later\nfree: {x: &later y}'))[0], /^x\.yml:1:7 .*later/);
});

t.test('aliases that multiply without end are refused, soon', async (t) => {
  const lines = ['name: shop', 'a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 30; level++)
    lines.push(
      `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  const start = performance.now();
  t.match((await problemsOf(lines.join('\n')))[0], /^x\.yml:\d+:\d+ .*alias/i);
  t.ok(performance.now() - start < 1000);
});

t.test('an alias of itself, and deep nesting, are errors of the table', async (t) => {
  const loop = await failureOf(() => read('name: &a [*a]'));
  t.equal(loop.code, 'CONFIG_INVALID');
  const deep = await failureOf(() => read(`name: ${'['.repeat(5000)}`));
  t.equal(deep.code, 'CONFIG_INVALID');
  const whole = await failureOf(() => read(`name: ${'['.repeat(5000)}${']'.repeat(5000)}`));
  t.equal(whole.code, 'CONFIG_INVALID');
});

t.test('of alternatives the one that got furthest explains', async (t) => {
  t.match(
    (await problemsOf('name: a\neither: {fil: x}')).join('\n'),
    "unknown key 'either.fil' (did you mean 'file'?)",
  );
});

t.test('keys that objects have of themselves are ordinary keys', async (t) => {
  t.same(await problemsOf('name: a\nconstructor: b'), ["x.yml:2:1 unknown key 'constructor'"]);
  t.match((await problemsOf('name: a\n__proto__: {polluted: 1}'))[0], "unknown key '__proto__'");
  t.equal(({} as Record<string, unknown>).polluted, undefined);
});

t.test('anchors, aliases and merge keys are understood', async (t) => {
  const text = 'name: &n shop\nfree: &f {a: *n}\nbuild:\n  <<: {context: app}\n  target: unit';
  t.match(read(text), { name: 'shop', free: { a: 'shop' }, build: { context: 'app', target: 'unit' }, count: 1 });
});

t.test('whatever the file holds, it is read or refused with at least one place', async (t) => {
  const key = fc.constantFrom(
    'name',
    'count',
    'build',
    'list',
    'either',
    'free',
    'path',
    'constructor',
    '__proto__',
    '',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs)),
    ),
  }));
  const words = fc.constantFrom(
    'name',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '&a ',
    '*a',
    '{',
    '}',
    '[',
    ']',
    '"',
    '<<',
    '!x ',
    '|',
    '? ',
    ',',
    '#',
  );
  const text = fc.oneof(
    tree.map((value) => JSON.stringify(value)),
    fc.array(words, { maxLength: 20 }).map((all) => all.join('')),
  );
  await holds(
    t,
    fc.asyncProperty(text, async (text) => {
      try {
        read(text);
        return true;
      } catch (thrown) {
        const error = await failureOf(() => {
          throw thrown;
        });
        return error.code === 'CONFIG_INVALID' && error.evidence.every((line) => /^x\.yml:\d+:\d+ ./.test(line));
      }
    }),
    { numRuns: 1000 },
  );
});
