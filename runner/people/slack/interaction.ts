import type { Context } from '../../common/context';
import type { Engine } from '../../common/engine';
import { messageOf } from '../../common/errors';
import { decisionText, type Answer } from '../question';
import { decideQuestion, readQuestion } from '../questions';
import type { SlackApi } from './api';
import { parseButton, type ButtonValue } from './message';
import { escaped } from './text';

/** Somebody has pressed a button. */
export interface Click {
  button: ButtonValue;
  /** Slack's id, which cannot be chosen, and the name beside it. */
  user: { id: string; name: string };
  channel: string;
}

/** The click that a payload of Slack holds; undefined for anything else (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload). */
export function parseClick(payload: unknown): Click | undefined {
  const { type, user, channel, container, actions } = (payload ?? {}) as Record<
    string,
    Record<string, unknown> | string
  >;
  if (type !== 'block_actions' || !Array.isArray(actions)) return undefined;
  const button = parseButton((actions as { value?: unknown }[])[0]?.value);
  const { id, username, name } = (user ?? {}) as Record<string, unknown>;
  const place = (channel as { id?: unknown })?.id ?? (container as { channel_id?: unknown })?.channel_id;
  if (!button || typeof id !== 'string' || typeof place !== 'string') return undefined;
  const shown = typeof username === 'string' ? username : typeof name === 'string' ? name : id;
  return { button, user: { id, name: shown }, channel: place };
}

/** Decides what was clicked, and tells who clicked where it could not be taken. */
export async function takeClick(
  engine: Engine,
  api: SlackApi,
  click: Click,
  context: Context,
): Promise<'decided' | 'refused' | 'failed'> {
  const { button, user, channel } = click;
  const answer: Answer = {
    choice: button.choice,
    // The id alone says who it is: names in Slack can be changed by their owners.
    by: `${user.name} (${user.id})`,
    via: 'slack',
    alsoKnownAs: [user.id],
    ...(button.standing ? { standing: true } : {}),
  };
  const whisper = async (text: string) => {
    const told = await api.whisper(channel, user.id, escaped(text));
    if (told.kind !== 'done') context.log.debug(`${user.name} could not be told in Slack: ${told.kind}`);
  };
  try {
    const decided = await decideQuestion(engine, button.question, answer, context);
    if (decided === 'decided') return 'decided';
    if ('refused' in decided) await whisper(`This was not taken: ${decided.refused}.`);
    else {
      const { question } = await readQuestion(engine, button.question, context);
      await whisper(`This was decided before: ${decisionText(question, decided.already)}.`);
    }
    return 'refused';
  } catch (error) {
    context.log.warn(`an answer of ${user.name} to ${button.question} could not be kept: ${messageOf(error)}`);
    await whisper(`Your answer could not be kept, and nothing was done: ${messageOf(error)}. Please press again.`);
    return 'failed';
  }
}
