import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import type { Test } from 'tap';
import type { Context } from '../../runner/common/context';
import { controllerSecrets, type ControllerSecrets } from '../../runner/system/controller-secrets';
import { startController, startProxy } from '../../runner/system/door';
import { controllerFolder } from '../../runner/system/services';
import { systemSchema } from '../../runner/system/system-file';
import type { DoorProxy as KnownProxy, DoorService } from '../../runner/system/door-status';
import { ensureNetworks } from '../../runner/system/networks';
import type { SystemSettings } from '../../runner/system/services';
import { withLab, type Lab, type LabOptions } from '../lab';
import { realContext } from '../lab/context';
import { until } from './support';

const resources = path.join(__dirname, '../../resources');

interface DoorProxy extends KnownProxy {
  reloads: number;
}

/** A Swarm of its own with controller and proxies, as `up` starts them. */
export interface Door {
  lab: Lab;
  engine: Docker;
  context: Context;
  /** Image of both; it has Node.js, too. */
  image: string;
  settings: SystemSettings;
  secrets: ControllerSecrets;
  /** What the controller answers a reader on this node. */
  controller<T>(path: string, node?: number): Promise<T>;
  services(): Promise<DoorService[]>;
  proxies(): Promise<DoorProxy[]>;
  /** Of all proxies, as soon as each has told of what it serves by. */
  reloads(): Promise<number>;
  /** Creates a service on the proxy's network, without waiting for it. */
  serve(name: string, labels: Record<string, string>, more?: string[], command?: string[]): Promise<string>;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface Question {
  address: string;
  port?: number;
  path?: string;
  host?: string;
  method?: string;
  headers?: Record<string, string>;
  timeout?: number;
}

/** One request over a connection of its own; never tried again. */
export const ask = ({ address, port = 80, path: asked = '/', host, method, headers, timeout = 15_000 }: Question) =>
  new Promise<Answer>((resolve, reject) => {
    const request = httpRequest(
      {
        host: address,
        port,
        path: asked,
        method: method ?? 'GET',
        agent: false,
        timeout,
        headers: { ...(host ? { host } : {}), ...headers },
      },
      (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (part: string) => (text += part))
          .on('error', reject)
          .on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
      },
    );
    request
      .on('error', reject)
      .on('timeout', () => request.destroy(new Error(`no answer within ${timeout} ms`)))
      .end();
  });

/** The status of an answer; 0 where there was none. */
export const statusOf = (question: Question): Promise<number> =>
  ask(question).then(
    ({ status }) => status,
    () => 0,
  );

