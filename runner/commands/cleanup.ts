import { fail } from '../common/errors';
import { configOption, dryRunOption, type Command } from './command';
import { renderPlan, flag, text } from './shared';

const command: Command = {
  name: 'cleanup',
  describe: 'Remove candidate stacks: of one build, or those whose runner died. Safe to repeat',
  examples: [
    ['homeostat cleanup --build 17', 'Remove the candidate of build 17 of this service'],
    ['homeostat cleanup', 'Remove what killed runs left behind'],
  ],
  options: {
    ...configOption,
    build: { type: 'string', describe: 'Build number: its candidate is removed whether or not its runner lives' },
    ...dryRunOption,
  },
  async run(context, values) {
    const [
      { connectEngine },
      { findLeftovers, removeAbandoned },
      { candidateName },
      { configIfPresent },
      { buildNumber },
      { readConfig },
    ] = await Promise.all([
      import('../common/engine'),
      import('../pipeline/candidate'),
      import('../pipeline/candidate-plan'),
      import('../pipeline/standalone'),
      import('../pipeline/tags'),
      import('../pipeline/config'),
    ]);
    const engine = connectEngine(context);
    const build = text(values, 'build');
    const config =
      build === undefined
        ? await configIfPresent(text(values, 'config')!, context)
        : await readConfig(text(values, 'config')!, context);
    const names =
      build === undefined
        ? await findLeftovers(engine, config?.name, context)
        : [candidateName(config!.name, buildNumber(build, context.env, context.clock.now()))];
    if (flag(values, 'dryRun'))
      return { result: { plan: { candidates: names } }, summary: renderPlan({ candidates: names }) };
    const left: string[] = [];
    for (const name of names) left.push(...(await removeAbandoned(engine, name, context)));
    if (left.length > 0)
      fail('CLEANUP_INCOMPLETE', `of ${names.join(', ')} could not be removed all`, { evidence: left });
    return {
      result: { removed: names },
      summary: names.length === 0 ? 'nothing was left behind' : `removed: ${names.join(', ')}`,
    };
  },
};

export default command;
