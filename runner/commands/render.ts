import path from 'node:path';
import type { Context } from '../common/context';
import type { Command } from './command';
import { list, text } from './shared';

interface Rendered {
  files: Record<string, string>;
  /** What is printed where no folder is named. */
  main: string;
  /** What the files are for, counted. */
  contents: string;
  /** More for the result. */
  more: object;
}

const engines = {
  async haproxy(files: string[], context: Context): Promise<Rendered> {
    const { renderStacks } = await import('../pipeline/render-proxy');
    const { routes, refusals, files: rendered } = await renderStacks(files, context);
    return {
      files: rendered,
      main: rendered['haproxy.cfg']!,
      contents: `${routes.length} routes`,
      more: { routes, refusals },
    };
  },
  async prometheus(files: string[], context: Context): Promise<Rendered> {
    const { renderMonitorStacks } = await import('../pipeline/render-monitor');
    const { alerts, refusals, files: rendered } = await renderMonitorStacks(files, context);
    return {
      files: rendered,
      main: rendered['prometheus.yml']!,
      contents: `${alerts.length} alerts`,
      more: { alerts, refusals },
    };
  },
  async alertmanager(files: string[], context: Context): Promise<Rendered> {
    const { renderAlertingStacks } = await import('../pipeline/render-alerting');
    const { files: rendered, refusals, destinations } = await renderAlertingStacks(files, context);
    return {
      files: rendered,
      main: rendered['alertmanager.yml']!,
      contents: `${Object.keys(destinations).length} receivers`,
      more: { refusals, destinations },
    };
  },
  /** The rules alone. */
  async rules(files: string[], context: Context): Promise<Rendered> {
    const { files: rendered, ...others } = await engines.prometheus(files, context);
    const rules = Object.entries(rendered).flatMap(([name, rule]): [string, string][] =>
      name.startsWith('rules/') ? [[name.slice('rules/'.length), rule]] : [],
    );
    const main = rules.map(([name, rule]) => `# ${name}\n${rule}`).join('---\n');
    return { ...others, files: Object.fromEntries(rules), main };
  },
};

const command: Command = {
  name: 'render',
  describe: 'Show the configuration that stack files would give, without a Swarm; passwords and keys are left out',
  examples: [
    ['homeostat render haproxy -f stack.yml', 'HAProxy’s configuration on standard output'],
    [
      'homeostat render haproxy -f a.yml -f b.yml --output proxy',
      'With its map files, for haproxy -c -f proxy/haproxy.cfg',
    ],
    ['homeostat render prometheus -f stack.yml --output monitor', 'For promtool check config monitor/prometheus.yml'],
    ['homeostat render rules -f stack.yml', 'The rules that the alerts become, each service in a file of its own'],
    [
      'homeostat render alertmanager -f stack.yml --output alerting',
      'For amtool check-config alerting/alertmanager.yml',
    ],
  ],
  positional: ['engine'],
  options: {
    engine: { type: 'string', choices: Object.keys(engines), demandOption: true, describe: 'Whose configuration' },
    file: { type: 'array', alias: 'f', demandOption: true, describe: 'Stack file; may be given several times' },
    output: { type: 'string', describe: 'Folder to write all files to; it must be new, empty or from before' },
  },
  async run(context, values) {
    const engine = String(values.engine) as keyof typeof engines;
    const output = text(values, 'output');
    const { files, main, contents, more } = await engines[engine]([...new Set(list(values, 'file'))], context);
    const result = { files: Object.keys(files), ...more };
    if (output === undefined) return { result: { ...result, files }, summary: main.trimEnd() };
    const { writeFolder } = await import('../common/output-folder');
    const folder = path.resolve(context.cwd, output);
    await writeFolder(folder, files);
    return { result: { ...result, folder }, summary: `${result.files.length} files for ${contents} in ${output}` };
  },
};

export default command;
