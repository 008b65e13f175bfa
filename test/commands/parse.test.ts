import fc from 'fast-check';
import t from 'tap';
import type { Command } from '../../runner/commands/command';
import { layerValues } from '../../runner/commands/parse';
import { failureOf, holds } from '../common/support';

const command: Command = {
  name: 'try',
  describe: '',
  examples: [],
  options: {
    image: { type: 'string', describe: '' },
    config: { type: 'string', describe: '', default: 'homeostat.yml' },
    'build-arg': { type: 'array', string: true, describe: '' },
    to: { type: 'number', describe: '' },
    'dry-run': { type: 'boolean', describe: '' },
    policy: { type: 'string', choices: ['warn', 'strict'], describe: '' },
  },
  run: async () => ({ result: {}, summary: '' }),
};
const layer = (flags: Record<string, unknown> = {}, env: Record<string, string> = {}, parameters?: unknown) =>
  layerValues(command, flags, {
    ...env,
    ...(parameters === undefined ? {} : { HOMEOSTAT_PARAMETERS: JSON.stringify(parameters) }),
  });
const problemOf = async (...args: Parameters<typeof layer>) => {
  const error = await failureOf(() => layer(...args));
  t.match(error, { code: 'USAGE_INVALID', exit: 2, remedy: /homeostat try --help/ });
  t.notMatch(error.message, 'homeostat try', 'who prints it says which command');
  return error.evidence.length > 0 ? error.evidence.join('\n') : error.message;
};

t.test('all problems are told at once, each with where the value came from', async (t) => {
  const error = await failureOf(() =>
    layer(
      { _: ['try', 'word'], imgae: 'x', policy: 'loose' },
      { HOMEOSTAT_TO: 'many' },
      { dryRun: 'perhaps', buildarg: 1 },
    ),
  );
  t.equal(error.message, '6 problems');
  t.same(error.evidence, [
    "HOMEOSTAT_TO: 'many' is not a whole number",
    "HOMEOSTAT_PARAMETERS.dryRun: 'perhaps' is not true or false",
    "HOMEOSTAT_PARAMETERS: unknown parameter 'buildarg' (did you mean 'build-arg'?)",
    "unknown option --imgae (did you mean 'image'?)",
    "--policy: 'loose' is not one of warn, strict",
    "unexpected argument 'word'",
  ]);
});

t.test('odd values are refused by name', async (t) => {
  const table: [Parameters<typeof layer>, RegExp][] = [
    [[{ image: '' }], /^--image: is empty$/],
    [[{}, { HOMEOSTAT_IMAGE: '' }], /^HOMEOSTAT_IMAGE: is empty$/],
    [[{ image: 'a\nb' }], /^--image: contains a control character$/],
    [[{}, {}, { image: 'a\u0000b' }], /^HOMEOSTAT_PARAMETERS\.image: contains a control character$/],
    [[{ image: ['a', 'b'] }], /^--image: is given more than once$/],
    [[{}, {}, { image: { a: 1 } }], /image: is object, text is expected/],
    [[{}, {}, { image: true }], /image: is boolean, text is expected/],
    [[{}, {}, { buildArg: ['A=1', ['B']] }], /buildArg: is given more than once/],
    [[{}, {}, { buildArg: ['A=1', ''] }], /buildArg: is empty/],
    [[{ to: '-1' }], /^--to: '-1' is not a whole number$/],
    [[{ to: '1.5' }], /is not a whole number/],
    [[{ to: '1e3' }], /is not a whole number/],
    [[{ to: '9'.repeat(500) }], /^--to: '9{80}' is not a whole number$/],
    [[{}, {}, { dryRun: 'yes' }], /'yes' is not true or false/],
    [[{}, {}, { constructor: 1 }], /unknown parameter 'constructor'/],
    [[{ constructor: 'x' }], /unknown option --constructor/],
  ];
  for (const [args, expected] of table) t.match(await problemOf(...args), expected);
  const pollute = await failureOf(() =>
    layerValues(command, {}, { HOMEOSTAT_PARAMETERS: '{"__proto__": {"image": "x"}}' }),
  );
  t.match(pollute.message, 'unknown parameter');
});

