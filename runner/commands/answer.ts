import { fail } from '../common/errors';
import type { Command } from './command';
import { actor, flag, text } from './shared';

const command: Command = {
  name: 'answer',
  describe: 'Decide a question and carry the decision out. The first answer counts',
  examples: [
    ['homeostat answer q-7k2m9x scale --reason "the sale begins"', 'Decide, and say why'],
    ['homeostat answer q-7k2m9x scale --always', 'Decide the same by yourself next time'],
  ],
  options: {
    id: { type: 'string', describe: 'Id of the question, as `homeostat questions` lists it', demandOption: true },
    choice: { type: 'string', describe: 'Id of the choice', demandOption: true },
    reason: { type: 'string', describe: 'Why, for the record' },
    always: { type: 'boolean', describe: 'Make it a standing rule, where the choice offers that' },
    by: { type: 'string', describe: 'Who decides (default: the user of this machine)' },
    prefix: { type: 'string', describe: 'What labels begin with', default: 'com.df.' },
  },
  positional: ['id', 'choice'],
  async run(context, values) {
    const [
      { connectEngine },
      { decideQuestion, readQuestion },
      { decisionText },
      { settleDecisions },
      { executorsFor },
      { peopleSettings },
    ] = await Promise.all([
      import('../common/engine'),
      import('../people/questions'),
      import('../people/question'),
      import('../people/execute'),
      import('./executors'),
      import('../people/settings'),
    ]);
    const engine = connectEngine(context);
    const id = text(values, 'id')!;
    const { question } = await readQuestion(engine, id, context);
    const reason = text(values, 'reason');
    const decided = await decideQuestion(
      engine,
      id,
      {
        choice: text(values, 'choice')!,
        by: text(values, 'by') ?? actor(context),
        via: 'command line',
        ...(reason ? { reason } : {}),
        ...(flag(values, 'always') ? { standing: true } : {}),
      },
      context,
    );
    if (decided !== 'decided' && 'refused' in decided)
      fail('ANSWER_REFUSED', `the answer to ${id} was not taken`, { cause: decided.refused });
    if (decided !== 'decided')
      fail('ANSWER_LATE', `${id} was decided before`, {
        cause: decisionText(question, decided.already),
        data: { decision: decided.already },
      });
    const { settings } = peopleSettings(context.env);
    const executors = await executorsFor(engine, context, { ...settings, prefix: text(values, 'prefix')! });
    await settleDecisions(engine, executors, context, { only: (each) => each.id === id });
    const { state } = await readQuestion(engine, id, context);
    if (state.state === 'open') return fail('INTERNAL', `${id} is open after it was decided`);
    if (state.state === 'done' && !state.ok)
      fail('ANSWER_FAILED', `${id} is decided, and it was not done`, { cause: state.outcome, data: { question: id } });
    const outcome = state.state === 'done' ? state.outcome : 'it is being carried out';
    return {
      result: { question: id, ...state },
      summary: `${decisionText(question, state)}\n${outcome}`,
    };
  },
};

export default command;
