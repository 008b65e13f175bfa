import { quoted } from './quote';

/** What an argument of a shortcut may be. */
export interface ShortcutArgument {
  /** As it stands in the reference: `ratio`, `window`. */
  name: string;
  kind: 'number' | 'ratio' | 'duration';
  /** What holds where it is left out; then those behind it have one too. */
  default?: string;
}

/** To what the series of a shortcut belong; those of one kind can be combined by their labels. */
export type Scope = 'service' | 'node';

/** Names of jobs and metrics that are the monitor's choice. */
export interface ShortcutContext {
  /** Full name of the service. */
  service: string;
  containerJob: string;
  nodeJob: string;
}

/** An alert condition by name. */
export interface Shortcut {
  arguments: readonly ShortcutArgument[];
  /** When it fires, as the end of "Fires when …". */
  fires: string;
  /** The PromQL; arguments are as written, and of their kind. Durations are Prometheus' own. */
  expression(context: ShortcutContext, ...values: string[]): string;
  scope: Scope;
  /** Labels that it brings besides receiver=system. */
  labels: Record<string, string>;
  severity: 'info' | 'warning' | 'critical';
  /** How the value reads in a message. */
  value: 'ratio' | 'seconds' | 'number' | 'cores';
  /** What of the service the value is: `memory, as a share of its limit`. */
  measures: string;
  /** The limit in words; arguments are filled in for {0}, {1}. */
  bound: string;
  /** What to do. */
  runbook: string;
  /** It fires during a rollout as well. */
  inRollout?: true;
  /** It is one of Docker Flow's. */
  dockerFlow?: true;
  example: string;
}

/** The same, but for the time of a rollout: tasks come and go then, and whoever started it looks. */
export const calm = (expression: string, service: string): string =>
  `(${expression}) unless on () max(homeostat_service_updating{service=${quoted(service)}}) == 1`;
