import { fail } from '../common/errors';
import { printable } from '../common/log';
import { defaultLabelSettings, type Destination, type ServiceDescription } from '../labels/description';
import type { Lint, LintedService } from '../pipeline/lint-labels';
import type { StackProblem } from '../pipeline/written-labels';
import type { Command } from './command';
import { flag, list, text } from './shared';

const command: Command = {
  name: 'labels',
  describe: 'Check the labels of stack files, without a Swarm: what they mean, and what is wrong with them',
  examples: [
    ['homeostat labels stack.yml', 'Routes, metrics, alerts and limits of each service, and every problem'],
    ['TAG=1 homeostat labels stacks/*.yml --json', 'Variables come from the environment; everything as JSON'],
  ],
  positional: ['files'],
  options: {
    files: { type: 'array', describe: 'Stack files', demandOption: true },
    prefix: { type: 'string', describe: 'What the labels begin with', default: defaultLabelSettings.prefix },
    'notify-label': { type: 'string', describe: 'Label by which a service takes part (default: PREFIXnotify)' },
    separator: { type: 'string', describe: 'Between the items of a list', default: defaultLabelSettings.separator },
  },
  async run(context, values) {
    const { lintLabels, problemLine } = await import('../pipeline/lint-labels');
    const files = list(values, 'files');
    const prefix = text(values, 'prefix')!;
    const settings = {
      ...defaultLabelSettings,
      prefix,
      notifyLabel: text(values, 'notifyLabel') ?? `${prefix}notify`,
      separator: text(values, 'separator')!,
    };
    const lint = await lintLabels([...new Set(files)], settings, context);
    const errors = lint.problems.filter(({ severity }) => severity === 'error');
    if (errors.length === 0) return { result: lint, summary: renderLint(lint, problemLine) };
    if (!flag(values, 'json')) context.stdout.write(`${printable(context.masker(renderLint(lint, problemLine)))}\n`);
    return fail('LABELS_INVALID', `${count(errors.length, 'error')} in the labels of ${count(files.length, 'file')}`, {
      evidence: errors.map(problemLine),
      data: { ...lint },
    });
  },
};

export default command;

/** What the labels mean, service by service, and all problems below. */
function renderLint({ services, problems, errors, warnings }: Lint, lineOf: (problem: StackProblem) => string): string {
  const taking = services.filter(({ takesPart }) => takesPart);
  const blocks = taking.map((service) => [heading(service), ...columns(rowsOf(service.description))].join('\n'));
  const told = problems.map(lineOf).join('\n');
  const figures = `${count(services.length, 'service')} (${taking.length} for the proxy or the monitor), ${count(errors, 'error')}, ${count(warnings, 'warning')}`;
  return [...blocks, told, figures].filter(Boolean).join('\n\n');
}

const heading = ({ name, file, line, description }: LintedService) =>
  `${name}  ${file}:${line}${description ? '' : '  left out, for a label is wrong'}`;

function rowsOf(description: ServiceDescription | undefined): string[][] {
  if (!description) return [];
  const { destinations, scrape, alerts, scale, certificate } = description;
  return [
    ...destinations.map((each) => ['route', whence(each), `→ ${whither(each)}`, rules(each)]),
    ...(certificate ? [['certificate', certificate.hosts.join(', '), '', certificate.testing ? 'testing' : '']] : []),
    ...(scrape
      ? [['metrics', `:${scrape.port}${scrape.path}`, '', scrape.interval ? `every ${seconds(scrape.interval)}` : '']]
      : []),
    ...alerts.map(({ name, condition, for: time }) => ['alert', name, time ? `for ${time}` : '', condition]),
    ...(scale ? [['replicas', `${scale.minimum} to ${scale.maximum}`, '', paused(scale.paused)]] : []),
  ];
}

function whence({ mode, domains, paths, sourcePort }: Destination): string {
  const names = domains.map(({ match, value }) =>
    match === 'suffix' ? `*${value}` : match === 'exact' ? value : `${match} ${value}`,
  );
  const where = `${names.join(', ')}${sourcePort === undefined ? '' : `:${sourcePort}`}`;
  if (mode !== 'http') return `${mode} ${where}`;
  return `${where || 'any domain'} ${paths.join(', ')}`;
}

const whither = ({ port, httpsPort, outboundHost }: Destination) =>
  `${outboundHost ?? ''}:${[port, httpsPort && `${httpsPort} (TLS)`].filter(Boolean).join(' and ')}`;

const rules = ({ httpsOnly, denyHttp, maintenance, allowFrom, rateLimit, verifyClient }: Destination) =>
  [
    httpsOnly ? 'HTTPS only' : '',
    denyHttp ? 'no plain HTTP' : '',
    verifyClient ? 'with client certificate' : '',
    allowFrom.length > 0 ? `from ${allowFrom.join(', ')}` : '',
    rateLimit ? `at most ${rateLimit.requests} in ${seconds(rateLimit.period)}` : '',
    maintenance ? 'maintenance' : '',
  ]
    .filter(Boolean)
    .join(', ');

const paused = (direction: string) => (direction === 'none' ? '' : direction === 'all' ? 'paused' : `not ${direction}`);

const seconds = (milliseconds: number) => `${milliseconds / 1000}s`;

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`;

function columns(rows: string[][]): string[] {
  const widths = [0, 1, 2].map((index) => Math.min(60, Math.max(0, ...rows.map((row) => row[index]!.length))));
  return rows.map((row) => `  ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')}`.trimEnd());
}
