import { configOption, dryRunOption, type Command } from './command';
import { actor, flag, renderPlan, text } from './shared';

const command: Command = {
  name: 'pipeline',
  describe:
    'From a checkout to a verified release: unit tests, image, registry, candidate with its tests, release, deploy, verify',
  examples: [
    ['homeostat pipeline', 'All stages for the checkout in this folder'],
    ['homeostat pipeline --dry-run --json', 'The plan, as JSON'],
  ],
  options: {
    ...configOption,
    build: { type: 'string', describe: 'Build number (default: BUILD_NUMBER)' },
    'approved-by': { type: 'string', describe: 'Person who approved, when homeostat.yml asks for approval' },
    ...dryRunOption,
  },
  async run(context, values) {
    const [
      { connectEngine },
      { readConfig },
      { preparePipeline, runPipeline },
      { renderReport },
      { buildNumber },
      { ensureRunnerImage },
    ] = await Promise.all([
      import('../common/engine'),
      import('../pipeline/config'),
      import('../pipeline/pipeline'),
      import('../pipeline/report'),
      import('../pipeline/tags'),
      import('../system/images'),
    ]);
    const config = await readConfig(text(values, 'config')!, context);
    const input = {
      config,
      build: buildNumber(text(values, 'build'), context.env, context.clock.now()),
      by: actor(context),
      approvedBy: text(values, 'approvedBy'),
      loadImage: (engine: Parameters<typeof ensureRunnerImage>[0]) => ensureRunnerImage(engine, context),
    };
    const prepared = await preparePipeline(input, context);
    if (flag(values, 'dryRun')) return { result: { plan: prepared.plan }, summary: renderPlan(prepared.plan) };
    const report = await runPipeline(connectEngine(context), input, prepared, context);
    return { result: report, summary: renderReport(report) };
  },
};

export default command;
