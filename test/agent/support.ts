import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { runAgent, healthFile, type AgentSettings } from '../../runner/agent/agent';
import type { AgentEngine } from '../../runner/agent/engine';
import { HaproxyEngine } from '../../runner/agent/haproxy/engine';
import type { Context } from '../../runner/common/context';
import { HomeostatError } from '../../runner/common/errors';
import { realContext } from '../lab/context';
import { TestController, token } from './controller';

/** Answers A questions from a table that may be changed at any time; names that are not in it do not exist. */
export async function startNameServer(t: Test, table: Record<string, string[] | 'silent'>): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = message[at]!; length > 0; length = message[at]!) {
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    const known = table[labels.join('.').toLowerCase()];
    if (known === 'silent') return;
    const addresses = message.readUInt16BE(at + 1) === 1 ? (known ?? []) : [];
    const header = Buffer.alloc(12);
    message.copy(header, 0, 0, 2);
    header.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    const records = addresses.map((address) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)]),
    );
    socket.send(Buffer.concat([header, message.subarray(12, at + 5), ...records]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

/** A task: answers with its address, later for paths such as /slow/300. */
export async function startTask(t: Test, address: string, port = 0): Promise<number> {
  const server = createServer((request, response) => {
    const wait = Number(/^\/slow\/(\d+)/.exec(request.url!)?.[1] ?? 0);
    setTimeout(() => response.end(address), wait);
  });
  server.listen(port, address);
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Files of a bundle that leads one port to services; each has eight slots. */
export function filesFor(
  port: number,
  nameServer: string,
  services: { name: string; port: number; more?: string }[],
  more = '',
  address = '127.0.0.1',
): Record<string, string> {
  const backends = services.map(
    ({ name, port, more }) => `backend ${name}
    option httpchk GET /
    server-template s- 1-8 tasks.${name}:${port} check ${more ?? ''}
`,
  );
  return {
    'maps/hosts.map': services.map(({ name }) => `${name}.example.com ${name}\n`).join(''),
    'maps/local.lst': '127.0.0.0/8\n',
    'haproxy.cfg': `global
    default-path config
    log stdout format raw local0
    hard-stop-after 5s
resolvers docker
    nameserver docker ${nameServer}
    timeout resolve 200ms
    timeout retry 200ms
    hold nx 5s
defaults
    mode http
    log global
    option httplog
    load-server-state-from-file global
    timeout connect 500ms
    timeout client 10s
    timeout server 10s
    default-server inter 500ms fastinter 200ms fall 2 rise 1 init-addr last,none resolve-prefer ipv4 resolvers docker
frontend door
    bind ${address}:${port}
    acl local src -f maps/local.lst
    http-request return status 200 content-type text/plain string local if { path /local } local
    http-request set-var(txn.backend) req.hdr(host),map(maps/hosts.map)
    use_backend %[var(txn.backend)]
${backends.join('')}${more}`,
  };
}

/** Status and text of a GET on a new connection. */
export function ask(
  port: number,
  host: string,
  url = '/',
  address = '127.0.0.1',
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = get({ host: address, port, path: url, headers: { host }, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode!, text }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.setTimeout(15_000, () => request.destroy(new Error('no answer within 15 s')));
  });
}

/** Clients that ask without a pause, each time on a new connection, and never again for what failed. */
export function startLoad(port: number, host: string, address = '127.0.0.1', clients = 3) {
  const failed: string[] = [];
  let asked = 0;
  let slowest = 0;
  let over = false;
  const all = Array.from({ length: clients }, async () => {
    while (!over) {
      const start = performance.now();
      const answer = await ask(port, host, '/', address).catch((error: Error) => ({ status: 0, text: error.message }));
      slowest = Math.max(slowest, performance.now() - start);
      asked++;
      if (answer.status !== 200) failed.push(`${answer.status} ${answer.text}`);
    }
  });
  return {
    async end() {
      over = true;
      await Promise.all(all);
      return { asked, failed, slowest };
    },
  };
}

/** Waits until something is so. */
export async function until(what: string, so: () => unknown, limit = 15_000): Promise<void> {
  const end = performance.now() + limit;
  while (!(await so())) {
    if (performance.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export interface AgentOptions {
  controller: string;
  folder?: string;
  program?: string;
  checkLimit?: number;
  token?: string;
  settings?: Partial<AgentSettings>;
  /** What to keep, where it is not HAProxy. */
  engine?: (folder: string, output: number, context: Context) => AgentEngine;
}

export class TestAgent {
  private readonly stopping = new AbortController();
  readonly context = realContext({ signal: this.stopping.signal });
  readonly ended: Promise<void>;

  constructor(
    readonly work: string,
    readonly folder: string,
    options: AgentOptions,
    output: number,
  ) {
    const runFolder = path.join(work, 'run');
    const { program = 'haproxy', checkLimit = 10_000 } = options;
    const engine =
      options.engine?.(folder, output, this.context) ??
      new HaproxyEngine({ folder, runFolder, program, output, checkLimit }, this.context);
    const settings = {
      ...{ controller: options.controller, tokenFile: path.join(work, 'token'), folder, runFolder },
      ...{ instance: '', agent: 'agent-1', node: 'node-1', drain: 5000, wait: 20_000 },
      ...options.settings,
    };
    this.ended = runAgent(engine, settings, this.context);
    this.ended.catch(() => undefined);
  }

  /** Process id of the engine while it serves. */
  async pid(): Promise<number | undefined> {
    const text = await readFile(path.join(this.work, 'run', healthFile), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : Number(text);
  }

  get accessLog(): string {
    return path.join(this.work, 'access.log');
  }

  get master(): string {
    return path.join(this.work, 'run', 'master.sock');
  }

  async stop(): Promise<void> {
    this.stopping.abort(new HomeostatError('STOPPED', 'stopped by the test'));
    await this.ended;
  }
}

/** An agent in this process with a real engine; it is gone at the end of the test. */
export async function startAgent(t: Test, options: AgentOptions): Promise<TestAgent> {
  // Paths of sockets are limited to 107 bytes, so it is not a folder of the test.
  const work = await mkdtemp(path.join(tmpdir(), 'homeostat-agent-'));
  await writeFile(path.join(work, 'token'), `${options.token ?? token}\n`);
  const folder = options.folder ?? path.join(work, 'state');
  await mkdir(folder, { recursive: true });
  const output = openSync(path.join(work, 'access.log'), 'w');
  const agent = new TestAgent(work, folder, options, output);
  t.teardown(async () => {
    await agent.stop().catch(() => undefined);
    if (!t.passing()) t.comment(agent.context.written());
    closeSync(output);
    await rm(work, { recursive: true, force: true });
  });
  return agent;
}

export interface Scene {
  controller: TestController;
  controllerUrl: string;
  nameServer: string;
  /** Host name to addresses; may be changed. */
  names: Record<string, string[] | 'silent'>;
  /** The port that the proxy listens on. */
  port: number;
  /** The port of the tasks. */
  taskPort: number;
  files: (more?: string) => Record<string, string>;
}

/** A controller, a name server, and a service `shop` with two tasks. */
export async function scene(t: Test): Promise<Scene> {
  const controller = new TestController();
  const controllerUrl = `http://127.0.0.1:${await controller.listen()}`;
  t.teardown(() => controller.close());
  const names: Scene['names'] = { 'tasks.shop': ['127.0.0.2', '127.0.0.3'] };
  const nameServer = await startNameServer(t, names);
  const taskPort = await startTask(t, '127.0.0.2');
  await startTask(t, '127.0.0.3', taskPort);
  const port = await freePort();
  const files = (more = '') => filesFor(port, nameServer, [{ name: 'shop', port: taskPort }], more);
  return { controller, controllerUrl, nameServer, names, port, taskPort, files };
}
