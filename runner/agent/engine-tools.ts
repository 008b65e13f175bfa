import type { Context } from '../common/context';
import { fail } from '../common/errors';
import { run } from '../common/process';
import { Refusal } from './engine';

const versionLimit = 10_000;

/** The version that an engine's program names, such as 3.0.11. @throws CLI_MISSING */
export async function versionOf(program: string, flag: string, { env, signal }: Context): Promise<string> {
  const { stdout, stderr } = await run(program, [flag], { env, signal, timeout: versionLimit });
  return (
    /version (\d+\.\d+\.\d+)/.exec(stdout + stderr)?.[1] ??
    fail('CLI_MISSING', `'${program} ${flag}' names no version`, { cause: stdout.slice(0, 200) })
  );
}

/** A program that looks at a configuration before its engine gets it. */
export interface Checker {
  /** As it is written in messages: `amtool check-config`. */
  title: string;
  program: string;
  args: string[];
  /** Milliseconds after which it counts as hung. */
  limit: number;
  /** What of its words is the complaint. */
  complaint(stdout: string, stderr: string): string;
}

/** @throws Refusal with the checker's words, Error where it hung */
export async function checkWith(checker: Checker, { clock, env, signal }: Context): Promise<void> {
  const { title, program, args, limit, complaint } = checker;
  const start = clock.monotonic();
  const { code, stdout, stderr } = await run(program, args, { env, signal, timeout: limit });
  if (code === 0) return;
  if (clock.monotonic() - start >= limit) throw new Error(`'${title}' did not end within ${limit / 1000} s`);
  throw new Refusal(complaint(stdout, stderr) || `'${title}' ended with exit code ${code}`);
}
