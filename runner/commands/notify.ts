import { fail } from '../common/errors';
import type { NoticeLevel } from '../people/notices';
import type { Command } from './command';
import { flag, list, text } from './shared';

const command: Command = {
  name: 'notify',
  describe: 'Tell people something. One story is one message, which is edited when it is told again',
  examples: [
    ['homeostat notify --title "the import begins" --story import', 'A message'],
    ['homeostat notify --title "the import is done" --story import --level good --ended', 'The same message, edited'],
  ],
  options: {
    title: { type: 'string', describe: 'What it is, in one line (required)' },
    line: { type: 'array', describe: 'More to say, a line each' },
    level: {
      type: 'string',
      choices: ['info', 'good', 'warning', 'danger'],
      describe: 'How bad it is',
      default: 'info',
    },
    story: { type: 'string', describe: 'What it belongs to: the same story is the same message (default: the title)' },
    subject: { type: 'string', describe: 'Service, stack or node that it is about' },
    ended: { type: 'boolean', describe: 'Nothing more is to come of this story' },
  },
  positional: ['title'],
  async run(context, values) {
    const title = text(values, 'title') ?? fail('USAGE_INVALID', 'there is nothing to tell: --title is missing');
    const [{ connectEngine }, { putStory }] = await Promise.all([
      import('../common/engine'),
      import('../people/notices'),
    ]);
    const story = {
      ...{
        story: `told ${text(values, 'story') ?? title}`,
        kind: 'told',
        subject: text(values, 'subject') ?? '',
        title,
      },
      ...{ lines: list(values, 'line'), level: values.level as NoticeLevel },
      ...(flag(values, 'ended') ? { ended: true } : {}),
    };
    await putStory(connectEngine(context), story, context);
    return { result: { told: story }, summary: 'kept for Slack, which gets it within seconds where it is set up' };
  },
};

export default command;
