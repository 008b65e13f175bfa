import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Context } from '../common/context';
import { errorDocument, fail, renderError, toHomeostatError, type HomeostatError } from '../common/errors';
import { printable } from '../common/log';
import { maskedJson } from '../common/mask';
import { didYouMean } from '../common/suggest';
import { camelCase, commonOptions, type Command } from './command';
import { commands } from './index';
import { layerValues } from './parse';

/**
 * Runs one command line: prints its result, writes the result file and answers with the exit code.
 * @param argv arguments after the program name
 */
export async function runCommandLine(argv: string[], context: Context): Promise<number> {
  let wantsJson = argv.includes('--json') || /^(true|1)$/.test(context.env.HOMEOSTAT_JSON ?? '');
  const wantsDebug = argv.includes('--debug');
  try {
    const name = argv[0];
    if (
      name === undefined ||
      name === '--help' ||
      name === 'help' ||
      name.startsWith('--get-yargs-completions') ||
      name === 'completion'
    ) {
      const { printOverview } = await import('./help');
      await printOverview(argv, context);
      return name === undefined ? 2 : 0;
    }
    const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!load) {
      fail('USAGE_INVALID', `unknown command '${name}'${didYouMean(name, Object.keys(commands))}`, {
        remedy: `Use one of: ${Object.keys(commands).join(', ')}.`,
      });
    }
    const command = (await load()).default;
    const flags = await parseFlags(command, argv, context);
    if (!flags) return 0;
    const values = layerValues(command, flags, context.env);
    wantsJson = values.json === true;
    const { result, summary } = await command.run(context, values);
    finish(context, wantsJson, result, summary);
    return 0;
  } catch (thrown) {
    return finishWithError(context, toHomeostatError(thrown), wantsJson, wantsDebug);
  }
}

async function parseFlags(command: Command, argv: string[], context: Context) {
  const { default: yargs } = await import('yargs/yargs');
  const positional = (command.positional ?? []).map((name) =>
    command.options[name]?.demandOption ? ` <${name}>` : ` [${name}]`,
  );
  const options = { ...command.options, ...commonOptions };
  const shown = Object.fromEntries(
    // Values are checked by layerValues, wherever they come from and as they were written.
    Object.entries(options).map(([name, { demandOption, choices, ...option }]) => [
      name,
      {
        ...option,
        ...(option.type === 'number' ? { type: 'string' as const } : {}),
        describe: `${option.describe}${choices ? `: ${choices.join(', ')}` : ''}${demandOption ? ' (required)' : ''}`,
      },
    ]),
  );
  const parser = yargs()
    .scriptName('homeostat')
    .usage(`homeostat ${command.name}${positional.join('')}\n\n${command.describe}`)
    .options(
      Object.fromEntries(
        Object.entries(shown).map(([name, option]) => [
          name,
          name in commonOptions ? { ...option, group: 'Common:' } : option,
        ]),
      ),
    )
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'greedy-arrays': false,
      'dot-notation': false,
      'boolean-negation': false,
    })
    .exitProcess(false)
    .help(true)
    .version(false)
    .locale('en')
    .wrap(Math.min(120, context.stdout.columns ?? 100))
    .epilogue('Exit codes and errors: docs/errors.md');
  for (const [line, explanation] of command.examples) parser.example(line, explanation);
  let helped = false;
  let problem: string | undefined;

  const parsing = parser.fail(false).parseAsync(argv, {}, (error, _args, output) => {
    if (error) problem = error.message;
    else if (output) {
      helped = true;
      context.stdout.write(`${output}\n`);
    }
  });
  const parsed: Record<string, unknown> = await parsing.catch((error: Error) => fail('USAGE_INVALID', error.message));
  if (problem) fail('USAGE_INVALID', problem);
  if (helped) return undefined;
  return withoutDefaults(parsed, options, argv);
}

/** yargs fills in defaults; they must not win over the environment, so only what was written stays. */
function withoutDefaults(
  parsed: Record<string, unknown>,
  options: Record<string, { default?: unknown }>,
  argv: string[],
) {
  const flags = { ...parsed };
  for (const [name, option] of Object.entries(options)) {
    const written = argv.some(
      (word) =>
        word === `--${name}` ||
        word.startsWith(`--${name}=`) ||
        word === `--${camelCase(name)}` ||
        word.startsWith(`--${camelCase(name)}=`),
    );
    if (option.default !== undefined && !written) {
      delete flags[name];
      delete flags[camelCase(name)];
    }
  }
  return flags;
}

function finish(context: Context, json: boolean, result: object, summary: string): void {
  const document = maskedJson(context.masker, result);
  writeResult(context, document);
  context.stdout.write(json ? `${document}\n` : summary === '' ? '' : `${printable(context.masker(summary))}\n`);
}

function finishWithError(context: Context, error: HomeostatError, json: boolean, debug: boolean): number {
  const document = maskedJson(context.masker, errorDocument(error));
  writeResult(context, document);
  if (json) context.stdout.write(`${document}\n`);
  context.stderr.write(`${context.masker(renderError(error))}\n`);
  if (debug || error.code === 'INTERNAL') context.log.debug(error.stack ?? error.message);
  return error.exit;
}

/** Puts the document into its place whole: who reads it never finds half of it. */
function writeResult(context: Context, document: string): void {
  if (!context.env.HOMEOSTAT_RESULT) return;
  const file = path.resolve(context.cwd, context.env.HOMEOSTAT_RESULT);
  const part = `${file}.${randomUUID()}.part`;
  try {
    const there = lstatSync(file, { throwIfNoEntry: false });
    // A device, a pipe or a link is written to, not replaced.
    if (there && !there.isFile()) return writeFileSync(file, `${document}\n`);
    writeFileSync(part, `${document}\n`, { mode: 0o600 });
    renameSync(part, file);
  } catch (error) {
    if (existsSync(part)) rmSync(part);
    context.log.warn(`the result could not be written to ${file}: ${(error as Error).message}`);
  }
}
