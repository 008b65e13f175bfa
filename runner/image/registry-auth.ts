import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import { run } from '../common/process';
import { hubRegistry } from './reference';

/** What the Engine takes in X-Registry-Auth. */
export interface RegistryCredentials {
  username?: string;
  password?: string;
  identitytoken?: string;
  serveraddress: string;
}

const text = z.string().nullish();
const entry = z.object({ auth: text, username: text, password: text, identitytoken: text });
const configSchema = z.object({
  auths: z.record(z.string(), entry.nullable()).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: text,
});
type DockerConfig = z.output<typeof configSchema>;

const answerSchema = z.object({ Username: text, Secret: text });

const hubAddress = 'https://index.docker.io/v1/';

/**
 * Credentials for a registry: from HOMEOSTAT_REGISTRY_USER and HOMEOSTAT_REGISTRY_PASSWORD, else from the docker
 * configuration (`credHelpers`, `credsStore`, `auths`, in the order the docker client uses). Undefined means anonymous.
 * What is found is made known to the masker. The password of the environment goes to one registry only: HOMEOSTAT_REGISTRY,
 * or else the one of the image that is worked on, `own`.
 */
export async function credentialsFor(
  registry: string,
  context: Context,
  own: string = registry,
): Promise<RegistryCredentials | undefined> {
  const address = registry === hubRegistry ? hubAddress : registry;
  const found = fromEnvironment(registry, own, address, context) ?? (await fromDockerConfig(address, context));
  if (found?.password) {
    context.masker.add(found.password);
    context.masker.add(`${found.username}:${found.password}`);
  }
  if (found?.identitytoken) context.masker.add(found.identitytoken);
  return found;
}

function fromEnvironment(
  registry: string,
  own: string,
  serveraddress: string,
  { env }: Context,
): RegistryCredentials | undefined {
  const { HOMEOSTAT_REGISTRY_USER: username, HOMEOSTAT_REGISTRY_PASSWORD: password, HOMEOSTAT_REGISTRY: named } = env;
  return username && password && registry === (named || own) ? { username, password, serveraddress } : undefined;
}

/**
 * Credentials that the docker client cannot find by itself, by address: when the password comes from the environment, those
 * of all registries of a stack, for the client then gets a configuration of its own; else none.
 */
export async function credentialsForClient(
  registries: string[],
  own: string,
  context: Context,
): Promise<Record<string, RegistryCredentials>> {
  if (!context.env.HOMEOSTAT_REGISTRY_USER || !context.env.HOMEOSTAT_REGISTRY_PASSWORD) return {};
  const found = await Promise.all([...new Set(registries)].map((registry) => credentialsFor(registry, context, own)));
  return Object.fromEntries(found.flatMap((each) => (each ? [[each.serveraddress, each]] : [])));
}

/** Path of the docker configuration file. */
export const dockerConfigFile = (env: Context['env']) =>
  path.join(env.DOCKER_CONFIG ?? path.join(env.HOME ?? '/root', '.docker'), 'config.json');

async function fromDockerConfig(address: string, context: Context): Promise<RegistryCredentials | undefined> {
  const file = dockerConfigFile(context.env);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    return fail('REGISTRY_DENIED', `the docker configuration ${file} cannot be read`, { cause: messageOf(error) });
  });
  if (text === undefined) return undefined;
  const config = parseConfig(text, file);
  const helper = config.credHelpers?.[address] ?? config.credsStore;
  return (helper ? await fromHelper(helper, address, context) : undefined) ?? fromAuths(config, address);
}

function parseConfig(content: string, file: string): DockerConfig {
  const config = configSchema.safeParse(readJson(content));
  if (config.success) return config.data;
  const { path: at, message } = config.error.issues[0]!;
  return fail('REGISTRY_DENIED', `the docker configuration ${file} cannot be understood`, {
    cause: at.length > 0 ? `${at.join('.')}: ${message}` : 'it is not a JSON object',
    remedy: 'Mend the file, or run `docker login` again.',
  });
}

/** Undefined for what is not JSON: the parser's own message would quote the text, and secrets with it. */
function readJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

/** Asks a credential helper (https://github.com/docker/docker-credential-helpers#development). */
async function fromHelper(helper: string, address: string, context: Context): Promise<RegistryCredentials | undefined> {
  if (!/^[\w.-]+$/.test(helper)) fail('REGISTRY_DENIED', `'${helper}' is not a legal credential helper name`);
  const { code, stdout, stderr } = await run(`docker-credential-${helper}`, ['get'], {
    env: context.env,
    input: address,
    timeout: 30_000,
    signal: context.signal,
  });
  if (code !== 0) {
    if (/credentials not found/i.test(stdout + stderr)) return undefined;
    fail('REGISTRY_DENIED', `the credential helper docker-credential-${helper} failed for ${address}`, {
      cause: (stdout + stderr).trim().split('\n').pop() || `it ended with exit code ${code}`,
    });
  }
  const answer = parseAnswer(stdout, helper);
  if (!answer.Secret) return undefined;
  // "<token>" as user name marks an identity token, by the helpers' protocol.
  if (answer.Username === '<token>') return { identitytoken: answer.Secret, serveraddress: address };
  return { username: answer.Username ?? '', password: answer.Secret, serveraddress: address };
}

function parseAnswer(content: string, helper: string) {
  const answer = answerSchema.safeParse(readJson(content));
  if (answer.success) return answer.data;
  // Its words are not shown: they may be a secret.
  return fail('REGISTRY_DENIED', `the answer of the credential helper docker-credential-${helper} is not JSON`, {
    cause: 'a JSON object with Username and Secret is expected',
  });
}

function fromAuths(config: DockerConfig, address: string): RegistryCredentials | undefined {
  const wanted = hostOf(address);
  const entry =
    config.auths?.[address] ?? Object.entries(config.auths ?? {}).find(([key]) => hostOf(key) === wanted)?.[1];
  if (!entry) return undefined;
  if (entry.identitytoken) return { identitytoken: entry.identitytoken, serveraddress: address };
  const [username, ...password] = entry.auth
    ? Buffer.from(entry.auth, 'base64').toString().split(':')
    : [entry.username ?? '', entry.password ?? ''];
  if (!username) return undefined;
  return { username, password: password.join(':').replace(/\0+$/, ''), serveraddress: address };
}

const hostOf = (address: string) => address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
