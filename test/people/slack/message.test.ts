import fc from 'fast-check';
import t from 'tap';
import { noticeMessage, parseButton, questionMessage } from '../../../runner/people/slack/message';
import { clipped, escaped, link } from '../../../runner/people/slack/text';
import type { Question, QuestionState } from '../../../runner/people/question';
import { holds } from '../../common/support';
import { blocksProblem, buttonsOf } from '../slack-server';
import { limitDraft } from '../support';

const question = (more: Partial<Question> = {}): Question => {
  const { expiresIn: _, ...draft } = limitDraft('shop_web');
  return {
    ...draft,
    ...{ id: 'q-2345678', evidence: draft.evidence ?? [], deciders: [], selfApproval: false, guard: {} },
    ...{ createdAt: '2026-01-01T12:00:00Z', expiresAt: '2026-01-01T12:30:00Z' },
    ...more,
  };
};
const blocksOf = (message: { blocks: unknown[] }) => message.blocks as Parameters<typeof blocksProblem>[0];
const anything = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 4000 }),
  fc.stringMatching(/^(<!channel>|<@U1>|&|<|>|a|\|){0,900}$/),
  fc.constantFrom('<!channel>', '<!here> deploy', '<https://evil|click>', 'a'.repeat(9000), '&'.repeat(2999)),
);

t.test('no text of a label or commit can become a link or call somebody', async (t) => {
  t.equal(escaped('<!channel> & <@U1>'), '&lt;!channel&gt; &amp; &lt;@U1&gt;');
  t.equal(link('javascript:alert(1)', 'look'), 'look');
  t.equal(link('https://x/|<!channel>', 'look'), 'look');
  t.equal(
    link('https://prometheus/graph?a=1&b=2', 'a|b <c>'),
    '<https://prometheus/graph?a=1&amp;b=2|a\u00a6b &lt;c&gt;>',
  );
  await holds(
    t,
    fc.property(anything, anything, anything, (title, why, text) => {
      const evidence = [{ label: title, text, url: 'https://prometheus/graph' }];
      const all = JSON.stringify([
        questionMessage(question({ title, why, evidence }), { state: 'open' }),
        noticeMessage({ title, lines: [why, text], level: 'info' }),
      ]);
      const tags = [...all.matchAll(/<[^>]*>?/g)].map(([tag]) => tag);
      return tags.every((tag) =>
        /^<(!date\^\d+\^\{date_short_pretty\} \{time\}\||https:\/\/prometheus\/graph\|)/.test(tag),
      );
    }),
  );
});

t.test('whatever the texts are, Slack takes the blocks', async (t) => {
  const state = fc.constantFrom<QuestionState>(
    { state: 'open' },
    { state: 'decided', choice: 'scale', by: 'ada', via: 'slack', at: '' },
    { state: 'done', choice: 'scale', by: 'ada', via: 'slack', at: '', outcome: '', ok: false },
  );
  await holds(
    t,
    fc.property(anything, anything, anything, state, (a, b, c, state) => {
      const [title, why, label] = [`${a}.`, `${b}.`, `${c}.`];
      const choices = [...question().choices, { id: 'other', label, action: {} }];
      const asked = questionMessage(question({ title, why, choices, deciders: [label] }), state);
      const told = noticeMessage({ title, lines: [why], level: 'danger' });
      return [asked, told].every(
        (message) => blocksProblem(blocksOf(message)) === undefined && message.text.length <= 3000,
      );
    }),
  );
});

t.test('a text is never cut within an escape or a character', async (t) => {
  t.equal(clipped('abc&amp;def', 7), 'abc\u2026');
  t.equal(clipped('ab\ud83d\ude00cd', 4), 'ab\u2026');
  t.equal(clipped('abc', 3), 'abc');
});

t.test('an open question has a button for each choice and one for each standing rule', async (t) => {
  const message = questionMessage(question({ deciders: ['ops'] }), { state: 'open' });
  const buttons = buttonsOf({ blocks: blocksOf(message) });
  t.same(
    buttons.map(({ action_id, style }) => [action_id, style]),
    [
      ['answer:scale', 'primary'],
      ['answer:scale:standing', undefined],
      ['answer:hold', undefined],
      ['answer:ignore', 'danger'],
    ],
  );
  t.same(parseButton(buttons[1]!.value), { question: 'q-2345678', choice: 'scale', standing: true });
  t.match(JSON.stringify(message.blocks), /without an answer until .*: Ignore .* for ops/);
});

t.test('once it is decided the buttons are gone, and it says who decided what, and what came of it', async (t) => {
  const by = { choice: 'scale', by: 'ada (U1)', via: 'slack', at: '' } as const;
  const decided = questionMessage(question(), { state: 'decided', ...by });
  const done = questionMessage(question(), { state: 'done', ...by, outcome: 'shop_web: 4 to 5', ok: true });
  for (const message of [decided, done]) {
    t.same(buttonsOf({ blocks: blocksOf(message) }), []);
    t.match(JSON.stringify(message), /Scale to 5: decided by ada \(U1\), by slack/);
  }
  t.match(JSON.stringify(done), /shop_web: 4 to 5/);
});

t.test('what a button of somebody else holds is no answer', async (t) => {
  for (const value of [undefined, 7, '', 'null', '[]', '{}', '{"question":1,"choice":"a"}', 'x'.repeat(3000)])
    t.equal(parseButton(value), undefined, String(value).slice(0, 20));
});
