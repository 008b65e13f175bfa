import { readFileSync } from 'node:fs';
import path from 'node:path';
import Docker from 'dockerode';
import type { Duplex, Readable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import type { Context } from './context';
import { fail, HomeostatError, messageOf } from './errors';
import { limited } from './limited';
import { retry } from './retry';

export type Engine = Docker;

/** How long a Swarm may be without a leader: elections after a healed network cut took up to 34 s. */
const leaderLimit = 60_000;
const unreachable = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EACCES',
  'EPERM',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
  'ENETUNREACH',
]);

/** The Engine that DOCKER_HOST names (default: the local socket), with TLS by DOCKER_TLS_VERIFY and DOCKER_CERT_PATH. */
export function connectEngine({ env }: Context): Engine {
  const host = env.DOCKER_HOST;
  if (!host) return new Docker({ socketPath: '/var/run/docker.sock' });
  const unix = /^unix:\/\/(\/.+)$/.exec(host);
  if (unix) return new Docker({ socketPath: unix[1]! });
  const url = URL.canParse(host) ? new URL(host) : undefined;
  // URL leaves out the port that is usual for http and https, and net.connect knows no brackets.
  const port = Number(/:(\d+)\/?$/.exec(host)?.[1]);
  const hostname = url?.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!url?.hostname || !['tcp:', 'http:', 'https:', 'ssh:'].includes(url.protocol)) {
    return fail('USAGE_INVALID', `DOCKER_HOST is '${host.replace(/\/\/.*@/, '//')}'`, {
      remedy: 'Use unix:///path/to/docker.sock, tcp://host:port or ssh://user@host.',
    });
  }
  if (url.protocol === 'ssh:') {
    return new Docker({
      protocol: 'ssh',
      host: hostname,
      port: port || 22,
      username: url.username || env.USER || 'root',
      sshOptions: { agent: env.SSH_AUTH_SOCK },
    });
  }
  const secure = url.protocol === 'https:' || Boolean(env.DOCKER_TLS_VERIFY);
  const certificates = env.DOCKER_CERT_PATH ?? path.join(env.HOME ?? '/root', '.docker');
  const read = (name: string) => {
    try {
      return readFileSync(path.join(certificates, name));
    } catch (error) {
      return fail('USAGE_INVALID', 'DOCKER_HOST asks for TLS, and its certificates cannot be read', {
        cause: messageOf(error),
        remedy: 'Put ca.pem, cert.pem and key.pem into the folder that DOCKER_CERT_PATH names.',
      });
    }
  };
  return new Docker({
    protocol: secure ? 'https' : 'http',
    host: hostname,
    port: port || (secure ? 2376 : 2375),
    ...(secure ? { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') } : {}),
  });
}

interface EngineFault {
  statusCode?: number;
  code?: string;
  message?: string;
  json?: { message?: string } | null;
}

/** The Engine's own words, without docker-modem's decoration. */
export function engineMessage(error: unknown): string {
  const fault = error as EngineFault;
  return (fault.json?.message ?? messageOf(error)).replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
}

export const statusOf = (error: unknown): number | undefined => (error as EngineFault).statusCode;

/** The text by which the Engine reports a lost compare-and-swap; the status is a plain 500. */
export const isOutOfSequence = (error: unknown): boolean => /update out of sequence/.test(engineMessage(error));

const isLeaderless = (error: unknown) =>
  /does not have a leader|DeadlineExceeded|context deadline exceeded|no leader/i.test(engineMessage(error)) &&
  (statusOf(error) ?? 0) >= 500;

/**
 * Does one piece of work with the Engine: waits up to a minute while the Swarm has no leader, and turns failures into
 * errors of the table. `expect` lists statuses the caller deals with; those are thrown as they are.
 */
export async function ask<T>(
  context: Context,
  what: string,
  work: () => Promise<T>,
  expect: number[] = [],
): Promise<T> {
  try {
    return await retry(work, {
      clock: context.clock,
      signal: context.signal,
      limit: leaderLimit,
      pause: 500,
      worthIt: isLeaderless,
      onRetry: (_error, tries) => {
        if (tries === 1) context.log.warn(`${what}: the Swarm has no leader, waiting up to ${leaderLimit / 1000} s`);
      },
    });
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    if (error instanceof HomeostatError || isOutOfSequence(error) || expect.includes(statusOf(error) ?? 0)) throw error;
    throw engineError(what, error);
  }
}

/** The error of the table for a failure of the Engine. */
export function engineError(what: string, error: unknown): HomeostatError {
  const cause = engineMessage(error);
  const code = (error as EngineFault).code;
  if ((error as Error).name === 'AbortError' || (error as Error).name === 'TimeoutError')
    return new HomeostatError('ENGINE_UNREACHABLE', `${what}: the Docker Engine gives no answer`, { cause });
  if (code && unreachable.has(code))
    return new HomeostatError('ENGINE_UNREACHABLE', `${what}: the Docker Engine does not answer`, {
      cause: `${code} ${cause}`,
    });
  if (isLeaderless(error))
    return new HomeostatError('SWARM_NO_LEADER', `${what}: the Swarm had no leader for ${leaderLimit / 1000} s`, {
      cause,
    });
  if (/worker nodes can't be used/i.test(cause))
    return new HomeostatError('SWARM_NOT_MANAGER', `${what}: this node is not a manager`, { cause });
  if (/not a swarm manager|not part of a swarm/i.test(cause))
    return new HomeostatError('SWARM_MISSING', `${what}: this Engine is not part of a Swarm`, { cause });
  if (/no space left on device/i.test(cause))
    return new HomeostatError('ENGINE_FAILED', `${what}: the disk of the Engine is full`, {
      cause,
      remedy: 'Free disk space (`docker system df`, `docker system prune`), then try again.',
    });
  return new HomeostatError('ENGINE_FAILED', `${what}: the Docker Engine refused`, { cause });
}

/** A raw call of the Engine API for what dockerode has no method for; answers with the hijacked connection or the response stream. */
export function dial(engine: Engine, options: object): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    engine.modem.dial(options as never, (error: unknown, result: unknown) =>
      error ? reject(error as Error) : resolve(result as Duplex),
    );
  });
}

