import { fail } from '../common/errors';
import { didYouMean } from '../common/suggest';
import { configOption, dryRunOption, type Command, type CommandResult, type Values } from './command';
import { flag, renderPlan, text } from './shared';
import type { Context } from '../common/context';
import type { TestKind, TestResult, TestRun } from '../pipeline/tests';

const kinds: TestKind[] = ['unit', 'functional', 'integration', 'load', 'production'];

const command: Command = {
  name: 'test',
  describe: 'Run the tests of a service: unit tests in the build, the others against a candidate stack or production',
  examples: [
    ['homeostat test --only unit', 'Build and run the unit test target'],
    [
      'homeostat test --image registry.example.com/shop@sha256:…',
      'Functional, integration and load tests against a candidate of that image',
    ],
    ['homeostat test --only load --address http://127.0.0.1:8080', 'Run the load test from here against an address'],
  ],
  options: {
    ...configOption,
    only: {
      type: 'string',
      describe: `Kinds of tests, separated by commas: ${kinds.join(', ')} (default: all that homeostat.yml has but production)`,
    },
    image: { type: 'string', describe: 'Image under test, by digest' },
    build: { type: 'string', describe: 'Build number: the candidate is <name>-c<build> (default: BUILD_NUMBER)' },
    address: { type: 'string', describe: 'For the load test: send the load from here to this address' },
    ...dryRunOption,
  },
  async run(context, values) {
    const [{ connectEngine }, { readConfig }, { readSource }, { buildNumber }, tests, { ensureRunnerImage }] =
      await Promise.all([
        import('../common/engine'),
        import('../pipeline/config'),
        import('../pipeline/source'),
        import('../pipeline/tags'),
        import('../pipeline/tests'),
        import('../system/images'),
      ]);
    const config = await readConfig(text(values, 'config')!, context);
    const asked = askedKinds(values);
    const chosen = (asked ?? kinds.filter((kind) => kind !== 'production')).filter((kind) => config.tests[kind]);
    const missing = asked?.find((kind) => !config.tests[kind]);
    if (text(values, 'address')) return loadFromHere(context, text(values, 'address')!, config.tests.load);
    const build = buildNumber(text(values, 'build'), context.env, context.clock.now());
    const plan = { service: config.name, build, tests: chosen };
    if (flag(values, 'dryRun')) return { result: { plan }, summary: renderPlan(plan) };
    if (missing) context.log.warn(`homeostat.yml has no ${missing} test; nothing to run for it`);
    const engine = connectEngine(context);
    const run: TestRun = {
      engine,
      config,
      source: await readSource(config.folder, context),
      build,
      context,
      loadImage: () => ensureRunnerImage(engine, context),
    };
    const results: TestResult[] = [];
    const unit = chosen.includes('unit') ? await tests.unitTest(run) : undefined;
    if (unit) results.push(unit);
    if (needsCandidate(asked)) results.push(...(await againstCandidate(run, chosen, values)));
    const production = chosen.includes('production')
      ? await tests.productionTest(run, config.deploy.stack ?? config.name)
      : undefined;
    if (production) results.push(production);
    return summarise(results);
  },
};

function askedKinds(values: Values): TestKind[] | undefined {
  const only = text(values, 'only');
  if (only === undefined) return undefined;
  return only.split(',').map((word) => {
    const kind = word.trim();
    if (!kinds.includes(kind as TestKind))
      fail('USAGE_INVALID', `--only names the kind '${kind}', which there is not${didYouMean(kind, kinds)}`, {
        remedy: `Use ${kinds.join(', ')}.`,
      });
    return kind as TestKind;
  });
}

const onCandidate = new Set<TestKind>(['functional', 'integration', 'load']);

/** A candidate that has no tests is deployed all the same: that it becomes healthy is a test. */
const needsCandidate = (asked: TestKind[] | undefined) => !asked || asked.some((kind) => onCandidate.has(kind));

async function againstCandidate(run: TestRun, chosen: TestKind[], values: Values): Promise<TestResult[]> {
  const wanted = chosen.filter((kind) => onCandidate.has(kind));
  const { engine, config, build, context } = run;
  const [
    { readStackFile, requireService },
    { withCandidate },
    { candidateTests },
    { pinImage },
    { imageOfRequest },
    { formatImage },
  ] = await Promise.all([
    import('../pipeline/stack-file'),
    import('../pipeline/candidate'),
    import('../pipeline/tests'),
    import('../pipeline/deploy'),
    import('../pipeline/standalone'),
    import('../image/reference'),
  ]);
  const stack = await readStackFile(config.stack, config.folder, context);
  requireService(stack, config.name);
  const { image } = await imageOfRequest(
    { config: text(values, 'config')!, image: text(values, 'image'), tag: undefined, build },
    context,
  );
  const pinned = await pinImage(engine, image, context);
  const { value, removed } = await withCandidate(
    engine,
    stack,
    config,
    build,
    formatImage(pinned),
    (candidate) => candidateTests(run, candidate, wanted),
    context,
  );
  await removed;
  return value;
}

async function loadFromHere(
  context: Context,
  address: string,
  load: Parameters<typeof import('../pipeline/load').judgeLoad>[1] | undefined,
): Promise<CommandResult> {
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
    fail('USAGE_INVALID', `--address is '${address.slice(0, 80)}', which is not an http or https address`);
  if (!load)
    fail('USAGE_INVALID', '--address needs a load test in homeostat.yml', {
      remedy: 'Write `tests: { load: {} }` into homeostat.yml.',
    });
  const { describeLoad, judgeLoad, runLoad } = await import('../pipeline/load');
  context.log.info(`sending load to ${address} for ${load.duration / 1000} s over ${load.connections} connections`);
  const report = await runLoad(address, load);
  judgeLoad(report, load);
  return { result: { load: report }, summary: describeLoad(report) };
}

function summarise(tests: TestResult[]): CommandResult {
  const lines = tests.map((test) => `${test.name} test green in ${test.seconds} s`);
  return { result: { tests }, summary: lines.join('\n') || 'homeostat.yml has no such test' };
}

export default command;
