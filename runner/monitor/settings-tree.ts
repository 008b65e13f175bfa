/** A part of prometheus.yml as plain data. */
export type YamlValue = string | number | boolean | null | YamlValue[] | YamlMap;
export interface YamlMap {
  [key: string]: YamlValue;
}

export const isMap = (value: unknown): value is YamlMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `second` over `first`: maps are joined, lists come behind each other, anything else takes the other's place. */
export function joinTrees(first: YamlMap, second: YamlMap): YamlMap {
  const joined = new Map(Object.entries(first));
  for (const [key, value] of Object.entries(second)) {
    const before = joined.get(key);
    if (isMap(before) && isMap(value)) joined.set(key, joinTrees(before, value));
    else if (Array.isArray(before) && Array.isArray(value)) joined.set(key, [...before, ...value]);
    else joined.set(key, value);
  }
  return Object.fromEntries(joined);
}

const section = /^(?:GLOBAL|ALERTING|SCRAPE_CONFIGS|REMOTE_WRITE|REMOTE_READ)(?:_\d{1,3})?__/;
const mostLevels = 8;

/** Keys below which names are free: their values are `name=value`. */
const free = new Set(['external_labels', 'required_matchers', 'labels', 'headers']);

/** Sections that are lists, also where a variable of old has no number. */
const lists = new Set(['scrape_configs', 'remote_write', 'remote_read']);

/**
 * Settings of prometheus.yml from the environment, as docker-flow-monitor reads them: keys in lower case, two underscores
 * for one level down, `_1` for a place in a list: `REMOTE_WRITE_1__URL`, `GLOBAL__SCRAPE_INTERVAL`. The names of old with
 * one underscore are known too.
 */
export function treeOfEnvironment(env: Record<string, string | undefined>): {
  tree: YamlMap;
  problems: { variable: string; message: string }[];
} {
  const problems: { variable: string; message: string }[] = [];
  const root: Node = new Map();
  for (const variable of Object.keys(env).sort()) {
    const value = env[variable]?.trim();
    if (!value) continue;
    const [name, text] = ofToday(variable, value);
    if (!section.test(name)) continue;
    const steps = stepsOf(name);
    const leaf = leafOf(steps, text);
    if (leaf === undefined || steps.length > mostLevels || !insert(root, steps, leaf))
      problems.push({
        variable,
        message: `${variable} does not fit prometheus.yml; allowed is for example REMOTE_WRITE_1__URL=http://… or GLOBAL__EXTERNAL_LABELS=name=value`,
      });
  }
  return { tree: plain(root) as YamlMap, problems };
}

/** Names of old: one underscore behind the section, and a label behind a dash. */
function ofToday(variable: string, value: string): [string, string] {
  if (variable.includes('__')) return [variable, value];
  const label = /^GLOBAL_EXTERNAL_LABELS-(\w+)$/.exec(variable);
  if (label) return ['GLOBAL__EXTERNAL_LABELS', `${label[1]!.toLowerCase()}=${value}`];
  return [variable.replace(/^GLOBAL_/, 'GLOBAL__').replace(/^(REMOTE_(?:WRITE|READ))_/, '$1_1__'), value];
}

type Step = string | number;
type Node = Map<Step, Node | Leaf>;
class Leaf {
  constructor(readonly value: YamlValue) {}
}

const stepsOf = (name: string): Step[] =>
  name.split('__').flatMap((part, index): Step[] => {
    const key = part.toLowerCase();
    const [, base = key, place] = /^(.+)_(\d{1,3})$/.exec(key) ?? [];
    if (place !== undefined) return [base, Number(place)];
    return index === 0 && lists.has(key) ? [key, 1] : [key];
  });

function leafOf(steps: Step[], text: string): YamlValue | undefined {
  if (!free.has(String(steps.at(-1)))) return scalarOf(text);
  const pairs = text.split(',').map((item) => /^\s*([A-Za-z_][\w-]*)\s*=(.*)$/.exec(item));
  return pairs.every((pair) => pair !== null)
    ? Object.fromEntries(pairs.map((pair) => [pair[1]!, pair[2]!.trim()]))
    : undefined;
}

/** Prometheus wants true and numbers without quotes; a text that looks like a number is taken from one too. */
function scalarOf(text: string): YamlValue {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^(?:0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

function insert(root: Node, steps: Step[], value: YamlValue): boolean {
  let node = root;
  for (const step of steps.slice(0, -1)) {
    const next = node.get(step) ?? new Map();
    if (next instanceof Leaf) return false;
    node.set(step, next);
    node = next;
  }
  const before = node.get(steps.at(-1)!);
  if (before instanceof Leaf && isMap(before.value) && isMap(value)) {
    node.set(steps.at(-1)!, new Leaf({ ...before.value, ...value }));
    return true;
  }
  if (before !== undefined) return false;
  node.set(steps.at(-1)!, new Leaf(value));
  return true;
}

function plain(node: Node | Leaf): YamlValue {
  if (node instanceof Leaf) return node.value;
  const keys = [...node.keys()];
  if (keys.length > 0 && keys.every((key) => typeof key === 'number'))
    return keys.sort((a, b) => a - b).map((key) => plain(node.get(key)!));
  return Object.fromEntries(keys.map((key) => [String(key), plain(node.get(key)!)]));
}

/** Values of keys like these are nobody's business. */
const secretKey = /(?:password|credentials|bearer_token|secret|secret_key|access_key|api_key)$/;

/** The same without passwords, for people to look at. */
export function withoutSecrets(value: YamlValue, hidden = '***'): YamlValue {
  if (Array.isArray(value)) return value.map((each) => withoutSecrets(each, hidden));
  if (!isMap(value)) return typeof value === 'string' ? value.replace(/^(\w+:\/\/)[^/@\s]+@/, `$1${hidden}@`) : value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      secretKey.test(key) && typeof each === 'string' ? hidden : withoutSecrets(each, hidden),
    ]),
  );
}
