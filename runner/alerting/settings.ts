import { LineCounter, parseDocument } from 'yaml';
import { parseDuration } from '../common/duration';
import type { SettingProblem } from '../common/settings-reader';
import { didYouMean } from '../common/suggest';
import type { AlertingSettings, Severity } from './model';
import { ownParts } from './own-parts';

/** The settings of an installation that nobody has set up: nobody is told of anything. */
export const defaultAlertingSettings: AlertingSettings = {
  slack: { apiUrl: 'https://slack.com/api/chat.postMessage', channels: {} },
  repeat: { up: 60_000, down: 300_000, nodes: 1_800_000, people: 14_400_000, critical: 3_600_000 },
  group: { wait: 10_000, interval: 60_000 },
  own: { routes: [], receivers: [], inhibitRules: [], timeIntervals: [] },
};

interface Kind<Value> {
  /** What may be written, in words. */
  allowed: string;
  /** Undefined where it may not. */
  read: (text: string) => Value | undefined;
}

const longest = 1000;

const line: Kind<string> = {
  allowed: 'a text of one line',
  read: (text) => (/^[^\p{Cc}]+$/u.test(text) && text.length <= longest ? text : undefined),
};
const file: Kind<string> = {
  allowed: 'the absolute path of a file',
  read: (text) => (text.startsWith('/') ? line.read(text) : undefined),
};
const channel: Kind<string> = {
  allowed: 'a channel, such as #alerts',
  read: (text) => (/^[#@]?[\p{L}\p{N}._-]{1,80}$/u.test(text) ? text : undefined),
};
const jobName: Kind<string> = {
  allowed: 'the name of a job, such as service-scale or team/service-scale',
  read: (text) => (/^[\w. -]+(?:\/[\w. -]+)*$/.test(text) && text.length <= 200 ? text : undefined),
};
/** A secret in an address would stand in the configuration for all to see. */
const address: Kind<string> = {
  allowed: 'an http or https address without user, password, ? and #',
  read: (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const plain =
      url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !/[?#\s"'`<>|{}\\]/.test(text);
    return plain && text.length <= longest ? text.replace(/\/+$/, '') : undefined;
  },
};
const duration: Kind<number> = {
  allowed: 'a time from 1s to 7d, such as 90s, 5m or 4h',
  read: (text) => {
    const milliseconds = parseDuration(text);
    const fit = milliseconds !== undefined && milliseconds >= 1000 && milliseconds <= 7 * 86_400_000;
    return fit ? milliseconds : undefined;
  },
};

const kinds = {
  'job.url': address,
  'job.name': jobName,
  'job.nodes': jobName,
  'job.user': line,
  'job.tokenFile': file,
  'job.caFile': file,
  'slack.urlFile': file,
  'slack.tokenFile': file,
  'slack.apiUrl': address,
  'slack.channel': channel,
  'slack.channels.critical': channel,
  'slack.channels.warning': channel,
  'slack.channels.info': channel,
  externalUrl: address,
  'repeat.up': duration,
  'repeat.down': duration,
  'repeat.nodes': duration,
  'repeat.people': duration,
  'repeat.critical': duration,
  'group.wait': duration,
  'group.interval': duration,
} satisfies Record<string, Kind<string> | Kind<number>>;

type Key = keyof typeof kinds;
type Value<K extends Key> = (typeof kinds)[K] extends Kind<infer V> ? V : never;

const lists = ['routes', 'receivers', 'inhibitRules', 'timeIntervals'];

/** The keys of the settings file and the variables of the environment that say the same. */
export const alertingVariables: Record<string, string> = Object.fromEntries(
  Object.keys(kinds).map((key) => [key, `HOMEOSTAT_ALERTING_${key.replace(/[.A-Z]/g, asWord).toUpperCase()}`]),
);

function asWord(sign: string): string {
  return sign === '.' ? '_' : `_${sign}`;
}

/**
 * The settings of alerting from the environment (`HOMEOSTAT_ALERTING_*`) and one settings file; the environment wins. A
 * wrong value is a problem that names key, value and what is allowed, and its default is used.
 */
export function alertingSettings(
  env: Record<string, string | undefined>,
  settingsFile?: { name: string; text: string },
): { settings: AlertingSettings; problems: SettingProblem[] } {
  const problems: SettingProblem[] = [];
  const tell = (variable: string, message: string) => problems.push({ variable, message: `${variable} ${message}` });
  const written = settingsFile ? parse(settingsFile, tell) : {};
  const values = flatten(written);
  const at = (key: string) => (settingsFile ? `${settingsFile.name}: ${key}` : key);
  for (const key of Object.keys(values))
    if (!Object.hasOwn(kinds, key)) tell(at(key), `is not known${didYouMean(key, [...Object.keys(kinds), ...lists])}`);

  const one = <K extends Key>(key: K): Value<K> | undefined => {
    const variable = alertingVariables[key]!;
    const fromEnv = env[variable]?.trim();
    const { allowed, read } = kinds[key] as Kind<Value<K>>;
    for (const [name, text] of [
      [variable, fromEnv],
      [at(key), values[key]],
    ] as const) {
      if (text === undefined || text === '') continue;
      const value = read(text);
      if (value !== undefined) return value;
      tell(name, `is ${shown(text, kinds[key])}; allowed is ${allowed}`);
    }
    return undefined;
  };

  const defaults = defaultAlertingSettings;
  const url = one('job.url');
  const job = {
    name: one('job.name') ?? 'service-scale',
    ...optional('nodes', one('job.nodes')),
    ...optional('user', one('job.user')),
    ...optional('tokenFile', one('job.tokenFile')),
    ...optional('caFile', one('job.caFile')),
  };
  const channelOf = (severity: Severity) => optional(severity, one(`slack.channels.${severity}`));
  const settings: AlertingSettings = {
    ...(url === undefined ? {} : { job: { url, ...job } }),
    slack: {
      ...optional('urlFile', one('slack.urlFile')),
      ...optional('tokenFile', one('slack.tokenFile')),
      apiUrl: one('slack.apiUrl') ?? defaults.slack.apiUrl,
      ...optional('channel', one('slack.channel')),
      channels: { ...channelOf('critical'), ...channelOf('warning'), ...channelOf('info') },
    },
    ...optional('externalUrl', one('externalUrl')),
    repeat: {
      up: one('repeat.up') ?? defaults.repeat.up,
      down: one('repeat.down') ?? defaults.repeat.down,
      nodes: one('repeat.nodes') ?? defaults.repeat.nodes,
      people: one('repeat.people') ?? defaults.repeat.people,
      critical: one('repeat.critical') ?? defaults.repeat.critical,
    },
    group: {
      wait: one('group.wait') ?? defaults.group.wait,
      interval: one('group.interval') ?? defaults.group.interval,
    },
    own: ownParts(written, (key, message) => tell(at(key), message)),
  };
  return { settings, problems };
}

/** A wrong value as it may be told: a path may be a secret put in the wrong place, and an address may hold one. */
function shown(text: string, kind: Kind<string> | Kind<number>): string {
  if (kind === file) return 'something else';
  const harmless = kind === address ? text.replace(/^([^/]*\/\/)[^/]*@/, '$1***@').replace(/[?#].*$/s, '?***') : text;
  return `'${harmless.slice(0, 80)}'`;
}

function optional<K extends string, V>(key: K, value: V | undefined | ''): { [P in K]?: V } {
  return (value === undefined || value === '' ? {} : { [key]: value }) as { [P in K]?: V };
}

function parse(
  { name, text }: { name: string; text: string },
  tell: (variable: string, message: string) => void,
): Record<string, unknown> {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  for (const error of document.errors) {
    const { line, col } = counter.linePos(error.pos[0]);
    tell(name, `is not valid YAML at ${line}:${col}: ${error.message}`);
  }
  if (document.errors.length > 0) return {};
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
    if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
    tell(name, 'is not made of keys and values');
  } catch (error) {
    tell(name, `is not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {};
}

/** Values that are neither lists nor maps, as text, by their path. */
function flatten(value: Record<string, unknown>, before = ''): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]): [string, string][] => {
      const path = `${before}${key}`;
      if (before === '' && lists.includes(key)) return [];
      if (inner === null || inner === undefined) return [];
      if (typeof inner === 'object' && !Array.isArray(inner))
        return Object.entries(flatten(inner as Record<string, unknown>, `${path}.`));
      return [[path, typeof inner === 'object' ? JSON.stringify(inner) : String(inner)]];
    }),
  );
}
