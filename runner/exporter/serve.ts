import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import { Containers } from './containers';
import { LocalEngine } from './local-engine';
import { NodeFiles, type NodeFolders } from './node-files';
import type { Page } from './page';
import { Pages } from './pages';
import { Readings } from './readings';

export interface ExporterOptions extends NodeFolders {
  host: string;
  port: number;
  /** Milliseconds between full listings of the containers. */
  interval: number;
}

export interface RunningExporter {
  host: string;
  port: number;
  close(): Promise<void>;
}

const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Starts the exporter of a node: answers to /metrics and /healthz until it is closed.
 * @throws EXPORTER_LISTEN, USAGE_INVALID
 */
export async function serveExporter(options: ExporterOptions, outer: Context): Promise<RunningExporter> {
  const ending = new AbortController();
  const context = { ...outer, signal: AbortSignal.any([outer.signal, ending.signal]) };
  const engine = new LocalEngine(outer.env.DOCKER_HOST);
  const files = new NodeFiles(options);
  const containers: Containers = new Containers(engine, options.interval, context, () => files.look(containers.list()));
  const pages = new Pages(new Readings(engine, containers, files, context));
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 65_000, maxHeaderSize: 16_384 },
    (request, response) =>
      void answer(request, response, pages).catch((error: unknown) => {
        context.log.debug(`a connection ended early: ${messageOf(error)}`);
        response.destroy();
      }),
  );
  server.maxConnections = 200;
  await listen(server, options);
  const running = containers.run();
  return {
    host: options.host,
    port: (server.address() as AddressInfo).port,
    close: async () => {
      ending.abort(new Error('the exporter is being stopped'));
      server.close();
      server.closeAllConnections();
      await running;
      engine.close();
    },
  };
}

async function answer({ method, url = '/' }: IncomingMessage, response: ServerResponse, pages: Pages): Promise<void> {
  const path = url.split('?')[0];
  const send = (status: number, body: string | Buffer, type = 'text/plain; charset=utf-8') => {
    response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
    response.end(method === 'HEAD' ? undefined : body);
  };
  if (method !== 'GET' && method !== 'HEAD') return send(405, 'use GET\n');
  if (path === '/metrics') {
    const page: Page = await pages.now();
    page.readers++;
    response.once('close', () => page.readers--);
    return send(200, page.bytes(), contentType);
  }
  // It lives: a restart would not bring an Engine back that is away, which the metrics tell of.
  if (path === '/healthz') return send(200, 'ok\n');
  send(404, 'see /metrics\n');
}

async function listen(server: Server, { host, port }: ExporterOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  }).catch((error: unknown) =>
    fail('EXPORTER_LISTEN', `cannot listen on ${host}:${port}`, { cause: messageOf(error) }),
  );
}
