import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Test } from 'tap';
import { AlertmanagerEngine, type AlertmanagerCluster } from '../../runner/agent/alertmanager/engine';
import type { RunningEngine } from '../../runner/agent/engine';
import type { AlertedService } from '../../runner/alerting/model';
import { freePort, until } from '../agent/support';
import { realContext } from '../lab/context';
import { folderFor, render, settingsOf, writeFiles } from './support';

export const program = 'prometheus-alertmanager';
/** Milliseconds for what ought to happen within seconds. */
export const patience = 60_000;

export interface Asked {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A server that Alertmanager sends to: keeps what it was asked, and answers as it is told to. */
export class Door {
  readonly asked: Asked[] = [];
  status = 201;
  private readonly server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    this.asked.push({ method: request.method!, url: request.url!, headers: request.headers, body });
    // Slack's word for success; Alertmanager 0.28 looks at it.
    const text = this.status === 200 ? 'ok' : 'no';
    response.writeHead(this.status, { 'content-type': 'text/plain' });
    response.end(this.status === 201 ? '' : text);
  });

  get urls(): string[] {
    return this.asked.map(({ url }) => url);
  }

  async open(port = 0): Promise<number> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}

export async function openDoor(t: Test, port?: number): Promise<{ door: Door; port: number }> {
  const door = new Door();
  const opened = await door.open(port);
  t.teardown(() => door.close());
  return { door, port: opened };
}

export interface Alert {
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  /** RFC 3339; a time that is over says that it fires no more. */
  endsAt?: string;
}

export const over = () => new Date(Date.now() - 1000).toISOString();

export class LiveAlertmanager {
  running!: RunningEngine;

  constructor(
    readonly engine: AlertmanagerEngine,
    readonly folder: string,
    readonly url: string,
  ) {}

  /** Puts files in force, as the agent would. */
  async use(files: Record<string, string>): Promise<void> {
    const revision = String(Object.values(files).join('').length);
    await writeFiles(path.join(this.folder, 'current'), await this.engine.prepare(files, revision));
    await this.engine.check(path.join(this.folder, 'current'));
    if (this.running) await this.running.reload(revision);
    else await this.start();
  }

  async start(): Promise<void> {
    this.running = await this.engine.start('');
  }

  async kill(): Promise<void> {
    process.kill(this.running.pid, 'SIGKILL');
    await this.running.ended;
  }

  async send(...alerts: Alert[]): Promise<void> {
    const answer = await fetch(`${this.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(alerts),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }
}

/** A real Alertmanager of the test's own. */
export async function startAlertmanager(
  t: Test,
  files: Record<string, string>,
  options: { host?: string; cluster?: AlertmanagerCluster; folder?: string } = {},
): Promise<LiveAlertmanager> {
  const folder = options.folder ?? (await folderFor(t));
  const { host = '127.0.0.1', cluster } = options;
  const listen = `${host}:${await freePort()}`;
  const context = realContext();
  const output = openSync(path.join(folder, 'output.log'), 'a');
  const engine = new AlertmanagerEngine(
    { folder, program, checker: 'amtool', output, checkLimit: 30_000, listen, ...(cluster ? { cluster } : {}) },
    context,
  );
  const alertmanager = new LiveAlertmanager(engine, folder, `http://${listen}`);
  t.teardown(async () => {
    await alertmanager.running?.drain(2000);
    closeSync(output);
    if (!t.passing()) t.comment(context.written());
  });
  await alertmanager.use(files);
  return alertmanager;
}

export const jobToken = 'a-token-of-the-job';

/** Doors for the job and for Slack, and what Alertmanager is told of them. */
export async function scene(t: Test, services: AlertedService[], file = '') {
  const job = await openDoor(t);
  const slack = await openDoor(t);
  slack.door.status = 200;
  const folder = await folderFor(t);
  await mkdir(path.join(folder, 'secrets'));
  const secret = async (name: string, text: string) => {
    const at = path.join(folder, 'secrets', name);
    await writeFile(at, text);
    return at;
  };
  const env = {
    HOMEOSTAT_ALERTING_JOB_URL: `http://127.0.0.1:${job.port}/jenkins`,
    HOMEOSTAT_ALERTING_JOB_USER: 'alertmanager',
    HOMEOSTAT_ALERTING_JOB_TOKEN_FILE: await secret('job', jobToken),
    HOMEOSTAT_ALERTING_SLACK_URL_FILE: await secret('slack', `http://127.0.0.1:${slack.port}/services/hook`),
    HOMEOSTAT_ALERTING_SLACK_CHANNEL: '#alerts',
    HOMEOSTAT_ALERTING_GROUP_WAIT: '1s',
    HOMEOSTAT_ALERTING_GROUP_INTERVAL: '2s',
  };
  const files = (more: AlertedService[] = []) =>
    render({ services: [...services, ...more], settings: settingsOf(env, file) }).files;
  return { job, slack, files };
}

export const scaleUp = (service: string, more: Record<string, string> = {}) => ({
  labels: { alertname: `${service}_slow`, receiver: 'system', service, scale: 'up', type: 'service', ...more },
});

export const jobAddress = (service: string, direction = 'up') =>
  `/jenkins/job/service-scale/buildWithParameters?service=${service}&scale=${direction}&delay=0sec`;

export const soon = (what: string, so: () => unknown) => until(what, so, patience);
