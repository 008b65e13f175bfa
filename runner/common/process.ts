import { spawn } from 'node:child_process';
import { fail, messageOf } from './errors';
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
 * Runs a program without a shell, so that no argument is ever parsed by one.
 * @throws CLI_MISSING when the program is not installed
 */
export function run(program: string, args: string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.signal ? { signal: options.signal, killSignal: 'SIGTERM' as const } : {}),
      ...(options.timeout ? { timeout: options.timeout, killSignal: 'SIGKILL' as const } : {}),
    });
    let stdout = '';
    let stderr = '';
    const append = (text: string, more: string) => {
      const all = text + more;
      return all.length <= 2 * keep ? all : `${all.slice(0, keep)}\n…\n${all.slice(-keep + 3)}`;
    };
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
      if (options.signal?.aborted) return reject(options.signal.reason as Error);
      if (error.code !== 'ENOENT') return reject(error);
      try {
        fail('CLI_MISSING', `the program '${program}' is not installed`, { cause: messageOf(error) });
      } catch (missing) {
        reject(missing as Error);
      }
    });
    child.on('close', (code, signal) => {
      if (options.signal?.aborted) reject(options.signal.reason as Error);
      else resolve({ code: code ?? (signal ? 128 : 1), stdout, stderr });
    });
  });
}
