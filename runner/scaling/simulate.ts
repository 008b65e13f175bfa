import { decide } from './decide';
import type { Change, Decision, Direction, Facts, Limits } from './model';

/** A load at a time; seconds, and load as a whole per second. */
export interface Sample {
  time: number;
  load: number;
}

export interface Simulation {
  limits: Limits;
  /** Load per replica above which the alert up, and below which the alert down fires. */
  threshold: Record<Direction, number>;
  /** Seconds that the threshold must be passed before the alert fires. */
  for: number;
  /** Seconds over which the load is averaged, as `rate` does. */
  window: number;
  /** Seconds between two looks at the load. */
  interval: number;
  /** Seconds until a new replica takes load. */
  startup: number;
  replicas: number;
}

export interface Step {
  time: number;
  load: number;
  replicas: number;
  /** Where an alert fires. */
  decision?: Decision;
}

export interface Simulated {
  steps: Step[];
  changes: Change[];
  /** Changes in the other direction than the one before. */
  flips: number;
}

/** Runs the decisions over a load curve: the same `decide` as in earnest, with alerts as Prometheus would raise them. */
export function simulate(curve: readonly Sample[], simulation: Simulation): Simulated {
  const steps: Step[] = [];
  const changes: Change[] = [];
  const passedSince: Partial<Record<Direction, number>> = {};
  let replicas = simulation.replicas;
  for (const { time, load } of resample(curve, simulation)) {
    const step: Step = { time, load, replicas };
    for (const direction of ['up', 'down'] as const) {
      const share = load / Math.max(1, replicas);
      const passed = direction === 'up' ? share > simulation.threshold.up : share < simulation.threshold.down;
      passedSince[direction] = passed ? (passedSince[direction] ?? time) : undefined;
      const since = passedSince[direction];
      if (since === undefined || time - since < simulation.for) continue;
      step.decision = decide(factsOf(direction, { time, replicas, since, changes, simulation }));
      if (step.decision.verdict !== 'scale') continue;
      const { from, to } = step.decision;
      changes.unshift({ at: time * 1000, from, to, by: 'alert' });
      replicas = to;
    }
    steps.push(step);
  }
  return { steps, changes, flips: countFlips(changes) };
}

interface Moment {
  time: number;
  replicas: number;
  since: number;
  changes: Change[];
  simulation: Simulation;
}

function factsOf(direction: Direction, { time, replicas, since, changes, simulation }: Moment): Facts {
  const starting = changes[0] !== undefined && time - changes[0].at / 1000 < simulation.startup;
  const running = starting ? Math.min(replicas, changes[0]!.from) : replicas;
  return {
    now: time * 1000,
    live: {
      service: 'service',
      stack: 'service',
      mode: 'replicated',
      version: 1,
      replicas,
      running,
      outdated: 0,
      update: '',
    },
    limits: simulation.limits,
    changes,
    holds: [],
    rules: [],
    request: {
      service: 'service',
      wish: { kind: 'step', direction },
      origin: 'alert',
      by: 'alert',
      alert: { since: since * 1000, firing: true },
    },
  };
}

/** The curve looked at in even steps, each the mean of the window before it. */
function resample(curve: readonly Sample[], { interval, window }: Simulation): Sample[] {
  const [first, last] = [curve[0], curve.at(-1)];
  if (!first || !last) return [];
  const raw: Sample[] = [];
  let index = 0;
  for (let time = first.time; time <= last.time; time += interval) {
    while (index + 1 < curve.length && curve[index + 1]!.time <= time) index++;
    raw.push({ time, load: curve[index]!.load });
  }
  const width = Math.max(1, Math.round(window / interval));
  return raw.map(({ time }, at) => {
    const seen = raw.slice(Math.max(0, at + 1 - width), at + 1);
    return { time, load: seen.reduce((sum, { load }) => sum + load, 0) / seen.length };
  });
}

const directionOf = ({ from, to }: Change) => Math.sign(to - from);

export const countFlips = (changes: readonly Change[]): number =>
  changes.filter((change, index) => index > 0 && directionOf(change) !== directionOf(changes[index - 1]!)).length;
