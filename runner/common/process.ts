import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { kill } from 'node:process';
import { HomeostatError, messageOf } from './errors';
import type { Environment } from './context';

export interface RunOptions {
  env: Environment;
  cwd?: string | undefined;
  /** Text for standard input. */
  input?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds after which the program is killed. */
  timeout?: number | undefined;
  onOutput?: ((text: string) => void) | undefined;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Most text kept of each stream of a program; the middle of longer output is dropped. */
const keep = 256 * 1024;

/**
 * Runs a program without a shell, so that no argument is ever parsed by one. What it started itself ends with it when
 * it is stopped or its time is up.
 * @throws CLI_MISSING when the program is not installed or cannot be run
 */
export function run(program: string, args: string[], options: RunOptions): Promise<RunResult> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: a script that is killed alone leaves what it started, with the pipes open.
      detached: true,
    });
    const stop = (how: NodeJS.Signals) => () => signalGroup(child, how);
    const terminate = stop('SIGTERM');
    const timer = options.timeout ? setTimeout(stop('SIGKILL'), options.timeout) : undefined;
    signal?.addEventListener('abort', terminate, { once: true });
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', terminate);
    };
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = append(stdout, text);
      options.onOutput?.(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = append(stderr, text);
      options.onOutput?.(text);
    });
    child.stdin.on('error', () => undefined).end(options.input ?? '');
    child.on('error', (error: NodeJS.ErrnoException) => {
      settle();
      reject(startError(program, options.cwd, error));
    });
    child.on('close', (code, killed) => {
      settle();
      if (signal?.aborted) reject(signal.reason as Error);
      else resolve({ code: code ?? (killed ? 128 : 1), stdout, stderr });
    });
  });
}

function append(text: string, more: string): string {
  const all = text + more;
  return all.length <= 2 * keep ? all : `${all.slice(0, keep)}\n…\n${all.slice(-keep + 3)}`;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

function startError(program: string, cwd: string | undefined, error: NodeJS.ErrnoException): Error {
  const cause = messageOf(error);
  // The system says ENOENT of a missing folder too.
  if (error.code === 'ENOENT' && cwd !== undefined && !existsSync(cwd))
    return new HomeostatError('CLI_MISSING', `the program '${program}' cannot be run in ${cwd}`, {
      cause: 'there is no such folder',
      remedy: 'Create the folder, or name another one.',
    });
  if (error.code === 'ENOENT')
    return new HomeostatError('CLI_MISSING', `the program '${program}' is not installed`, { cause });
  return new HomeostatError('CLI_MISSING', `the program '${program}' cannot be run`, { cause });
}
