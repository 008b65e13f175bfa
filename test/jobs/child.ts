import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { AxiosInstance } from 'axios';
import { bundle } from '../../build/bundle';
import { systemClock } from '../../runner/common/clock';
import { parseRights } from '../../runner/jobs/rights';
import { addToken } from '../../runner/jobs/tokens';
import { fixture, rawClient, until, type RecordLine } from './support';

/** The compiled runner, made once for each test file. */
export async function compiledRunner(folder: string): Promise<string> {
  await bundle(folder);
  return path.join(folder, 'homeostat.cjs');
}

export interface ServerProcess {
  child: ChildProcess;
  client: AxiosInstance;
  output: () => string;
  /** Resolves with exit code and signal. */
  ended: Promise<[number | null, NodeJS.Signals | null]>;
}

/** Runs `homeostat jobs` as a process of its own; its builds run the recorder. */
export class ServerFolder {
  private token = '';

  constructor(
    readonly folder: string,
    private readonly runner: string,
    yaml: string,
  ) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'jobs.yml'), yaml.replaceAll('$RECORD', this.recordFile));
    const script = `#!/bin/sh\nshift\nexec '${process.execPath}' '${fixture('runner.cjs')}' "$@"\n`;
    writeFileSync(path.join(folder, 'node'), script, { mode: 0o755 });
  }

  get data(): string {
    return path.join(this.folder, 'data');
  }

  private get recordFile(): string {
    return path.join(this.folder, 'record');
  }

  async start(...more: string[]): Promise<ServerProcess> {
    const server = this.spawn('--listen', '127.0.0.1:0', ...more);
    const url = await until(() => {
      if (server.child.exitCode !== null) throw new Error(server.output());
      return /listens on (\S+)/.exec(server.output())?.[1];
    });
    this.token ||= await addToken(this.data, 'tester', parseRights('*:read+build+stop'), systemClock);
    return { ...server, client: rawClient(url, 'tester', this.token) };
  }

  spawn(...args: string[]) {
    const clean = [
      `PATH=${process.env.PATH}`,
      `HOME=${this.folder}`,
      `HOMEOSTAT_NODE=${path.join(this.folder, 'node')}`,
    ];
    // env -i, because tap puts a loader into the environment of every child, which costs it 20 MB and a second.
    const words = ['-i', ...clean, process.execPath, this.runner, 'jobs', '--data', this.data, ...args];
    const child = spawn('env', words, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    process.once('exit', () => child.kill('SIGKILL'));
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
      child.on('close', (code, signal) => resolve([code, signal])),
    );
    return { child, ended, output: () => output };
  }

  records(event = 'start'): RecordLine[] {
    if (!existsSync(this.recordFile)) return [];
    const lines = readFileSync(this.recordFile, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as RecordLine).filter((line) => line.event === event);
  }
}

export async function killHard(server: ServerProcess): Promise<void> {
  server.child.kill('SIGKILL');
  await server.ended;
}
