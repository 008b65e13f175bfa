import type { AskedQuestion } from '../people/questions';
import type { Command } from './command';
import { flag } from './shared';

const command: Command = {
  name: 'questions',
  describe:
    'List what waits for the decision of a person, and with --all what was decided, by whom and what came of it',
  examples: [
    ['homeostat questions', 'What is open, with the choices and who may decide'],
    ['homeostat questions --all --json', 'Everything that is kept, as JSON'],
  ],
  options: { all: { type: 'boolean', describe: 'Also questions that are decided' } },
  async run(context, values) {
    const [{ connectEngine }, { listQuestions }, { decisionText }, { readSlackTrouble }] = await Promise.all([
      import('../common/engine'),
      import('../people/questions'),
      import('../people/question'),
      import('../people/slack-trouble'),
    ]);
    const engine = connectEngine(context);
    const asked = await listQuestions(engine, context, { open: !flag(values, 'all') });
    const slack = await readSlackTrouble(engine, context);
    const lines = asked.map((each) => describe(each, decisionText));
    if (slack) lines.push(`Slack cannot be told since ${slack.since}: ${slack.message}`);
    return {
      result: {
        questions: asked.map(({ question, state }) => ({ ...question, ...state })),
        ...(slack ? { slack } : {}),
      },
      summary: lines.join('\n\n') || 'nothing waits for a person',
    };
  },
};

export default command;

function describe(
  { question, state }: AskedQuestion,
  decisionText: typeof import('../people/question').decisionText,
): string {
  const { id, title, why, evidence, choices, deciders, fallback, expiresAt } = question;
  const lines = [`${id}  ${title}`, `  ${why}`, ...evidence.map(({ label, text }) => `  ${label}: ${text}`)];
  if (state.state !== 'open') {
    const outcome = state.state === 'done' ? `${state.ok ? '' : 'not done: '}${state.outcome}` : 'being carried out';
    return [...lines, `  ${decisionText(question, state)}`, `  ${outcome}`].join('\n');
  }
  return [
    ...lines,
    ...choices.map((choice) => {
      const more = [
        choice.id === fallback ? `taken at ${expiresAt} when nobody answers` : '',
        choice.rule ? '--always makes it a standing rule' : '',
      ].filter(Boolean);
      return `  homeostat answer ${id} ${choice.id}   ${choice.label}${more.length > 0 ? ` (${more.join('; ')})` : ''}`;
    }),
    ...(deciders.length > 0 ? [`  may be decided by ${deciders.join(', ')}`] : []),
  ].join('\n');
}
