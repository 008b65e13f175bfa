import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Context, Environment } from '../common/context';
import { ask, engineMessage, request, type Engine } from '../common/engine';
import { fail, HomeostatError } from '../common/errors';
import { run } from '../common/process';
import { retry } from '../common/retry';
import { listStack, removeService } from './services';
import { stackLabel } from './types';

export interface StackDeployment {
  stack: string;
  /** The stack file as text. */
  content: string;
  /** Folder that paths in the file are relative to. */
  folder: string;
  /** Credentials handed on to the nodes, by registry address. */
  credentials: Record<string, object>;
  /** Whether tags are looked up at their registry (default), or left for images that only this Engine has. */
  resolve?: 'changed' | 'never';
}

/** Settings of the docker client that name the Engine or change how it behaves. */
const clientSettings =
  /^(DOCKER_|PATH$|HOME$|LANG$|LC_|SSH_AUTH_SOCK$|SSL_CERT_|HTTPS?_PROXY$|NO_PROXY$|https?_proxy$|no_proxy$|TMPDIR$)/;

/** Longest the docker client may take; it waits itself while the Swarm has no leader. */
const clientLimit = 120_000;

/** Applying the same file again is harmless, so what passes is waited for. */
const retryLimit = 60_000;

/**
 * Applies a stack by `docker stack deploy`, which knows all of Compose v3.
 * @throws STACK_INVALID with the client's own words when it refuses the file
 */
export function deployStack(deployment: StackDeployment, variables: Environment, context: Context): Promise<void> {
  return retry(() => deployOnce(deployment, variables, context), {
    clock: context.clock,
    signal: context.signal,
    limit: retryLimit,
    pause: 500,
    worthIt: (error) =>
      error instanceof HomeostatError && (error.code === 'SWARM_NO_LEADER' || error.code === 'CONFLICT'),
    onRetry: (error, tries) => {
      if (tries === 1) context.log.warn(`${(error as HomeostatError).message}; trying again`);
    },
  });
}

async function deployOnce(deployment: StackDeployment, variables: Environment, context: Context): Promise<void> {
  const client = Object.fromEntries(Object.entries(context.env).filter(([name]) => clientSettings.test(name)));
  const configuration = await clientConfiguration(deployment.credentials);
  try {
    const env = { ...variables, ...client, ...(configuration ? { DOCKER_CONFIG: configuration } : {}) };
    const args = [
      'stack',
      'deploy',
      '--with-registry-auth',
      '--resolve-image',
      deployment.resolve ?? 'changed',
      '--compose-file',
      '-',
      deployment.stack,
    ];
    const result = await run('docker', args, {
      env,
      cwd: deployment.folder,
      input: deployment.content,
      timeout: clientLimit,
      signal: context.signal,
    });
    for (const line of lines(result.stderr)) context.log.debug(`docker: ${line}`);
    if (result.code !== 0)
      refuse(deployment.stack, lines(result.stderr).pop() ?? `docker stack deploy ended with ${result.code}`);
  } finally {
    if (configuration) await rm(configuration, { recursive: true, force: true });
  }
}

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

function refuse(stack: string, cause: string): never {
  if (/cannot connect to the docker daemon|connection refused|no such host|error during connect/i.test(cause))
    fail('ENGINE_UNREACHABLE', `deploying the stack ${stack}: the Docker Engine does not answer`, { cause });
  if (/does not have a leader|DeadlineExceeded/i.test(cause))
    fail('SWARM_NO_LEADER', `deploying the stack ${stack}: the Swarm has no leader`, { cause });
  if (/update out of sequence/.test(cause))
    fail('CONFLICT', `somebody else changed the stack ${stack} at the same moment`, { cause });
  return fail('STACK_INVALID', `the stack ${stack} was refused`, { cause });
}

/** A docker configuration of its own for credentials that the user's does not hold; undefined when there are none. */
async function clientConfiguration(credentials: Record<string, object>): Promise<string | undefined> {
  if (Object.keys(credentials).length === 0) return undefined;
  const auths = Object.fromEntries(
    Object.entries(credentials).map(([address, each]) => {
      const {
        username = '',
        password = '',
        identitytoken,
      } = each as { username?: string; password?: string; identitytoken?: string };
      return [
        address,
        {
          auth: Buffer.from(`${username}:${password}`).toString('base64'),
          ...(identitytoken ? { identitytoken } : {}),
        },
      ];
    }),
  );
  const folder = await mkdtemp(path.join(tmpdir(), 'homeostat-docker-'));
  await writeFile(path.join(folder, 'config.json'), JSON.stringify({ auths }), { mode: 0o600 });
  return folder;
}

interface Named {
  ID?: string;
  Id?: string;
  Name?: string;
  Spec?: { Name: string };
}

const removalPause = 250;

/**
 * Removes a stack with all that belongs to it: services, then networks, secrets, configs and this Engine's volumes as
 * soon as no task uses them. It is done when nothing of it can be seen any more, containers on this Engine among it.
 * @returns what could not be removed within the limit (milliseconds)
 */
export async function removeStack(
  engine: Engine,
  stack: string,
  limit: number,
  context: Context,
  { volumes = true }: { volumes?: boolean } = {},
): Promise<string[]> {
  const services = await listStack(engine, stack, context);
  await Promise.all(services.map((service) => removeService(engine, service.ID, context)));
  const start = context.clock.monotonic();
  for (;;) {
    const left = await removeParts(engine, stack, volumes, context);
    if (left.length === 0 || context.clock.monotonic() - start > limit) return left;
    await context.clock.sleep(removalPause, context.signal);
  }
}

/** One pass over what is left of a stack; what it removed counts as left until the next pass does not see it. */
async function removeParts(engine: Engine, stack: string, volumes: boolean, context: Context): Promise<string[]> {
  const query = { filters: { label: [`${stackLabel}=${stack}`] } };
  const list = <T>(path: string, more: object = {}) =>
    ask(context, `listing ${path}`, () => request<T>(engine, 'GET', `/${path}`, { query: { ...query, ...more } }));
  const containers = await list<{ Names: string[] }[]>('containers/json', { all: true });
  const left = containers.map(({ Names }) => `container ${Names[0]?.slice(1)}: is being removed by the Swarm`);
  const kinds: [string, () => Promise<Named[]>][] = [
    ['networks', () => list<Named[]>('networks')],
    ['secrets', () => list<Named[]>('secrets')],
    ['configs', () => list<Named[]>('configs')],
    ['volumes', async () => (volumes ? ((await list<{ Volumes: Named[] | null }>('volumes')).Volumes ?? []) : [])],
  ];
  for (const [kind, items] of kinds) {
    const before = left.length;
    for (const item of await items()) {
      const id = item.ID ?? item.Id ?? item.Name!;
      const reason = await removePart(engine, kind, id, context);
      left.push(`${kind.slice(0, -1)} ${item.Name ?? item.Spec?.Name ?? id}: ${reason}`);
    }
    // A network can go only when its services' tasks are gone; the rest waits for it, so that one pass is cheap.
    if (left.length > before) break;
  }
  return left;
}

/** Asks for the removal of one part, and answers with why it is still there. */
async function removePart(engine: Engine, kind: string, id: string, context: Context): Promise<string> {
  const remove = () => request(engine, 'DELETE', `/${kind}/${encodeURIComponent(id)}`);
  return ask(context, `removing ${kind}`, remove, [400, 403, 404, 409, 500]).then(
    () => 'its removal takes its time',
    (error: unknown) => {
      if (error instanceof HomeostatError) throw error;
      return engineMessage(error);
    },
  );
}
