import { didYouMean } from '../common/suggest';
import { parseMatcher } from './matchers';
import { ownedPrefix, people, peopleOf, severities, type OwnParts, type Receiver, type Route } from './model';
import { isTime } from './time';

type Tell = (key: string, message: string) => void;
type Keyed = Record<string, unknown>;

const routeKeys = [
  'receiver',
  'matchers',
  'match',
  'match_re',
  'group_by',
  'group_wait',
  'group_interval',
  'repeat_interval',
  'continue',
  'mute_time_intervals',
  'active_time_intervals',
  'routes',
];
const ruleKeys = [
  'source_matchers',
  'target_matchers',
  'source_match',
  'target_match',
  'source_match_re',
  'target_match_re',
  'equal',
];
const durations = ['group_wait', 'group_interval', 'repeat_interval'];
const intervals = ['mute_time_intervals', 'active_time_intervals'];

/** What Alertmanager reads from a file in its place: the value itself is not taken. */
const inFiles: Record<string, string> = {
  password: 'password_file',
  credentials: 'credentials_file',
  bearer_token: 'bearer_token_file',
  client_secret: 'client_secret_file',
  service_key: 'service_key_file',
  routing_key: 'routing_key_file',
  auth_password: 'auth_password_file',
};

/**
 * The operator's own routes, receivers, inhibition rules and time intervals, in Alertmanager's form. Each that cannot be
 * had is told and left out; Alertmanager's own checker judges the rest.
 */
export function ownParts(written: Keyed, tell: Tell): OwnParts {
  const timeIntervals = named(written, 'timeIntervals', tell);
  const receivers = named(written, 'receivers', tell).filter((receiver, index) =>
    fitReceiver(receiver, `receivers.${index}`, tell),
  );
  const known = {
    receivers: [...receivers.map(({ name }) => name), people, ...severities.map(peopleOf)],
    intervals: timeIntervals.map(({ name }) => name),
  };
  const routes = listOf(written, 'routes', tell).filter((route, index): route is Keyed & Route => {
    // It would be the default one, before the severities are looked at.
    if (route.receiver === undefined) tell(`routes.${index}`, 'has no receiver');
    return route.receiver !== undefined && fitRoute(route, `routes.${index}`, known, tell);
  });
  const inhibitRules = listOf(written, 'inhibitRules', tell).filter((rule, index) =>
    fitRule(rule, `inhibitRules.${index}`, tell),
  );
  return { routes, receivers, inhibitRules, timeIntervals };
}

const isKeyed = (value: unknown): value is Keyed =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function listOf(written: Keyed, key: string, tell: Tell): Keyed[] {
  const value = written[key] ?? [];
  if (!Array.isArray(value)) {
    tell(key, 'is no list');
    return [];
  }
  return value.filter((item, index): item is Keyed => {
    if (!isKeyed(item)) tell(`${key}.${index}`, 'is not made of keys and values');
    return isKeyed(item);
  });
}

/** Items whose name is a text that no other has. */
function named(written: Keyed, key: string, tell: Tell): Receiver[] {
  const names = new Set<string>();
  return listOf(written, key, tell).filter((item, index): item is Receiver => {
    const { name } = item;
    const at = `${key}.${index}.name`;
    if (typeof name !== 'string' || name === '' || name.length > 200) tell(at, 'is missing, or no text');
    else if (name.startsWith(ownedPrefix)) tell(at, `begins with ${ownedPrefix}, as names of the system do`);
    else if (names.has(name)) tell(at, `is '${name}', as of another one`);
    else return Boolean(names.add(name));
    return false;
  });
}

function fitReceiver(receiver: Receiver, at: string, tell: Tell): boolean {
  let fit = true;
  const wrong = (key: string, message: string) => {
    tell(key, message);
    fit = false;
  };
  for (const [key, value] of Object.entries(receiver)) {
    if (key === 'name') continue;
    if (!/^[a-z]+_configs$/.test(key)) wrong(`${at}.${key}`, 'is no kind of notification');
    else if (!Array.isArray(value) || !value.every(isKeyed)) wrong(`${at}.${key}`, 'is no list of settings');
    else if (key === 'slack_configs') refuseKey(value, `${at}.${key}`, 'api_url', 'api_url_file', wrong);
    else if (key === 'opsgenie_configs' || key === 'victorops_configs')
      refuseKey(value, `${at}.${key}`, 'api_key', 'api_key_file', wrong);
    if (Array.isArray(value))
      for (const [secret, file] of Object.entries(inFiles)) refuseKey(value, `${at}.${key}`, secret, file, wrong);
  }
  return fit;
}

/** Tells of a key anywhere in a value. An address without a secret, such as Slack's own one for bots, may stand there. */
function refuseKey(value: unknown, at: string, name: string, instead: string, tell: Tell): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const harmless = name === 'api_url' && inner === 'https://slack.com/api/chat.postMessage';
    if (key === name && !harmless) tell(`${at}.${key}`, `holds a secret; use ${instead}`);
    else refuseKey(inner, `${at}.${key}`, name, instead, tell);
  }
}

function fitRoute(
  route: Keyed,
  at: string,
  known: { receivers: string[]; intervals: string[] },
  tell: Tell,
): route is Keyed & Route {
  let fit = fitKeys(route, routeKeys, at, tell) && fitMatchers(route, ['matchers'], at, tell);
  const wrong = (key: string, message: string) => {
    tell(`${at}.${key}`, message);
    fit = false;
  };
  const { receiver } = route;
  if (receiver !== undefined && !known.receivers.includes(String(receiver)))
    wrong('receiver', `is '${String(receiver)}', which there is not${didYouMean(String(receiver), known.receivers)}`);
  for (const key of durations)
    if (route[key] !== undefined && !(typeof route[key] === 'string' && isTime(route[key])))
      wrong(key, 'is no duration; write for example 30s, 5m or 4h');
  for (const key of intervals)
    for (const name of textsIn(route[key]) ?? [''])
      if (!known.intervals.includes(name)) wrong(key, `names '${name}', which is not in timeIntervals`);
  if (textsIn(route.group_by) === undefined) wrong('group_by', 'is no list of labels');
  if (route.continue !== undefined && typeof route.continue !== 'boolean') wrong('continue', 'is not true or false');
  listOf(route, 'routes', (key, message) => wrong(key, message)).forEach((child, index) => {
    if (!fitRoute(child, `${at}.routes.${index}`, known, tell)) fit = false;
  });
  return fit;
}

const fitRule = (rule: Keyed, at: string, tell: Tell): boolean =>
  fitKeys(rule, ruleKeys, at, tell) && fitMatchers(rule, ['source_matchers', 'target_matchers'], at, tell);

function fitKeys(value: Keyed, known: string[], at: string, tell: Tell): boolean {
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  for (const key of unknown) tell(`${at}.${key}`, `is not known${didYouMean(key, known)}`);
  return unknown.length === 0;
}

function fitMatchers(value: Keyed, keys: string[], at: string, tell: Tell): boolean {
  const wrong = keys.filter((key) => textsIn(value[key])?.every((text) => parseMatcher(text)) !== true);
  for (const key of wrong) tell(`${at}.${key}`, 'is no list of matchers, such as service="shop_main"');
  return wrong.length === 0;
}

/** The texts of a list; none where there is no list; undefined for anything else. */
function textsIn(value: unknown): string[] | undefined {
  if (value === undefined) return [];
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
}
