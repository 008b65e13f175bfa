import { printable } from '../common/log';
import { formatAge } from './format-age';
import { alertLines, alertRows, engineRows, targetLines } from './monitor-render';
import { certificateRows, doorLines, proxyRows } from './door-render';
import type { ServiceStatus } from './service-status';
import type { NodeStatus, StackStatus, Status } from './status';

/** The status as a person reads it. */
export function renderStatus(status: Status): string {
  const blocks = [
    block('nodes', columns(status.nodes.map(nodeRow))),
    ...status.stacks.map((stack) => stackBlock(stack, status)),
    status.stacks.length === 0 ? 'no stack runs' : '',
    ...status.system.map((stack) => stackBlock(stack, status)),
    block('proxies', columns(proxyRows(status.door))),
    block('certificates', columns(certificateRows(status.door))),
    block('monitor', [...columns(engineRows(status.monitor)), ...targetLines(status.monitor)]),
    block('alerts', columns(alertRows(status.monitor, new Date(status.at)))),
    block('controller', status.door?.problem ? [status.door.problem] : []),
    block(
      'candidates under test',
      columns(status.candidates.map(({ name, running, wanted }) => [name, `${running}/${wanted}`])),
    ),
    block(
      'rollouts',
      status.rollouts.map(
        ({ stack, running, settled, problem }) =>
          `${settled ?? `${stack}: ${running ? `going on, ${running}` : `could not be settled: ${problem}`}`}`,
      ),
    ),
  ];
  const text = blocks.filter(Boolean).join('\n\n');
  return text
    .split('\n')
    .map((line) => printable(line).trimEnd())
    .join('\n');
}

const block = (title: string, lines: string[]): string =>
  lines.length === 0 ? '' : [title, ...lines.map((line) => `  ${line}`)].join('\n');

const sign = (healthy: boolean) => (healthy ? '✔' : '!');

function stackBlock({ name, release, services }: StackStatus, { door, monitor }: Status): string {
  const told = release
    ? `release ${release.number}, ${formatAge(release.ageSeconds)} ago (${release.kind} by ${release.by}${release.revision ? ` of ${release.revision.slice(0, 12)}` : ''})`
    : 'no release';
  const rows = columns(services.map(serviceRow));
  const lines = services.flatMap((service, index) => [
    rows[index]!,
    ...[...serviceProblems(service), ...doorLines(door, service.name), ...alertLines(monitor, service.name)].map(
      (line) => `    ${line}`,
    ),
  ]);
  return block(name.startsWith('homeostat-') ? name : `${name}  ${told}`, lines);
}

function serviceRow(service: ServiceStatus): string[] {
  const { mode, limits, update } = service;
  const extra = [
    mode === 'replicated' ? '' : mode,
    limits ? `limits ${limits.minimum} to ${limits.maximum}` : '',
    update && update !== 'completed' ? update.replaceAll('_', ' ') : '',
  ];
  return [
    `${sign(service.healthy)} ${service.name}`,
    `${service.running}/${service.wanted}`,
    shortImage(service.image),
    extra.filter(Boolean).join(', '),
  ];
}

const serviceProblems = ({ problems, lastError }: ServiceStatus): string[] =>
  [...problems, ...(lastError ? [`last error at ${lastError.at.slice(0, 19)}Z: ${lastError.text}`] : [])].map((line) =>
    line.replaceAll('\n', ' '),
  );

const nodeRow = (node: NodeStatus): string[] => [
  `${sign(node.healthy)} ${node.name}`,
  node.role,
  node.availability === 'active' ? node.state : `${node.state}, ${node.availability}`,
  node.address ?? '',
  node.engine ? `Docker ${node.engine}` : '',
  node.message ?? '',
];

/** Rows with their columns under each other. */
function columns(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_cell, index) => Math.max(...rows.map((row) => row[index]!.length)));
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join('  ')
      .trimEnd(),
  );
}

/** An image with only the begin of its digest, beside which the tag says nothing; or the begin of an image's id. */
export function shortImage(image: string): string {
  return image
    .replace(/^(.+?)(?::[^:/@]+)?@sha256:([0-9a-f]{12})[0-9a-f]*$/, '$1@$2')
    .replace(/^(sha256:[0-9a-f]{12})[0-9a-f]*$/, 'image $1');
}
