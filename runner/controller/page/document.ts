import { limitsOfLabels } from '../../labels/scale';
import type { LabelSettings } from '../../labels/description';
import type { AskedQuestion } from '../../people/questions';
import { decisionText } from '../../people/question';
import type { StandingRule } from '../../people/standing-rules';
import type { History } from '../../scaling/history';
import type { ServiceHold } from '../../scaling/holds';
import type { ServiceFacts } from '../../swarm/facts';
import type { AgentState } from '../agents';
import type { ServiceState } from '../model';
import type { FiringAlert } from './alerts';
import type { PageRelease } from './releases';
import type { ReplicaPoint } from './replica-log';

/** Everything that the page tells. Times are ISO. */
export interface PageDocument {
  at: string;
  failing?: { since: string; error: string } | undefined;
  services: PageService[];
  questions: PageQuestion[];
  decisions: PageDecision[];
  alerts: { firing: FiringAlert[]; problem?: string | undefined };
  releases: PageRelease[];
  rules: Pick<StandingRule, 'id' | 'service' | 'direction' | 'upTo' | 'until' | 'author' | 'reason'>[];
  agents: { engine: string; node: string; revision: string; behind: boolean; problem?: string | undefined }[];
}

export interface PageService {
  name: string;
  stack: string;
  state: ServiceState['state'];
  routes: string[];
  problems: string[];
  replicas: { running: number; wanted: number };
  limits?: { minimum: number; maximum: number } | undefined;
  hold?: { only: 'up' | 'down' | 'both'; until: string; by: string; reason: string } | undefined;
  over: readonly ReplicaPoint[];
}

export interface PageQuestion {
  id: string;
  title: string;
  why: string;
  subject: string;
  evidence: { label: string; text: string }[];
  choices: { id: string; label: string; style?: string | undefined; rule?: string | undefined }[];
  expiresAt: string;
  fallback: string;
}

export interface PageDecision {
  at: string;
  subject: string;
  /** What was done, or not done. */
  what: string;
  reason: string;
  by: string;
}

/** What the page is made of. */
export interface PageFacts {
  now: Date;
  failing?: { since: string; error: string } | undefined;
  services: readonly ServiceState[];
  facts: readonly ServiceFacts[];
  labels: Partial<LabelSettings>;
  over(service: string): readonly ReplicaPoint[];
  histories: ReadonlyMap<string, History>;
  holds: readonly ServiceHold[];
  questions: readonly AskedQuestion[];
  rules: readonly StandingRule[];
  releases: readonly PageRelease[];
  alerts: PageDocument['alerts'];
  agents: readonly AgentState[];
}

/** Decisions told. */
const told = 60;

/** The document of the page. */
export function pageDocument(page: PageFacts): PageDocument {
  const labelsOf = new Map(page.facts.map(({ name, labels }) => [name, labels]));
  const holdOf = new Map(page.holds.map((hold) => [hold.service, hold]));
  return {
    at: page.now.toISOString(),
    failing: page.failing,
    services: page.services.map(({ name, stack, state, routes, problems, replicas }): PageService => {
      const hold = holdOf.get(name);
      return {
        ...{ name, stack, state, routes, replicas },
        problems: problems.map(({ message }) => message),
        limits: limitsOfLabels(labelsOf.get(name) ?? {}, page.labels),
        hold: hold && {
          ...{ only: hold.only ?? 'both', by: hold.by, reason: hold.reason },
          until: new Date(hold.until).toISOString(),
        },
        over: page.over(name),
      };
    }),
    questions: page.questions.filter(({ state }) => state.state === 'open').map(questionOf),
    decisions: decisionsOf(page),
    alerts: page.alerts,
    releases: [...page.releases],
    rules: page.rules.map(({ id, service, direction, upTo, until, author, reason }) => ({
      ...{ id, service, direction, upTo, until, author, reason },
    })),
    agents: page.agents.map((agent) => ({
      ...{ engine: agent.engine, node: agent.node || agent.agent, revision: agent.running, behind: agent.behind },
      problem: agent.refused?.message ?? agent.problem,
    })),
  };
}

const questionOf = ({ question }: AskedQuestion): PageQuestion => ({
  id: question.id,
  title: question.title,
  why: question.why,
  subject: question.subject,
  evidence: question.evidence.map(({ label, text }) => ({ label, text })),
  choices: question.choices.map(({ id, label, style, rule }) => ({
    ...{ id, label, style },
    rule: rule && `next time by itself, ${rule.direction} to ${rule.upTo}, for ${rule.days} days`,
  })),
  expiresAt: question.expiresAt,
  fallback: question.fallback,
});

/** What machines and people have decided, newest first. */
function decisionsOf({ histories, questions }: PageFacts): PageDecision[] {
  const scaled = [...histories].flatMap(([subject, { changes, others }]): PageDecision[] => [
    ...changes.map(({ at, from, to, reason, by }) => ({
      ...{ at: new Date(at).toISOString(), subject, reason, by },
      what: `${from} → ${to}`,
    })),
    ...others.map(({ at, verdict, reason, by, times }) => ({
      ...{ at: new Date(at).toISOString(), subject, reason, by },
      what: `${verdicts[verdict]}${times > 1 ? `, ${times} times` : ''}`,
    })),
  ]);
  const answered = questions.flatMap(({ question, state }): PageDecision[] =>
    state.state === 'open'
      ? []
      : [
          {
            at: state.at,
            subject: question.subject,
            what: state.state === 'done' ? state.outcome : 'is being carried out',
            reason: `${question.title}: ${decisionText(question, state)}`,
            by: state.by,
          },
        ],
  );
  return [...scaled, ...answered].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, told);
}

const verdicts = { none: 'nothing to do', hold: 'held', refuse: 'refused', ask: 'asked a person' } as const;
