import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import axios, { type AxiosInstance } from 'axios';
import { systemClock } from '../../runner/common/clock';
import type { Context } from '../../runner/common/context';
import { createLogger } from '../../runner/common/log';
import { createMasker } from '../../runner/common/mask';
import { parseConfiguration } from '../../runner/jobs/configuration';
import { parseRights } from '../../runner/jobs/rights';
import { serve, type RunningServer } from '../../runner/jobs/serve';
import { addToken } from '../../runner/jobs/tokens';

interface Owner {
  teardown(work: () => unknown): void;
}

export const fixture = (name: string) => path.join(__dirname, 'fixtures', name);
export const commands = ['scale', 'pipeline', 'cleanup', 'status'];

/** A temporary folder that goes with the test, and with it what a killed server left running there. */
export function temporaryFolder(test: Owner): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'homeostat-jobs-'));
  test.teardown(async () => {
    // A build that outlived its server writes into the folder while it is removed.
    await until(() => {
      const left = processesIn(folder);
      for (const pid of left) process.kill(pid, 'SIGKILL');
      return left.length === 0;
    });
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return folder;
}

/** The processes that work in a folder, or in one below it. */
const processesIn = (folder: string) =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${folder}/`);
      } catch {
        return false;
      }
    });

/** A context whose runner is the recorder, with everything that was logged. */
export function testContext(
  folder: string,
  programs = process.env.PATH,
  runnerFile = fixture('runner.cjs'),
): Context & { logged: () => string } {
  let logged = '';
  const stream = { write: (text: string) => (logged += text) };
  const masker = createMasker();
  return {
    env: {
      PATH: programs,
      HOME: folder,
      DOCKER_HOST: 'tcp://127.0.0.1:1',
      HOMEOSTAT_DEADLINE: '1s',
      OTHER: 'x',
    },
    cwd: folder,
    stdout: stream,
    stderr: stream,
    clock: systemClock,
    log: createLogger(stream, masker),
    masker,
    signal: new AbortController().signal,
    runnerFile,
    version: '0.0.0',
    logged: () => logged,
  };
}

export interface RecordLine {
  event: string;
  args: string[];
  parameters: Record<string, string>;
  env: Record<string, string>;
  cwd: string;
  pid: number;
  time: number;
}

export interface TestServer extends RunningServer {
  folder: string;
  data: string;
  logged: () => string;
  /** What the recorder wrote, oldest first. */
  records: (event?: string) => RecordLine[];
  client: (rights?: string, user?: string) => Promise<AxiosInstance>;
  restart: (yaml?: string) => Promise<TestServer>;
}

/** A client that never throws for a status and never follows a redirect. */
export const rawClient = (baseURL: string, user?: string, token = '') =>
  axios.create({
    baseURL,
    validateStatus: () => true,
    maxRedirects: 0,
    ...(user ? { auth: { username: user, password: token } } : {}),
  });

/** A job server in this process; `$RECORD` in its jobs file is replaced by the recorder's file. */
export async function startServer(
  test: Owner,
  yaml: string,
  folder = temporaryFolder(test),
  programs = process.env.PATH,
  runnerFile?: string,
): Promise<TestServer> {
  const recordFile = path.join(folder, 'record');
  const text = yaml.replaceAll('$RECORD', recordFile).replaceAll('$FOLDER', folder);
  writeFileSync(path.join(folder, 'jobs.yml'), text);
  const configuration = parseConfiguration(text, path.join(folder, 'jobs.yml'), commands);
  const context = testContext(folder, programs, runnerFile);
  const data = path.join(folder, 'data');
  const { executors } = configuration;
  const server = await serve(context, {
    configuration,
    data,
    host: '127.0.0.1',
    port: 0,
    executors,
    nodeFile: process.execPath,
  });
  test.teardown(() => server.close());
  return {
    ...server,
    folder,
    data,
    logged: context.logged,
    records: (event = 'start') =>
      existsSync(recordFile)
        ? readFileSync(recordFile, 'utf8')
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line) as RecordLine)
            .filter((line) => line.event === event)
        : [],
    client: async (rights = '*:read+build+stop', user = 'tester') =>
      rawClient(server.url, user, await addToken(data, user, parseRights(rights), systemClock)),
    restart: async (next = yaml) => {
      await server.close();
      return startServer(test, next, folder);
    },
  };
}

/** Asks until the answer is something, for at most that many milliseconds. */
export async function until<T>(ask: () => T | Promise<T>, limit = 15_000): Promise<NonNullable<T>> {
  for (const end = Date.now() + limit; ;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${limit} ms in vain`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface BuildJson {
  result: string | null;
  building: boolean;
  number: number;
  queueId: number;
  homeostat: unknown;
  actions: Record<string, unknown>[];
}

/** Waits for the end of a build and answers its JSON. */
export const ended = (client: AxiosInstance, job: string, number: number | string = 1, limit?: number) =>
  until(async () => {
    const { status, data } = await client.get<BuildJson>(`job/${job}/${number}/api/json`);
    return status === 200 && !data.building ? data : undefined;
  }, limit);

export const consoleOf = async (client: AxiosInstance, job: string, number: number | string = 1) =>
  (await client.get<string>(`job/${job}/${number}/consoleText`)).data;

/** Runs git in a folder and answers what it printed. */
export const git = (folder: string, ...args: string[]) =>
  execFileSync(
    'git',
    [
      '-c',
      'user.name=test',
      '-c',
      'user.email=test@example.org',
      '-c',
      'init.defaultBranch=main',
      '-c',
      'protocol.file.allow=always',
      '-C',
      folder,
      ...args,
    ],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  ).trim();

/** A bare repository with one commit on main, and a working copy of it. */
export function repositoryIn(folder: string, name = 'shop.git') {
  const bare = path.join(folder, name);
  const work = path.join(folder, `${name}.work`);
  git(folder, 'init', '--quiet', '--bare', bare);
  git(folder, 'clone', '--quiet', bare, work);
  const commit = (file: string, text: string, branch = 'main') => {
    writeFileSync(path.join(work, file), text);
    git(work, 'add', '--all');
    git(work, 'commit', '--quiet', '--message', `${file}: ${text}`);
    git(work, 'push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
    return git(work, 'rev-parse', 'HEAD');
  };
  return { bare, work, url: `file://${bare}`, commit, first: commit('version', '1') };
}
