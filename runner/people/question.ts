/** What a standing rule would be made of: "next time do this by yourself". */
export interface RuleOffer {
  service: string;
  direction: 'up' | 'down';
  /** Replicas up to which, or down to which, it may go without asking. */
  upTo: number;
  /** How long the rule would hold. */
  days: number;
}

export interface Choice {
  id: string;
  label: string;
  style?: 'primary' | 'danger';
  /** What the executor gets. */
  action: Record<string, unknown>;
  rule?: RuleOffer;
}

export const questionKinds = ['limit', 'approval', 'node'] as const;
export type QuestionKind = (typeof questionKinds)[number];

export interface Evidence {
  label: string;
  text: string;
  url?: string;
}

/** Something that only a person can decide, as it was asked: it never changes. */
export interface Question {
  /** Short, to be typed: `q-7k2m9x`. */
  id: string;
  kind: QuestionKind;
  /** Service, stack or node. */
  subject: string;
  /** What tells it from other questions about the same subject. */
  key: string;
  title: string;
  why: string;
  evidence: Evidence[];
  choices: Choice[];
  /** Id of the choice that is taken when nobody has answered. */
  fallback: string;
  createdAt: string;
  expiresAt: string;
  /** Names or groups that may decide; with none everybody whom the question reaches may. */
  deciders: string[];
  askedBy?: string;
  /** Who asked may decide as well. */
  selfApproval: boolean;
  /** What has to be so still when the decision is carried out. */
  guard: { version?: number; digest?: string; from?: number; to?: number };
}

/** A question that is about to be asked. */
export interface Draft extends Omit<
  Question,
  'id' | 'createdAt' | 'expiresAt' | 'evidence' | 'deciders' | 'selfApproval' | 'guard'
> {
  /** Milliseconds after which the fallback is taken. */
  expiresIn: number;
  evidence?: Evidence[];
  /** Without it those of HOMEOSTAT_DECIDERS. */
  deciders?: string[];
  /** Without it what HOMEOSTAT_SELF_APPROVAL says. */
  selfApproval?: boolean;
  guard?: Question['guard'];
}

export const ways = ['slack', 'command line', 'jenkins', 'page', 'expiry', 'rule'] as const;
/** The way by which a decision came. */
export type Via = (typeof ways)[number];

export interface Decision {
  choice: string;
  by: string;
  via: Via;
  at: string;
  reason?: string;
  /** It is also a standing rule from now on. */
  standing?: boolean;
}

export interface Outcome {
  outcome: string;
  ok: boolean;
}

export type QuestionState =
  { state: 'open' } | ({ state: 'decided' } & Decision) | ({ state: 'done' } & Decision & Outcome);

/** What somebody wants to be decided. */
export interface Answer {
  choice: string;
  by: string;
  via: Via;
  reason?: string;
  standing?: boolean;
  /** Other names and groups of who answers. */
  alsoKnownAs?: string[];
}

/** Why an answer cannot be taken; undefined where it can. */
export function refusalOf(question: Question, answer: Answer, now: number): string | undefined {
  const choice = question.choices.find(({ id }) => id === answer.choice);
  if (!choice)
    return `'${answer.choice.slice(0, 40)}' is no answer to ${question.id}; there are ${question.choices.map(({ id }) => id).join(', ')}`;
  if (answer.standing && !choice.rule) return `'${choice.id}' cannot become a standing rule`;
  if (answer.via === 'expiry')
    return now >= Date.parse(question.expiresAt) ? undefined : `${question.id} has not expired yet`;
  if (now >= Date.parse(question.expiresAt)) return `${question.id} expired at ${question.expiresAt}`;
  const names = [answer.by, ...(answer.alsoKnownAs ?? [])];
  if (question.deciders.length > 0 && !question.deciders.some((decider) => names.includes(decider)))
    return `${answer.by} may not decide this; ${question.deciders.join(', ')} may`;
  if (!question.selfApproval && question.askedBy !== undefined && names.includes(question.askedBy))
    return `${answer.by} asked for this, so somebody else has to decide`;
  return undefined;
}

export const labelOf = (question: Question, choice: string): string =>
  question.choices.find(({ id }) => id === choice)?.label ?? choice;

/** A decision as a sentence. */
export function decisionText(question: Question, { choice, by, via, reason, standing }: Decision): string {
  const what = `${labelOf(question, choice)}${standing ? ', and next time without asking' : ''}`;
  const who = via === 'expiry' ? 'nobody answered in time' : `decided by ${by}, by ${via}`;
  return `${what}: ${who}${reason ? ` (${reason})` : ''}`;
}
