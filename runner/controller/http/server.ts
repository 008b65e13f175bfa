import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import https from 'node:https';
import { messageOf } from '../../common/errors';
import type { Logger } from '../../common/log';
import { mayAct, type Access, type Role } from './access';
import { Refusal } from '../../common/refusal';
import { jsonAnswer, unauthorised, type Answer } from './answer';

/** One request as the handlers see it. */
export interface Call {
  /** Part of the path that the route leaves open. */
  part: string;
  query: URLSearchParams;
  request: IncomingMessage;
  /** Aborts when the client has gone. */
  gone: AbortSignal;
}

export interface Route {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Where it ends with a slash, one more part follows, unless it is exact. */
  path: string;
  exact?: boolean;
  /** Who may ask; everybody where it is not there. */
  role?: Role;
  handle(call: Call): Answer | Promise<Answer>;
}

export interface ServerParts {
  routes: Route[];
  access: Access;
  tls?: { certificate: string; key: string };
  log: Logger;
}

/** Milliseconds and sizes that a slow or greedy client is held to; a poll may be silent for 60 s. */
const limits = { headers: 10_000, request: 30_000, idle: 90_000, connections: 3000, headerBytes: 16_384 };

/** The HTTP side of the controller, not listening yet. */
export function createServer(parts: ServerParts): Server {
  const options = {
    headersTimeout: limits.headers,
    requestTimeout: limits.request,
    connectionsCheckingInterval: 2000,
    keepAliveTimeout: 5000,
    maxHeaderSize: limits.headerBytes,
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => void respond(parts, request, response);
  const { tls } = parts;
  const server = tls
    ? https.createServer(
        { ...options, cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2', handshakeTimeout: limits.headers },
        listener,
      )
    : http.createServer(options, listener);
  server.maxConnections = limits.connections;
  server.setTimeout(limits.idle);
  return server;
}

async function respond(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort(new Error('the client has gone')));
  try {
    const result = await answer(parts, request, gone.signal).catch((error: unknown) => refused(parts.log, error));
    send(request, response, result);
  } catch (error) {
    parts.log.debug(`a connection ended early: ${messageOf(error)}`);
    response.destroy();
  }
}

function refused(log: Logger, error: unknown): Answer {
  if (error instanceof Refusal)
    return { ...jsonAnswer({ error: error.message }, error.status), headers: { ...json, ...error.headers } };
  if (error instanceof URIError) return jsonAnswer({ error: 'the address is badly encoded' }, 400);
  log.error(`a request failed: ${messageOf(error)}`);
  return jsonAnswer({ error: 'the controller could not do this; its log says why' }, 500);
}

const json = { 'Content-Type': 'application/json; charset=utf-8' };

async function answer(parts: ServerParts, request: IncomingMessage, gone: AbortSignal): Promise<Answer> {
  const [path = '', ...rest] = (request.url ?? '').split('?');
  const found = parts.routes.filter((route) => partOf(route, path) !== undefined);
  const role = parts.access.roleOf(request);
  const open = found.some((route) => route.role === undefined);
  // An address that there is not and one that is not for this client must not be told apart.
  if (!open && !role) return unauthorised;
  if (found.length === 0) throw new Refusal(404, 'there is nothing at this address');
  const route = found.find(({ method }) => method === request.method);
  const methods = found.map(({ method }) => method).join(', ');
  if (!route) throw new Refusal(405, `use ${methods}`, { Allow: methods });
  if (route.role && !mayAct(role, route.role)) throw new Refusal(403, `this needs the ${route.role}s' token`);
  return route.handle({
    part: decodeURIComponent(partOf(route, path)!),
    query: new URLSearchParams(rest.join('?')),
    request,
    gone,
  });
}

function partOf({ path, exact }: Route, asked: string): string | undefined {
  if (exact) return asked === path ? '' : undefined;
  if (!path.endsWith('/')) return asked === path || asked === `${path}/` ? '' : undefined;
  const part = asked.startsWith(path) ? asked.slice(path.length) : '';
  return part !== '' && !part.includes('/') ? part : undefined;
}

function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Answer): void {
  // A body that was not read is not waited for.
  const close = request.complete || request.method === 'GET' ? {} : { Connection: 'close' };
  response.writeHead(status, {
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
    ...close,
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