/** The lines of the system's own Dockerfiles on an image that has all their packages already, so that nothing is downloaded. */
function dockerfile(base: string): string {
  const lines = ['runner', 'proxy'].flatMap((component) => {
    const text = readFileSync(path.join(resources, 'images', component, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
    return text.split('\n').filter((line) => !/^(ARG|FROM|RUN apt-get)/.test(line));
  });
  return [`FROM ${base}`, ...lines].join('\n');
}

/**
 * The image of controller and proxy on a node, with the compiled runner as it is now. By its id, so that no task asks a
 * registry for it.
 */
async function doorImage(lab: Lab): Promise<string> {
  const engine = lab.engine();
  const context = pack();
  context.entry({ name: 'Dockerfile' }, dockerfile(await lab.image('proxy')));
  context.entry({ name: 'homeostat.cjs' }, readFileSync(path.join(resources, 'homeostat/homeostat.cjs')));
  context.finalize();
  const tag = 'homeostat-lab/door:latest';
  const stream = await engine.buildImage(context as unknown as NodeJS.ReadableStream, { t: tag });
  await new Promise<void>((resolve, reject) =>
    engine.modem.followProgress(stream, (error: Error | null, events: { error?: string }[]) => {
      const problem = error?.message ?? events.find((event) => event.error)?.error;
      if (problem) reject(new Error(problem));
      else resolve();
    }),
  );
  const { Id } = await engine.getImage(tag).inspect();
  return Id;
}

/** Gives another node the same image, as one does by hand on a machine without a registry. */
export async function copyImage(lab: Lab, image: string, node: number): Promise<void> {
  const other = lab.engine(node);
  const loaded = await other.loadImage((await lab.engine().getImage(image).get()) as NodeJS.ReadableStream);
  await new Promise<void>((resolve, reject) =>
    other.modem.followProgress(loaded, (error: Error | null) => (error ? reject(error) : resolve())),
  );
}

/** Starts a Swarm with controller and proxies; nodes that have no copy of the images are drained. */
export async function withDoor(t: Test, options: LabOptions & { copyImages?: boolean } = {}): Promise<Door> {
  const lab = await withLab(t, options);
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-door-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const image = await doorImage(lab);
  const engine = lab.engine();
  for (let node = 2; node <= (options.nodes ?? 1); node++)
    if (options.copyImages === false) await lab.docker(1, 'node', 'update', '--availability', 'drain', `node${node}`);
    else await copyImage(lab, image, node);
  const context = realContext({ env: { ...lab.environment(), HOMEOSTAT_STATE: folder } });
  const settings = {
    ...{ folder, registryPort: 5000, jobsPort: 8080, httpPort: 80, httpsPort: 443, controllerPort: 7080 },
    ...{ prometheusPort: 9090, alertmanagerPort: 9093 },
    system: { ...systemSchema.parse({}), engine: 'embedded' as const, folder },
  };
  await ensureNetworks(engine, folder, context);
  await startController(engine, image, settings, context);
  await startProxy(engine, image, settings, context);
  const secrets = await controllerSecrets(controllerFolder(folder), context);
  const controller = async <T>(asked: string, node = 1): Promise<T> => {
    const header = `--header=Authorization: Bearer ${secrets.readerToken}`;
    const options = ['-q', '-O', '-', '--no-check-certificate', '--tries=1', '--timeout=5', header];
    return JSON.parse(await lab.exec(node, 'wget', ...options, `https://127.0.0.1:7080${asked}`)) as T;
  };
  const proxies = () => controller<DoorProxy[]>('/v1/proxies');
  return {
    lab,
    engine,
    context,
    image,
    settings,
    secrets,
    controller,
    services: () => controller<DoorService[]>('/v1/services'),
    proxies,
    reloads: async () => {
      // A proxy serves by a configuration before it tells of it.
      if (!(await until(async () => (await proxies()).every(({ behind }) => !behind), 60)))
        throw new Error('a proxy stays behind');
      return (await proxies()).reduce((sum, { reloads }) => sum + reloads, 0);
    },
    serve: (name, labels, more = [], command = webCommand()) => {
      const words = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
      const network = more.includes('--network') ? [] : ['--network', 'proxy'];
      const fixed = ['--detach', '--no-resolve-image', '--endpoint-mode', 'dnsrr', '--name', name, ...network];
      return lab.docker(1, 'service', 'create', ...fixed, ...words, ...more, image, ...command);
    },
  };
}

/** Waits until a request is answered with that status. */
export const answers = (question: Question, status = 200, seconds = 30): Promise<boolean> =>
  until(async () => (await statusOf(question)) === status, seconds);

/**
 * A web server as a task: tells its host name, version and what it was asked; `?ms=` makes it slow. At SIGTERM it answers
 * what is in flight and ends, having stopped listening at once.
 */
const server = (version: string, port: number, delay: number) => `
const http = require('node:http'), os = require('node:os');
let stopping = false;
const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (stopping) response.setHeader('Connection', 'close');
  const body = JSON.stringify({ version: '${version}', host: os.hostname(), url: request.url, method: request.method, headers: request.headers });
  setTimeout(() => response.end(body), Number(url.searchParams.get('ms') ?? 0));
});
setTimeout(() => server.listen(${port}), ${delay});
process.on('SIGTERM', () => { stopping = true; server.close(() => process.exit(0)); server.closeIdleConnections(); });
`;

export const webCommand = (version = '1', port = 8080, delay = 0): string[] => [
  'node',
  '-e',
  server(version, port, delay),
];

/** Flags for a health check that a container without curl can afford each second. */
export const healthFlags = (port = 8080): string[] => [
  '--health-cmd',
  `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}'`,
  '--health-interval',
  '1s',
  '--health-timeout',
  '2s',
  '--health-retries',
  '3',
  '--health-start-period',
  '10s',
];
