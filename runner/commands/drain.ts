import type { Context } from '../common/context';
import { requireDuration } from '../common/duration';
import { dryRunOption, type Command, type CommandResult, type Values } from './command';
import { flag, renderPlan, text } from './shared';

const command: Command = {
  name: 'drain',
  describe: 'Empty a node: replacements of its tasks run elsewhere first, then its tasks end',
  examples: [
    ['homeostat drain node-3', 'Before maintenance of the node'],
    ['homeostat drain node-3 --end', 'It takes tasks again'],
  ],
  options: {
    node: { type: 'string', describe: 'Host name or id of the node', demandOption: true },
    deadline: { type: 'string', describe: 'Replacements have to run by then, or all is put back', default: '5m' },
    end: { type: 'boolean', describe: 'Let the node take tasks again' },
    ...dryRunOption,
  },
  positional: ['node'],
  run: (context, values) => (flag(values, 'end') ? end(context, values) : drain(context, values)),
};

export default command;

const modules = () => Promise.all([import('../common/engine'), import('../scaling/drain')]);

async function end(context: Context, values: Values): Promise<CommandResult> {
  const [{ connectEngine }, { endDrain }] = await modules();
  const node = await endDrain(connectEngine(context), text(values, 'node')!, context);
  return { result: { node, availability: 'active' }, summary: `${node} takes tasks again` };
}

async function drain(context: Context, values: Values): Promise<CommandResult> {
  const [{ connectEngine }, { drainNode, planDrain }] = await modules();
  const deadline = requireDuration('--deadline', text(values, 'deadline')!);
  const engine = connectEngine(context);
  const plan = await planDrain(engine, text(values, 'node')!, context);
  if (flag(values, 'dryRun')) return { result: { plan }, summary: renderPlan(plan) };
  await drainNode(engine, plan, deadline, context);
  const { node, services, globals } = plan;
  const moved = services.map(({ service, replicas, raised }) => ({ service, tasks: raised - replicas }));
  return {
    result: { node, moved, globals },
    summary: [
      `${node} is drained`,
      ...moved.map(({ service, tasks }) => `  ${service}: ${tasks} moved`),
      ...globals.map((service) => `  ${service}: its task on this node has ended (one on each node)`),
    ].join('\n'),
  };
}
