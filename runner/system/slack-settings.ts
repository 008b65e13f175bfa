import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify, parse } from 'yaml';
import { composeYaml } from '../common/compose-yaml';
import type { Context } from '../common/context';
import { fail } from '../common/errors';
import { contentHash } from './credentials';
import type { System } from './system-file';

/** What `up` takes over from its environment, and keeps for the next time. */
const variables = {
  token: 'SLACK_TOKEN',
  channel: 'SLACK_CHANNEL',
  signingSecret: 'SLACK_SIGNING_SECRET',
} as const;

type Key = keyof typeof variables;

/** A secret of a service: its name in the container, and the file in the controller's folder that it is made of. */
export interface FileSecret {
  target: string;
  /** Where it lies in the container, unless with the other secrets under the name of its target. */
  path?: string;
  file: string;
  hash: string;
}

export interface SlackFiles {
  /** The controller's settings that are no secret. */
  environment: Record<string, string>;
  /** Of the controller, by which people are told and asked. */
  controller: FileSecret[];
  /** Of Alertmanager, which tells of alerts by itself. */
  alertmanager: FileSecret[];
}

const alertmanagerTarget = 'slack-token';

/**
 * Where the controller reaches Slack: from system.yml, from `SLACK_TOKEN`, `SLACK_CHANNEL` and `SLACK_SIGNING_SECRET` or their longer names,
 * else as it was told at an earlier `up`.
 * @throws USAGE_INVALID for a token without a channel
 */
export async function slackSettings(folder: string, system: System, { env, masker }: Context): Promise<SlackFiles> {
  const values: Partial<Record<Key, string>> = {};
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const written = await writtenSettings(system);
  for (const key of Object.keys(variables) as Key[]) {
    const file = path.join(folder, fileOf(key));
    const given = env[`HOMEOSTAT_${variables[key]}`]?.trim() || env[variables[key]]?.trim() || written[key];
    if (given) await writeFile(file, given, { mode: 0o600 });
    const value = given ?? (await readFile(file, 'utf8').catch(() => ''));
    if (value === '') continue;
    values[key] = value;
    if (key !== 'channel') masker.add(value);
  }
  if (values.token === undefined) return { environment: {}, controller: [], alertmanager: [] };
  if (values.channel === undefined)
    fail('USAGE_INVALID', 'SLACK_TOKEN is there, and SLACK_CHANNEL is not', {
      remedy: "Set SLACK_CHANNEL to the channel's id, such as C0123456789.",
    });
  const secret = (key: Key, target: string): FileSecret[] => {
    const value = values[key];
    return value === undefined ? [] : [{ target, file: fileOf(key), hash: contentHash(value) }];
  };
  return {
    environment: {
      HOMEOSTAT_SLACK_CHANNEL: values.channel,
      HOMEOSTAT_ALERTING_SLACK_CHANNEL: values.channel,
      HOMEOSTAT_ALERTING_SLACK_TOKEN_FILE: `/run/secrets/${alertmanagerTarget}`,
    },
    controller: [
      ...secret('token', 'dfp_homeostat_slack_token'),
      ...secret('signingSecret', 'dfp_homeostat_slack_signing_secret'),
    ],
    alertmanager: secret('token', alertmanagerTarget),
  };
}

async function writtenSettings({ slack, folder }: System): Promise<Partial<Record<Key, string>>> {
  if (!slack) return {};
  const content = async (file: string) => (await readFile(path.resolve(folder, file), 'utf8')).trim();
  return {
    channel: slack.channel,
    token: await content(slack.tokenFile),
    ...(slack.signingSecretFile === undefined ? {} : { signingSecret: await content(slack.signingSecretFile) }),
  };
}

const fileOf = (key: Key) => variables[key].toLowerCase().replaceAll('_', '-');

interface StackFile {
  services: Record<string, { secrets?: object[] }>;
  secrets?: Record<string, object>;
}

/** A stack file with further secrets of one of its services. */
export function withSecrets(content: string, service: string, secrets: FileSecret[]): string {
  if (secrets.length === 0) return content;
  const stack = parse(content, composeYaml) as StackFile;
  const own = stack.services[service]!;
  own.secrets = [
    ...(own.secrets ?? []),
    ...secrets.map(({ target, path: place }) => ({ source: target, target: place ?? target, mode: 0o400 })),
  ];
  const named = secrets.map(({ target, file, hash }) => [
    target,
    { file: `./${file}`, name: `homeostat-${service}-${file}-${hash}` },
  ]);
  stack.secrets = { ...stack.secrets, ...(Object.fromEntries(named) as Record<string, object>) };
  return stringify(stack, composeYaml);
}
