import type { Options } from 'yargs';
import { fail } from '../common/errors';
import { didYouMean } from '../common/suggest';
import type { Environment } from '../common/context';
import { camelCase, commonOptions, kebabCase, type Command, type Values } from './command';

/** Variables under the prefix that are not options. */
const reserved = new Set([
  'HOMEOSTAT_PARAMETERS',
  'HOMEOSTAT_RESULT',
  'HOMEOSTAT_RUNNER',
  'HOMEOSTAT_COMMAND',
  'HOMEOSTAT_REGISTRY',
  'HOMEOSTAT_REGISTRY_USER',
  'HOMEOSTAT_REGISTRY_PASSWORD',
]);

/**
 * The values of a command's options from the environment (`HOMEOSTAT_<OPTION>`), then HOMEOSTAT_PARAMETERS (one JSON
 * object), then the flags as yargs parsed them; later ones win.
 * @throws USAGE_INVALID listing every problem at once
 */
export function layerValues(command: Command, flags: Record<string, unknown>, env: Environment): Values {
  const options = { ...commonOptions, ...command.options };
  const problems: string[] = [];
  const values: Values = {};
  const set = (name: string, value: unknown, origin: string) => {
    if (value === undefined || value === null) return;
    const problem = check(options[name]!, value);
    if (problem) problems.push(`${origin}: ${problem}`);
    else values[camelCase(name)] = normalise(options[name]!, value);
  };
  for (const [name, option] of Object.entries(options))
    if (option.default !== undefined) set(name, option.default, name);
  for (const name of Object.keys(options)) {
    const variable = `HOMEOSTAT_${name.toUpperCase().replaceAll('-', '_')}`;
    if (!reserved.has(variable)) set(name, env[variable], variable);
  }
  for (const [key, value] of Object.entries(parametersOf(env))) {
    const name = kebabCase(key);
    if (!Object.hasOwn(options, name))
      problems.push(`HOMEOSTAT_PARAMETERS: unknown parameter '${key}'${didYouMean(name, Object.keys(options))}`);
    else set(name, value, `HOMEOSTAT_PARAMETERS.${key}`);
  }
  // What is given by its short name comes under both.
  const shortNames = new Set(Object.values(options).flatMap(({ alias }) => alias ?? []));
  for (const [key, value] of Object.entries(flags)) {
    if (shortNames.has(key)) continue;
    if (key === '_' || key === '$0' || key === 'help' || key === 'version' || value === undefined) continue;
    const name = kebabCase(key);
    if (name !== key && Object.hasOwn(flags, name)) continue;
    if (!Object.hasOwn(options, name))
      problems.push(`unknown option --${key}${didYouMean(name, Object.keys(options))}`);
    else set(name, value, `--${name}`);
  }
  const words = ((flags._ as unknown[]) ?? []).slice(1);
  const positional = command.positional ?? [];
  words.forEach((word, index) => {
    const name = positional[Math.min(index, positional.length - 1)];
    if (!name || (index >= positional.length && options[name]!.type !== 'array'))
      problems.push(`unexpected argument '${word}'`);
    else if (options[name]!.type === 'array') values[camelCase(name)] = words.map(String);
    else set(name, String(word), name);
  });
  for (const [name, option] of Object.entries(options)) {
    if (option.demandOption && values[camelCase(name)] === undefined) problems.push(`--${name} is required`);
  }
  if (problems.length > 0) {
    fail('USAGE_INVALID', problems.length === 1 ? problems[0]! : `${problems.length} problems`, {
      evidence: problems.length > 1 ? problems : [],
      remedy: `Run homeostat ${command.name} --help to see the options and what they allow.`,
    });
  }
  return values;
}

function parametersOf(env: Environment): Record<string, unknown> {
  const text = env.HOMEOSTAT_PARAMETERS;
  if (!text) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    fail('USAGE_INVALID', 'HOMEOSTAT_PARAMETERS is not JSON', { cause: (error as Error).message });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    fail('USAGE_INVALID', 'HOMEOSTAT_PARAMETERS is not a JSON object');
  }
  return parsed as Record<string, unknown>;
}

const controlCharacter = /[\u0000-\u001f\u007f]/; // eslint-disable-line no-control-regex

/** As much of a value as a message needs. */
const shown = (value: unknown) => String(value).slice(0, 80);

function check(option: Options, value: unknown): string | undefined {
  if (option.type === 'array') {
    const list = Array.isArray(value) ? value : [value];
    for (const item of list) {
      const problem = check({ ...option, type: 'string' }, item);
      if (problem) return problem;
    }
    return undefined;
  }
  if (Array.isArray(value)) return 'is given more than once';
  if (option.type === 'boolean')
    return /^(true|false|1|0)$/.test(String(value)) ? undefined : `'${shown(value)}' is not true or false`;
  if (option.type === 'number') {
    const digits = /^\d{1,9}$/.test(String(value));
    return digits ? undefined : `'${shown(value)}' is not a whole number`;
  }
  if (typeof value !== 'string' && typeof value !== 'number') return `is ${typeof value}, text is expected`;
  const text = String(value);
  if (text === '') return 'is empty';
  if (controlCharacter.test(text)) return 'contains a control character';
  if (option.choices && !option.choices.includes(text))
    return `'${shown(text)}' is not one of ${option.choices.join(', ')}`;
  return undefined;
}

function normalise(option: Options, value: unknown): unknown {
  if (option.type === 'array') return (Array.isArray(value) ? value : [value]).map(String);
  if (option.type === 'boolean') return /^(true|1)$/.test(String(value));
  if (option.type === 'number') return Number(value);
  return String(value);
}
