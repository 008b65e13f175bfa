import { dryRunOption, type Command } from './command';
import { flag, renderPlan } from './shared';

const command: Command = {
  name: 'down',
  describe: 'Remove exactly what `homeostat up` made on this machine',
  examples: [
    ['homeostat down', 'Take everything down'],
    ['homeostat down --dry-run', 'Say what would be removed'],
  ],
  options: { ...dryRunOption },
  async run(context, values) {
    const [{ planDown, takeDown }, { stateFolder }] = await Promise.all([
      import('../system/down'),
      import('../system/state'),
    ]);
    const plan = await planDown(stateFolder(context), context);
    if (flag(values, 'dryRun')) return { result: { plan }, summary: renderPlan(plan) };
    await takeDown(plan, context);
    const kept =
      plan.packagesKept.length > 0
        ? `\npackages that up installed stay: ${plan.packagesKept.join(', ')} (apt-get remove …)`
        : '';
    return {
      result: { removed: plan },
      summary: `down: ${[...plan.stacks, ...(plan.leaveSwarm ? ['the Swarm'] : []), ...(plan.stopEngine ? ['the Engine'] : [])].join(', ') || 'nothing was up'}${kept}`,
    };
  },
};

export default command;
