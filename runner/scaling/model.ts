import type { Step } from '../labels/description';

export type Direction = 'up' | 'down';

/** How many replicas are wanted: a step in a direction, a difference, or a number. */
export type Wish =
  | { kind: 'step'; direction: Direction; by?: Step | undefined }
  | { kind: 'difference'; difference: number }
  | { kind: 'number'; replicas: number };

/** What is known of the alert that a request comes from. Times are milliseconds since 1970. */
export interface AlertFacts {
  /** When the alert began to fire. */
  since?: number | undefined;
  /** When Alertmanager told of it. */
  sentAt?: number | undefined;
  /** What Alertmanager says now; undefined where it was not asked or did not answer. */
  firing?: boolean | undefined;
}

/**
 * Who wants it. An alert is bound by every guard. A person's word counts without cooldown and steps, and is refused at a
 * limit instead of asked about. An answer is a person's decision to go beyond a limit.
 */
export type Origin = 'alert' | 'person' | 'answer';

export interface ScaleRequest {
  service: string;
  wish: Wish;
  origin: Origin;
  /** Person or job. */
  by: string;
  /** The same request has the same id, however often it arrives. */
  id?: string | undefined;
  alert: AlertFacts;
}

/** Limits and habits of one service. Times are milliseconds. */
export interface Limits {
  minimum: number;
  maximum: number;
  upBy: Step;
  downBy: Step;
  stepLimit?: number | undefined;
  cooldown: Record<Direction, number>;
  /** Time that an alert must have been firing. */
  stabilization: Record<Direction, number>;
  /** Time after which a service that was scaled down and up again may be scaled down. */
  flapWindow: number;
  paused: 'none' | Direction | 'all';
}

/** The service as it is at this moment. */
export interface Live {
  service: string;
  stack: string;
  mode: 'replicated' | 'global' | 'job';
  version: number;
  replicas: number;
  /** Tasks of the present spec that run. */
  running: number;
  /** Tasks of an earlier spec that are still to run: a rollout is going on. */
  outdated: number;
  /** State of Swarm's own updater, or ''. */
  update: string;
  /** Who rolls the stack out, where somebody does. */
  rollout?: string | undefined;
  /** Why nobody but a person with docker may scale it: not on the list, labels that are wrong. */
  forbidden?: string | undefined;
}

/** A change of the replicas that was made. */
export interface Change {
  /** Milliseconds since 1970. */
  at: number;
  from: number;
  to: number;
  by: string;
  id?: string | undefined;
}

/** Somebody does not want the service to be scaled for now. */
export interface Hold {
  only?: Direction | undefined;
  /** Milliseconds since 1970. */
  until: number;
  by: string;
  reason: string;
  source: 'hold' | 'silence';
}

/** Permission of a person to go beyond a limit. */
export interface Rule {
  direction: Direction;
  upTo: number;
  /** Milliseconds since 1970. */
  until: number;
  author: string;
}

/** All that a decision is made from. */
export interface Facts {
  /** Milliseconds since 1970. */
  now: number;
  live: Live;
  limits: Limits;
  /** Newest first. */
  changes: readonly Change[];
  holds: readonly Hold[];
  rules: readonly Rule[];
  request: ScaleRequest;
}

/** What kept a request from being carried out, in the order in which it is looked at. */
export const guards = ['service', 'hold', 'rollout', 'pending', 'alert', 'repeat', 'cooldown', 'limit'] as const;
export type GuardName = (typeof guards)[number];

/**
 * `scale`: to that many replicas. `none`: it is so already. `hold`: not now. `ask`: a person has to decide. `refuse`: not at
 * all.
 */
export type Decision =
  | { verdict: 'scale'; from: number; to: number; reason: string }
  | { verdict: 'none'; from: number; reason: string }
  | { verdict: 'hold' | 'refuse'; from: number; guard: GuardName; reason: string }
  | { verdict: 'ask'; from: number; wanted: number; limit: number; reason: string };
