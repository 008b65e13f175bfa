import type { ServiceDescription } from '../labels/description';

/** What Alertmanager's configuration is made from; nothing else decides about it. */
export interface AlertingInput {
  services: AlertedService[];
  settings: AlertingSettings;
  /** The operator's own message templates by file name, such as `team.tmpl`. */
  templates: Record<string, string>;
}

export type AlertedService = Pick<ServiceDescription, 'name' | 'scale'>;

export interface AlertingOutput {
  /** Files by their path: alertmanager.yml and templates/*.tmpl. */
  files: Record<string, string>;
  refusals: AlertRefusal[];
  /** The routing tree in alertmanager.yml, for `receiversOf`. */
  route: Route;
  /** In words, what each receiver does: `Slack #ops`, `job service-scale, up`. */
  destinations: Record<string, string>;
}

/** What is left out, and why; `service` is empty for what is wrong with the settings. */
export interface AlertRefusal {
  service: string;
  severity: 'error' | 'warning';
  message: string;
}

export type Direction = 'up' | 'down';
export const directions: readonly Direction[] = ['up', 'down'];

export const severities = ['critical', 'warning', 'info'] as const;
export type Severity = (typeof severities)[number];

/** Settings of the operator. Times are milliseconds; secrets are named by their files, never held. */
export interface AlertingSettings {
  /** Undefined: nobody scales by alerts, people are told. */
  job?: JobSettings;
  slack: SlackSettings;
  /** Where people find Alertmanager, for links in messages. */
  externalUrl?: string;
  repeat: Record<Direction | 'nodes' | 'people' | 'critical', number>;
  /** How long the first message about something waits for more of its kind, and how often it may change. */
  group: { wait: number; interval: number };
  own: OwnParts;
}

export interface JobSettings {
  /** Root of Jenkins, or of the embedded job server. */
  url: string;
  /** The parameterised job that scales services; folders are separated by slashes. */
  name: string;
  /** The job that adds and removes nodes. */
  nodes?: string;
  user?: string;
  tokenFile?: string;
  caFile?: string;
}

export interface SlackSettings {
  /** File with the address of an incoming webhook. */
  urlFile?: string;
  /** File with a bot's token, used where there is no webhook. */
  tokenFile?: string;
  /** Where a bot posts. */
  apiUrl: string;
  channel?: string;
  channels: Partial<Record<Severity, string>>;
}

/** Parts in Alertmanager's own form that are taken over. */
export interface OwnParts {
  routes: Route[];
  receivers: Receiver[];
  inhibitRules: Record<string, unknown>[];
  timeIntervals: Record<string, unknown>[];
}

/** https://prometheus.io/docs/alerting/0.25/configuration/#route */
export interface Route {
  receiver?: string;
  matchers?: string[];
  match?: Record<string, string>;
  match_re?: Record<string, string>;
  group_by?: string[];
  group_wait?: string;
  group_interval?: string;
  repeat_interval?: string;
  continue?: boolean;
  mute_time_intervals?: string[];
  active_time_intervals?: string[];
  routes?: Route[];
}

export interface Receiver {
  name: string;
  [configurations: string]: unknown;
}

/** Names of receivers that begin so are the system's. */
export const ownedPrefix = 'homeostat/';
export const people = `${ownedPrefix}people`;
/** What reaches this receiver is done already. */
export const nobody = `${ownedPrefix}none`;
export const peopleOf = (severity: Severity) => `${people}/${severity}`;
export const scalerOf = (service: string, direction: Direction) => `${ownedPrefix}scale/${service}/${direction}`;
export const nodeScaler = (direction: Direction) => `${ownedPrefix}nodes/${direction}`;
