import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context, Environment } from '../../common/context';
import { fail } from '../../common/errors';

/** One kind of notice: where it goes and by which method. */
export interface Targets {
  create: string[];
  remove: string[];
  createMethod: string;
  removeMethod: string;
}

/** Settings of the notices that docker-flow-swarm-listener sends, under its own names. */
export interface ListenerSettings {
  services: Targets;
  nodes: Targets;
  /** Tries after the first one. */
  retries: number;
  /** Milliseconds between tries. */
  interval: number;
  /** Services with `scrapeNetwork` tell where their tasks are. */
  nodeInfo: boolean;
  taskAddresses: boolean;
  /** Services that have `scrapeNetwork` are announced before all their tasks run. */
  immediately: boolean;
  namePrefix: string;
}

const methods = ['GET', 'POST', 'PUT', 'DELETE'];
const mostTargets = 50;

/**
 * Reads the settings from the environment, and addresses from the secrets `df_notify_*_url` as well.
 * @throws USAGE_INVALID listing every variable that is wrong
 */
export async function listenerSettings(secrets: string, { env }: Pick<Context, 'env'>): Promise<ListenerSettings> {
  const problems: string[] = [];
  const urls = async (variable: string) => {
    const file = path.join(secrets, variable.toLowerCase());
    const secret = await readFile(file, 'utf8').catch(() => '');
    return addressesOf(variable, `${env[variable] ?? ''},${secret}`, problems);
  };
  const settings: ListenerSettings = {
    services: {
      create: await urls('DF_NOTIFY_CREATE_SERVICE_URL'),
      remove: await urls('DF_NOTIFY_REMOVE_SERVICE_URL'),
      createMethod: methodOf(env, 'DF_NOTIFY_CREATE_SERVICE_METHOD', problems),
      removeMethod: methodOf(env, 'DF_NOTIFY_REMOVE_SERVICE_METHOD', problems),
    },
    nodes: {
      create: await urls('DF_NOTIFY_CREATE_NODE_URL'),
      remove: await urls('DF_NOTIFY_REMOVE_NODE_URL'),
      createMethod: 'GET',
      removeMethod: 'GET',
    },
    retries: wholeOf(env, 'DF_RETRY', 50, 1000, problems),
    interval: wholeOf(env, 'DF_RETRY_INTERVAL', 5, 3600, problems) * 1000,
    nodeInfo: switchOf(env, 'DF_INCLUDE_NODE_IP_INFO', false, problems),
    taskAddresses: switchOf(env, 'DF_NODE_IP_INFO_INCLUDES_TASK_ADDRESS', true, problems),
    immediately: switchOf(env, 'DF_NOTIFY_CREATE_SERVICE_IMMEDIATELY', false, problems),
    namePrefix: env.DF_SERVICE_NAME_PREFIX ?? '',
  };
  if (problems.length > 0)
    fail('USAGE_INVALID', 'the settings of notices are wrong', {
      evidence: problems,
      remedy: 'Correct the variables named; docs/controller.md explains each.',
    });
  return settings;
}

/** Addresses are told by their place only: they may hold passwords. */
function addressesOf(variable: string, text: string, problems: string[]): string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
  items.forEach((item, index) => {
    const url = URL.canParse(item) ? new URL(item) : undefined;
    if (!url || !['http:', 'https:'].includes(url.protocol))
      problems.push(`${variable}: address ${index + 1} is not one that begins with http:// or https://`);
  });
  if (items.length > mostTargets) problems.push(`${variable}: ${items.length} addresses; ${mostTargets} are allowed`);
  return [...new Set(items)];
}

function methodOf(env: Environment, variable: string, problems: string[]): string {
  const method = (env[variable] || 'GET').toUpperCase();
  if (!methods.includes(method)) problems.push(`${variable}: '${env[variable]}' is not one of ${methods.join(', ')}`);
  return method;
}

function wholeOf(env: Environment, variable: string, usual: number, most: number, problems: string[]): number {
  const text = env[variable] || String(usual);
  const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (!(value <= most)) problems.push(`${variable}: '${text}' is not a whole number from 0 to ${most}`);
  return value;
}

function switchOf(env: Environment, variable: string, usual: boolean, problems: string[]): boolean {
  const text = env[variable] || String(usual);
  if (!/^(?:true|false|1|0)$/i.test(text)) problems.push(`${variable}: '${text}' is not true or false`);
  return /^(?:true|1)$/i.test(text);
}
