import type { Context } from '../common/context';
import { commands } from './index';

/** Prints the list of commands, or completes a command line for the shell. */
export async function printOverview(argv: string[], context: Context): Promise<void> {
  const { default: yargs } = await import('yargs/yargs');
  const parser = yargs()
    .scriptName('homeostat')
    .usage('homeostat <command> [options]')
    .locale('en')
    .exitProcess(false)
    .version(false)
    .wrap(100);
  for (const load of Object.values(commands)) {
    const { default: command } = await load();
    parser.command(command.name, command.describe, (builder) => builder.options(command.options));
  }
  parser
    .completion('completion', 'Print a completion script for the shell')
    .epilogue('homeostat <command> --help shows options and examples.');
  const completing = argv[0]?.startsWith('--get-yargs-completions') || argv[0] === 'completion';
  await parser.parseAsync(completing ? argv : ['--help'], {}, (_error, _args, output) => {
    if (output) context.stdout.write(`${output}\n`);
  });
}
