import { createReadStream } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../common/errors';
import type { Logger } from '../common/log';
import { Refusal } from '../common/refusal';
import { textAnswer, type Answer, type Call } from './answer';
import { authenticate, authenticateHook, refuseOtherSites } from './authenticate';
import { notifyCommit, pushWebhook } from './hooks';
import type { JobsConfiguration } from './model';
import * as read from './read';
import { matchRoute, type RouteName } from './routes';
import { ping, scalerRequest } from './scaler';
import type { Tokens } from './tokens';
import { stopBuild, triggerBuild } from './trigger';

export interface ServerParts extends read.Readable {
  configuration: JobsConfiguration;
  tokens: Tokens;
  log: Logger;
}

/** Milliseconds and sizes that a slow or greedy client is held to. */
const limits = { headers: 10_000, request: 30_000, idle: 60_000, connections: 2000, headerBytes: 16_384 };

/** The version of Jenkins whose answers these are; clients look for the header. */
const jenkinsVersion = '2.528.2';

const open: readonly RouteName[] = ['login', 'ping', 'notifyCommit', 'github', 'gitea'];

/** The HTTP side of the job server, not listening yet. */
export function createServer(parts: ServerParts): http.Server {
  const server = http.createServer(
    {
      headersTimeout: limits.headers,
      requestTimeout: limits.request,
      connectionsCheckingInterval: 2000,
      keepAliveTimeout: 5000,
      maxHeaderSize: limits.headerBytes,
    },
    (request, response) => void respond(parts, request, response),
  );
  server.maxConnections = limits.connections;
  server.setTimeout(limits.idle);
  return server;
}

async function respond(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await send(request, response, await answer(parts, request).catch((error: unknown) => refused(parts, error)));
  } catch (error) {
    parts.log.debug(`a connection ended early: ${messageOf(error)}`);
    response.destroy();
  }
}

function refused(parts: ServerParts, error: unknown): Answer {
  if (error instanceof Refusal) return textAnswer(error.status, error.message, error.headers);
  if (error instanceof URIError) return textAnswer(400, 'The address is badly encoded.');
  parts.log.error(`a request failed: ${messageOf(error)}`);
  return textAnswer(500, 'The job server could not do this; its log says why.');
}

async function answer(parts: ServerParts, request: IncomingMessage): Promise<Answer> {
  const [path = '', ...rest] = (request.url ?? '').split('?');
  const match = matchRoute(path);
  const hook = match !== undefined && open.includes(match.name);
  const user = hook ? undefined : await authenticate(request, parts.tokens);
  if (!hook && !user) throw new Refusal(403, 'Authentication required: give user and API token.');
  if (!match) throw new Refusal(404, 'There is nothing at this address.');
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
  if (!match.methods.includes(method))
    throw new Refusal(405, `Use ${match.methods.join(' or ')}.`, { Allow: match.methods.join(', ') });
  refuseOtherSites(request);
  const { job = '', build = '', item = '' } = match.parts;
  const query = new URLSearchParams(rest.join('?'));
  return handle(parts, match.name, { query, request, root: rootOf(parts, request), user, job, build, item });
}

function handle(parts: ServerParts, name: RouteName, call: Call): Answer | Promise<Answer> {
  const { engine, configuration } = parts;
  switch (name) {
    case 'login':
      return textAnswer(200, 'The Homeostat job server. There is no login: send an API token with each request.');
    case 'home':
      return textAnswer(200, 'The Homeostat job server');
    case 'root':
      return read.readRoot(parts, call);
    case 'crumb':
      return read.readCrumb(call);
    case 'queue':
      return read.readQueue(parts, call);
    case 'queueItem':
      return read.readItem(parts, call);
    case 'queueItemPage':
      return read.readItem(parts, call) && textAnswer(200, 'Queue item exists. For details, use api/json.');
    case 'job':
      return read.readJob(parts, call);
    case 'jobPage':
      return read.readJobPage(parts, call);
    case 'buildJson':
      return read.readBuild(parts, call);
    case 'buildPage':
      return read.readBuildPage(parts, call);
    case 'consoleText':
      return read.readLog(parts, call, false);
    case 'progressiveText':
      return read.readLog(parts, call, true);
    case 'build':
      return triggerBuild(engine, call, false, parts.now());
    case 'buildWithParameters':
      return triggerBuild(engine, call, true, parts.now());
    case 'stop':
      return stopBuild(engine, call);
    case 'ping':
      return ping();
    case 'scaleService':
    case 'scaleNodes':
    case 'rescheduleServices':
    case 'rescheduleService':
      return scalerRequest(engine, call, name, parts.now());
    case 'github':
      return pushWebhook(engine, call, { kind: 'github', secretFile: configuration.githubSecretFile });
    case 'gitea':
      return pushWebhook(engine, call, { kind: 'gitea', secretFile: configuration.giteaSecretFile });
    case 'notifyCommit':
      return authenticateHook(call.request, call.query, parts.tokens).then((user) =>
        notifyCommit(engine, { ...call, user }),
      );
  }
}

/** The address in the jobs file, or the one that the client used. */
function rootOf({ configuration }: ServerParts, request: IncomingMessage): string {
  const host = request.headers.host ?? '';
  const sound = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/.test(host);
  const { localAddress, localPort } = request.socket;
  return configuration.url ?? `http://${sound ? host : `${localAddress}:${localPort}`}/`;
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body, file }: Answer,
): Promise<void> {
  // A body that was not read is not waited for.
  const close = request.complete || request.method === 'GET' ? {} : { Connection: 'close' };
  response.writeHead(status, {
    'X-Jenkins': jenkinsVersion,
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
    ...close,
    ...headers,
  });
  if (file && file.end > file.start && request.method !== 'HEAD') {
    await pipeline(createReadStream(file.path, { start: file.start, end: file.end - 1 }), response);
  } else {
    response.end(body);
  }
}
