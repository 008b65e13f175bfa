import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Destination, ProxyOptions } from '../../runner/labels/description';
import type { ProxiedService, ProxyInput, ProxyOutput, ProxySettings } from '../../runner/proxy/model';
import { renderProxy } from '../../runner/proxy/render';
import { defaultProxySettings } from '../../runner/proxy/settings';

const run = promisify(execFile);

interface Teardown {
  teardown(undo: () => unknown): unknown;
}

export const destination = (more: Partial<Destination> = {}): Destination => ({
  index: 0,
  mode: 'http',
  port: 8080,
  paths: ['/'],
  pathType: 'path_beg',
  excludedPaths: [],
  domains: [],
  headers: [],
  userAgents: [],
  allowedMethods: [],
  deniedMethods: [],
  denyHttp: false,
  httpsOnly: false,
  httpsRedirectCode: 302,
  redirectFrom: [],
  rewrites: [],
  ignoreAuthorization: false,
  verifyClient: false,
  trustServer: false,
  timeouts: {},
  checkTcp: false,
  keepAliveClient: false,
  allowFrom: [],
  protocol: 'http1',
  maintenance: false,
  ...more,
});

export const proxyOptions = (more: Partial<ProxyOptions> = {}): ProxyOptions => ({
  defaultBackend: false,
  sticky: false,
  headers: { request: { add: [], set: [], delete: [] }, response: { add: [], set: [], delete: [] } },
  users: [],
  usersEncrypted: false,
  redirectWhenHttpProto: false,
  redirectUnlessHttpsProto: false,
  checkPath: 'auto',
  ...more,
});

/** A service with one destination for each given part, numbered in their order. */
export const service = (
  name: string,
  destinations: Partial<Destination>[] = [{}],
  proxy: Partial<ProxyOptions> = {},
  more: Partial<ProxiedService> & { aclName?: string } = {},
): ProxiedService => {
  const { aclName = name, ...rest } = more;
  return {
    description: {
      name,
      aclName,
      destinations: destinations.map((part, index) => destination({ index, ...part })),
      proxy: proxyOptions(proxy),
      alerts: [],
      others: {},
    },
    createdAt: '2026-01-01T00:00:00Z',
    slots: 4,
    address: '127.0.0.1',
    ...rest,
  };
};

export const exact = (...names: string[]) => names.map((value) => ({ match: 'exact' as const, value }));

export const settings = (more: Partial<ProxySettings> = {}): ProxySettings => ({ ...defaultProxySettings, ...more });

export const render = (
  services: ProxiedService[],
  more: Partial<ProxySettings> = {},
  certificates: ProxyInput['certificates'] = [],
): ProxyOutput => renderProxy({ services, certificates, settings: settings(more) });

/** A new folder that goes with the test. */
export function folder(t: Teardown): string {
  const made = mkdtempSync(path.join(os.tmpdir(), 'proxy-'));
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

export function writeFiles(where: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(where, name)), { recursive: true });
    writeFileSync(path.join(where, name), text);
  }
}

/** The file that the agent adds. */
const withState = (where: string, files: Record<string, string>) => ({
  ...files,
  state: '1\n',
  'agent.cfg': `global\n    server-state-file ${path.join(where, 'state')}\n`,
});

const configuration = (where: string) => ['haproxy.cfg', 'agent.cfg'].flatMap((name) => ['-f', path.join(where, name)]);

/** What `haproxy -c` says of a rendered configuration: whether it is valid, and all it wrote. */
export async function check(t: Teardown, { files }: ProxyOutput): Promise<{ valid: boolean; said: string }> {
  const where = folder(t);
  writeFiles(where, withState(where, files));
  return run('haproxy', ['-c', ...configuration(where)], { cwd: '/', maxBuffer: 1 << 26 }).then(
    ({ stdout, stderr }) => ({ valid: true, said: stdout + stderr }),
    (error: { stdout: string; stderr: string }) => ({ valid: false, said: error.stdout + error.stderr }),
  );
}

/** The problems that `haproxy -c` tells of, warnings among them. */
export async function complaints(t: Teardown, output: ProxyOutput): Promise<string[]> {
  const { valid, said } = await check(t, output);
  const lines = said.split('\n').filter((line) => /ALERT|WARNING|DIAG/.test(line));
  return valid ? lines : ['not valid', ...lines];
}

export const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

/** Ports that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = net.createServer().listen(0);
      await new Promise((done) => server.once('listening', done));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** Starts HAProxy with a rendered configuration; `log()` is what it wrote to standard output. */
export async function start(t: Teardown, output: ProxyOutput, port: number): Promise<{ log: () => string }> {
  const where = folder(t);
  writeFiles(where, withState(where, output.files));
  const child = spawn('haproxy', ['-db', ...configuration(where)], { cwd: '/' });
  let log = '';
  child.stdout.on('data', (data) => (log += data));
  child.stderr.on('data', (data) => (log += data));
  t.teardown(() => ended(child));
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error(`haproxy ended: ${log}`);
    if (await answers(port)) return { log: () => log };
    await sleep(50);
  }
  throw new Error(`haproxy does not answer on ${port}: ${log}`);
}

const answers = (port: number) =>
  new Promise<boolean>((done) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await gone;
}

export interface Asked {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
}

/** A task: answers with its name and what it was asked, as JSON. */
export async function task(
  t: Teardown,
  name: string,
  handle?: (request: http.IncomingMessage, response: http.ServerResponse) => boolean | void,
  at: { host?: string; port?: number } = {},
): Promise<{ port: number; asked: Asked[]; server: http.Server }> {
  const asked: Asked[] = [];
  const server = http.createServer((request, response) => {
    asked.push({ method: request.method!, url: request.url!, headers: request.headers });
    if (handle?.(request, response)) return;
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('Server', 'task');
    response.end(JSON.stringify({ name, ...asked.at(-1) }));
  });
  server.listen(at.port ?? 0, at.host ?? '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked, server };
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
  /** Name of the task that answered, if one did. */
  by: string;
  asked: Asked;
}

/** One request through the proxy, on a connection of its own. */
export function ask(
  port: number,
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
  more: http.RequestOptions = {},
): Promise<Answer> {
  return new Promise((done, failed) => {
    const request = http.request(
      { host: '127.0.0.1', port, path: url, method, headers, agent: false, ...more },
      (response) => {
        let text = '';
        response.on('data', (data) => (text += data));
        response.on('end', () => {
          let asked: Asked & { name?: string } = { method: '', url: '', headers: {} };
          if (text.startsWith('{')) asked = JSON.parse(text);
          done({ status: response.statusCode!, headers: response.headers, text, by: asked.name ?? '', asked });
        });
      },
    );
    request.on('error', failed);
    request.end();
  });
}

/** HAProxy with a rendered configuration on ports of its own. */
export async function door(
  t: Teardown,
  services: ProxiedService[],
  more: Partial<ProxySettings> = {},
  certificates: ProxyInput['certificates'] = [],
) {
  const [port, tlsPort, metricsPort] = (await freePorts(3)) as [number, number, number];
  const output = render(
    services,
    {
      bindings: [
        { port, tls: false, proxyProtocol: false },
        { port: tlsPort, tls: true, proxyProtocol: false },
      ],
      metricsPort,
      hardStopAfter: 1000,
      ...more,
    },
    certificates,
  );
  const { log } = await start(t, output, more.bindings?.[0]?.port ?? port);
  return { port, tlsPort, metricsPort, output, log };
}

/** Waits until something holds. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string, within = 5000): Promise<void> {
  const end = Date.now() + within;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`it never came to be that ${what}`);
    await sleep(20);
  }
}