t.test('parameters that are no JSON object are refused', async (t) => {
  for (const text of ['{', 'x', '[]', 'null', '"x"', '7'])
    t.match(
      await failureOf(() => layerValues(command, {}, { HOMEOSTAT_PARAMETERS: text })),
      { code: 'USAGE_INVALID', message: /HOMEOSTAT_PARAMETERS is not / },
      text,
    );
});

t.test('a required option has to come from somewhere', async (t) => {
  const strict = { ...command, options: { image: { type: 'string' as const, demandOption: true, describe: '' } } };
  t.match(await failureOf(() => layerValues(strict, {}, {})), { message: '--image is required' });
  t.same(layerValues(strict, {}, { HOMEOSTAT_IMAGE: 'x' }), { image: 'x' });
});

t.test('flags go before parameters, parameters before the environment, that before defaults', async (t) => {
  const layers = [{ HOMEOSTAT_CONFIG: 'env' }, { config: 'parameter' }, { config: 'flag' }] as const;
  t.equal(layer().config, 'homeostat.yml');
  t.equal(layer({}, layers[0]).config, 'env');
  t.equal(layer({}, layers[0], layers[1]).config, 'parameter');
  t.equal(layer(layers[2], layers[0], layers[1]).config, 'flag');
  await holds(
    t,
    fc.property(fc.subarray([0, 1, 2]), (given) => {
      const has = (index: number) => given.includes(index);
      const value = layer(has(2) ? layers[2] : {}, has(0) ? layers[0] : {}, has(1) ? layers[1] : undefined).config;
      return value === ['homeostat.yml', 'env', 'parameter', 'flag'][Math.max(-1, ...given) + 1];
    }),
  );
});

t.test('values become what the option is, however they were written', async (t) => {
  t.same(layer({}, {}, { buildArg: 'A=1', to: 7, dryRun: true, image: 12 }), {
    config: 'homeostat.yml',
    buildArg: ['A=1'],
    to: 7,
    dryRun: true,
    image: '12',
  });
  t.same(layer({ 'build-arg': ['A=1', 'B=2'], buildArg: ['A=1', 'B=2'], to: '7' }, { HOMEOSTAT_DRY_RUN: '1' }), {
    config: 'homeostat.yml',
    buildArg: ['A=1', 'B=2'],
    to: 7,
    dryRun: true,
  });
  t.same(layer({}, {}, { image: null }), { config: 'homeostat.yml' }, 'nothing is nothing');
});

t.test('variables that are no options are left alone', async (t) => {
  const env = {
    HOMEOSTAT_RESULT: 'x',
    HOMEOSTAT_REGISTRY_PASSWORD: 'x',
    HOMEOSTAT_COMMAND: 'try',
    HOMEOSTAT_WHATEVER: 'x',
  };
  t.same(layer({}, env), { config: 'homeostat.yml' });
});

t.test('whatever the parameters are, they are taken or refused', async (t) => {
  const key = fc.oneof(
    fc.constantFrom('image', 'buildArg', 'build-arg', 'to', 'dryRun', 'policy', '__proto__', 'toString'),
    fc.string(),
  );
  await holds(
    t,
    fc.asyncProperty(fc.dictionary(key, fc.jsonValue()), async (parameters) => {
      try {
        return Object.keys(layer({}, {}, parameters)).every((name) =>
          /^(image|config|buildArg|to|dryRun|policy|json|debug)$/.test(name),
        );
      } catch (thrown) {
        return (await failureOf(() => Promise.reject(thrown))).code === 'USAGE_INVALID';
      }
    }),
  );
});