const success = Object.fromEntries([101, 200, 201, 202, 204, 304].map((status) => [status, true]));

export interface RequestOptions {
  query?: Record<string, string | number | boolean | object | undefined>;
  body?: object;
  /** Sent in X-Registry-Auth. */
  auth?: object | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds without an answer after which the Engine counts as hung; 0 waits for ever. Default two minutes. */
  limit?: number;
}

const answerLimit = 120_000;

/**
 * One call of the Engine API with query and body apart: dockerode's own methods put the body into the URL as well,
 * secrets in service specs among it.
 */
export async function request<T>(
  engine: Engine,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  options: RequestOptions = {},
): Promise<T> {
  const query = Object.fromEntries(Object.entries(options.query ?? {}).filter(([, value]) => value !== undefined));
  const text = await limited(options.signal, options.limit ?? answerLimit, async (abortSignal) => {
    const answer = await dial(engine, {
      method,
      path: Object.keys(query).length > 0 ? `${path}?` : path,
      options: { _query: query, _body: options.body ?? {} },
      // Left to itself docker-modem waits for ever for the rest of an answer that was cut.
      isStream: true,
      ...(options.auth ? { authconfig: options.auth } : {}),
      abortSignal,
      statusCodes: success,
    });
    return readText(answer);
  });
  return (text.trim() ? parseAnswer(text) : undefined) as T;
}

/** The answer as JSON; a few calls answer in plain text. */
function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A stream of the Engine API: its answer comes piece by piece. */
export function requestStream(
  engine: Engine,
  method: 'GET' | 'POST',
  path: string,
  options: RequestOptions = {},
): Promise<Readable> {
  return dial(engine, {
    method,
    path: `${path}?`,
    isStream: true,
    options: { _query: options.query ?? {}, _body: options.body ?? {} },
    ...(options.auth ? { authconfig: options.auth } : {}),
    ...(options.signal ? { abortSignal: options.signal } : {}),
    statusCodes: success,
  });
}
