import type { Options } from 'yargs';
import type { Context } from '../common/context';

/** Values after layering environment, HOMEOSTAT_PARAMETERS and flags; names in camelCase. */
export type Values = Record<string, unknown>;

export interface CommandResult {
  /** What --json prints and the result file holds. */
  result: object;
  /** What a person reads on standard output. */
  summary: string;
}

/** One command of the runner. Heavy modules are imported inside `run`, so that starting stays fast. */
export interface Command {
  name: string;
  describe: string;
  /** Lines of `command` and explanation for --help. */
  examples: [string, string][];
  options: Record<string, Options>;
  /** Names of positional arguments, in order; each is also an option. */
  positional?: string[];
  run(context: Context, values: Values): Promise<CommandResult>;
}

/** Options that every command has. */
export const commonOptions: Record<string, Options> = {
  json: { type: 'boolean', describe: 'Print the result as JSON on standard output' },
  debug: { type: 'boolean', describe: 'Say more, with stack traces' },
};

export const dryRunOption: Record<string, Options> = {
  'dry-run': { type: 'boolean', describe: 'Print the plan and change nothing' },
};

export const configOption: Record<string, Options> = {
  config: { type: 'string', describe: 'Path of homeostat.yml', default: 'homeostat.yml' },
};

/** `some-name` as `someName`. */
export const camelCase = (name: string) => name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
/** `someName` as `some-name`. */
export const kebabCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
