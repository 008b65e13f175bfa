import { configOption, dryRunOption, type Command } from './command';
import { actor, defaultSettings, deployOptions, flag, overrideSettings, renderPlan, stackOption, text } from './shared';

const command: Command = {
  name: 'rollback',
  describe: 'Go back to an earlier release, watched like a deploy',
  examples: [
    ['homeostat rollback', 'Back to the newest release that differs from what runs'],
    ['homeostat rollback --stack shop --to 12', 'Back to release 12'],
  ],
  options: {
    ...configOption,
    ...stackOption,
    to: { type: 'number', describe: 'Number of the release, as `homeostat releases` lists it' },
    deadline: deployOptions.deadline!,
    monitor: deployOptions.monitor!,
    ...dryRunOption,
  },
  async run(context, values) {
    const [{ connectEngine }, { planRollback, rollBack }, { stackOfRequest }, { deploySettings }] = await Promise.all([
      import('../common/engine'),
      import('../pipeline/rollback'),
      import('../pipeline/standalone'),
      import('../pipeline/pipeline'),
    ]);
    const { stack, config } = await stackOfRequest(text(values, 'stack'), text(values, 'config')!, context);
    const settings = overrideSettings(config ? deploySettings(config) : defaultSettings, values);
    const engine = connectEngine(context);
    const { plan, release } = await planRollback(engine, stack, values.to as number | undefined, context);
    if (flag(values, 'dryRun')) return { result: { plan }, summary: renderPlan(plan) };
    const done = await rollBack(
      engine,
      release,
      { kind: 'rollback', by: actor(context), at: context.clock.now().toISOString() },
      settings,
      context,
    );
    return {
      result: {
        stack,
        release: done.number,
        rolledBackTo: release.number,
        outcome: 'released',
        services: plan.services,
      },
      summary: `${stack} runs release ${release.number} again, as release ${done.number}`,
    };
  },
};

export default command;
