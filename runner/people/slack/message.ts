import type { Notice } from '../notices';
import { decisionText, type Choice, type Question, type QuestionState } from '../question';
import { clipped, escaped, limits, link } from './text';

type Block = Record<string, unknown>;

/** A message as Slack takes it. */
export interface Message {
  /** What notifications show. */
  text: string;
  blocks: Block[];
}

/** What a button carries. */
export interface ButtonValue {
  question: string;
  choice: string;
  standing?: boolean;
}

const section = (text: string): Block => ({
  type: 'section',
  text: { type: 'mrkdwn', text: clipped(text, limits.text) },
});

const small = (text: string): Block => ({
  type: 'context',
  elements: [{ type: 'mrkdwn', text: clipped(text, limits.field) }],
});

const marks = {
  info: ':information_source:',
  good: ':white_check_mark:',
  warning: ':warning:',
  danger: ':rotating_light:',
};

/** The message of a story, as it is now. */
export function noticeMessage({ title, lines, level }: Notice): Message {
  const head = `${marks[level]} *${escaped(title)}*`;
  return {
    text: clipped(escaped(title), limits.fallback),
    blocks: lines.length === 0 ? [section(head)] : [section(head), section(lines.map(escaped).join('\n'))],
  };
}

/** The message of a question: with buttons while it is open, and afterwards with who decided what, and what came of it. */
export function questionMessage(question: Question, state: QuestionState): Message {
  const { title, why, evidence } = question;
  const blocks = [
    section(`:raised_hand: *${escaped(title)}*`),
    section(escaped(why)),
    ...(evidence.length > 0
      ? [section(evidence.map(({ label, text, url }) => `*${escaped(label)}:* ${link(url, text)}`).join('\n'))]
      : []),
    ...(state.state === 'open' ? openBlocks(question) : closedBlocks(question, state)),
  ];
  const end = state.state === 'open' ? '' : ` \u2013 ${decisionText(question, state)}`;
  return { text: clipped(escaped(`${title}${end}`), limits.fallback), blocks };
}

function openBlocks(question: Question): Block[] {
  const { id, choices, fallback, expiresAt, deciders } = question;
  const last = choices.find((choice) => choice.id === fallback)?.label ?? fallback;
  const who = deciders.length > 0 ? ` \u00b7 for ${deciders.join(', ')}` : '';
  const ends = Math.floor(Date.parse(expiresAt) / 1000);
  const until = `<!date^${ends}^{date_short_pretty} {time}|${escaped(expiresAt)}>`;
  return [
    { type: 'actions', block_id: `question:${id}`, elements: choices.flatMap((choice) => buttons(id, choice)) },
    small(`${escaped(id)} \u00b7 without an answer until ${until}: ${escaped(last)}${escaped(who)}`),
  ];
}

function buttons(question: string, { id, label, style, rule }: Choice): Block[] {
  const button = (text: string, value: ButtonValue): Block => ({
    type: 'button',
    action_id: `answer:${value.choice}${value.standing ? ':standing' : ''}`,
    // Not escaped: a plain text is never read as markup.
    text: { type: 'plain_text', text: clipped(text, limits.button) },
    value: JSON.stringify(value),
    ...(style && !value.standing ? { style } : {}),
  });
  const once = button(label, { question, choice: id });
  if (!rule) return [once];
  const always = `${label}, always up to ${rule.upTo} for ${rule.days} d`;
  return [once, button(always, { question, choice: id, standing: true })];
}

function closedBlocks(question: Question, state: Exclude<QuestionState, { state: 'open' }>): Block[] {
  const outcome =
    state.state === 'done' ? `${state.ok ? '' : ':warning: '}${escaped(state.outcome)}` : 'being carried out';
  return [section(`*${escaped(decisionText(question, state))}*`), small(`${outcome} \u00b7 ${escaped(question.id)}`)];
}

/** What a button carried; undefined where it is none of ours. */
export function parseButton(value: unknown): ButtonValue | undefined {
  if (typeof value !== 'string' || value.length > limits.value) return undefined;
  try {
    const { question, choice, standing } = JSON.parse(value) as Partial<Record<keyof ButtonValue, unknown>>;
    if (typeof question !== 'string' || typeof choice !== 'string') return undefined;
    return { question, choice, ...(standing === true ? { standing } : {}) };
  } catch {
    return undefined;
  }
}
