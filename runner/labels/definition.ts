/** What a label's value may be, and how it is read. */
export interface Form<Value = unknown> {
  /** One or two words for the reference: `port`, `list of paths`. */
  name: string;
  /** What is allowed, as the end of a sentence: "must be …". */
  allowed: string;
  /** The value, or a refusal. The text is neither empty nor has it blanks at its ends. */
  read(text: string, separator: string): Value | Refusal;
  /** Regular expression that a legal value matches as a whole, for editors. */
  pattern?: string;
}

/** Why a value is refused, where more can be said than what is allowed. */
export class Refusal {
  constructor(readonly reason?: string) {}
}

export const refused = new Refusal();

export const groups = {
  system: 'Taking part',
  routing: 'Routes',
  rules: 'Rules of a route',
  tcp: 'TCP and SNI',
  service: 'The service as a whole',
  headers: 'Headers',
  security: 'TLS, users and clients',
  templates: 'Templates',
  scrape: 'Metrics',
  alerts: 'Alerts',
  scaling: 'Scaling',
  deprecated: 'Names of old, still honoured',
  idle: 'Known, without effect',
} as const;

export type Group = keyof typeof groups;

/** The part of Docker Flow that a label comes from. */
export type Origin = 'proxy' | 'monitor' | 'swarm-listener' | 'scaler' | 'cron' | 'letsencrypt';

/** One label under the prefix. */
export interface LabelDefinition<Value = unknown> {
  group: Group;
  form: Form<Value>;
  /** One sentence. */
  meaning: string;
  /** What holds where the label is absent, in words. */
  default?: string;
  example: string;
  /** Takes `.1`, `.2` and so on: each index is a route or an alert of its own. */
  indexed?: true;
  /** Where Docker Flow has it; otherwise it is new in Homeostat. */
  dockerFlow?: Origin;
  /** Never shown in a message. */
  secret?: true;
  /** Kept byte by byte: it may have several lines, and a backslash before a blank stays. */
  raw?: true;
  /** Most bytes of a value, where it is not the usual limit. */
  longest?: number;
  /** Told as a warning wherever the label is set. */
  remark?: string;
}

/** Keeps the type of the value. */
export const label = <Value>(definition: LabelDefinition<Value>): LabelDefinition<Value> => definition;
