import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import type { Draft, Question } from '../people/question';
import { askQuestion, listQuestions } from '../people/questions';
import { replicasText } from './decide-guards';
import { wishText } from './decide';
import type { Change, Decision, Facts } from './model';
import type { ScalingSettings } from './settings';

type Ask = Extract<Decision, { verdict: 'ask' }>;

/** What a choice has the executor do. */
export type LimitAction = { do: 'scale'; to: number } | { do: 'hold'; for: number } | { do: 'ignore' };

const holdFor = 3_600_000;
/** Days that "next time by yourself" holds. */
const ruleDays = 7;
const changesTold = 5;

const keyOf = 'up';

/**
 * Asks people what to do at a limit; while the question is open it is asked once. Who has just decided to ignore it is not
 * asked again for as long as a question stays open.
 * @returns the question, or the decision that still holds
 */
export async function askAtLimit(
  engine: Engine,
  ask: Ask,
  facts: Facts,
  settings: ScalingSettings,
  context: Context,
): Promise<{ question: Question; created: boolean } | { ignored: string }> {
  const { service } = facts.live;
  const asked = await listQuestions(engine, context, { kind: 'limit' });
  const last = asked.find(({ question }) => question.subject === service && question.key === keyOf);
  if (last?.state.state === 'done' && last.state.choice === 'ignore') {
    const over = Date.parse(last.state.at) + settings.questionExpires;
    const who = last.state.via === 'expiry' ? 'nobody answered' : `${last.state.by} decided to ignore it`;
    if (facts.now < over) return { ignored: `${who} (${last.question.id}); people are asked again later` };
  }
  return askQuestion(engine, draftOf(ask, facts, settings), context);
}

/** The question as people get it. */
export function draftOf(ask: Ask, { live, limits, changes, request, now }: Facts, settings: ScalingSettings): Draft {
  const { service, version } = live;
  const { from, wanted, limit } = ask;
  const action = (value: LimitAction) => value as unknown as Record<string, unknown>;
  return {
    kind: 'limit',
    subject: service,
    key: keyOf,
    title: `${service} is at its maximum of ${limit}, and needs more`,
    why: `${wishText(request)}: ${from} → ${wanted}. ${settings.labels.prefix}scaleMax allows ${limits.maximum}.`,
    evidence: [
      { label: 'Replicas', text: `${replicasText(from)}, all of which run` },
      ...(request.alert.since === undefined
        ? []
        : [{ label: 'The alert fires since', text: new Date(request.alert.since).toISOString() }]),
      ...(changes.length === 0 ? [] : [{ label: 'Changes before', text: changesText(changes, now) }]),
    ],
    choices: [
      {
        id: 'scale',
        label: `Scale to ${wanted}`,
        style: 'primary',
        action: action({ do: 'scale', to: wanted }),
        rule: { service, direction: 'up', upTo: wanted, days: ruleDays },
      },
      { id: 'hold', label: 'Hold for 1 h', action: action({ do: 'hold', for: holdFor }) },
      { id: 'ignore', label: 'Ignore', action: action({ do: 'ignore' }) },
    ],
    fallback: 'ignore',
    expiresIn: settings.questionExpires,
    askedBy: request.by,
    guard: { version, from, to: wanted },
  };
}

const changesText = (changes: readonly Change[], now: number) =>
  changes
    .slice(0, changesTold)
    .map(({ from, to, at }) => `${from} → ${to} ${Math.round((now - at) / 60_000)} min ago`)
    .join(', ');
