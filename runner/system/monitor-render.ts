import { formatAge } from './format-age';
import type { ActiveAlert, MonitorEngine, MonitorStatus } from './monitor-status';

const titles: Record<string, string> = { prometheus: 'Prometheus', alertmanager: 'Alertmanager' };
const shown = 10;

/** Prometheus and Alertmanager as rows of cells. */
export function engineRows(monitor: MonitorStatus | undefined): string[][] {
  return (monitor?.engines ?? []).map((engine) => [
    `${engineProblem(engine) === undefined ? '✔' : '!'} ${titles[engine.engine] ?? engine.engine} ${engine.engineVersion}`,
    engine.running ? `revision ${engine.running.slice(0, 8)}` : 'nothing loaded yet',
    engineProblem(engine) ?? '',
  ]);
}

function engineProblem({ refused, problem, behind }: MonitorEngine): string | undefined {
  if (refused) return `refused ${refused.revision.slice(0, 8)}: ${firstLine(refused.message)}`;
  return problem === undefined ? (behind ? 'behind' : undefined) : firstLine(problem);
}

const firstLine = (text: string) => text.split('\n')[0]!;

/** How many targets are measured, which are not, and what could not be asked. */
export function targetLines(monitor: MonitorStatus | undefined): string[] {
  if (!monitor) return [];
  const { problems, targets } = monitor;
  const { up, down } = targets;
  return [
    ...problems,
    ...(up + down.length > 0 ? [`${up} of ${up + down.length} targets are measured`] : []),
    ...down.slice(0, shown).map(({ job, instance, error }) => `! ${job} at ${instance}: ${firstLine(error)}`),
    ...(down.length > shown ? [`and ${down.length - shown} more`] : []),
  ];
}

/** Alerts that fire or soon will, as rows of cells. */
export function alertRows(monitor: MonitorStatus | undefined, now: Date): string[][] {
  return (monitor?.alerts ?? []).map((alert) => [
    `${needsSomebody(alert) ? '!' : '·'} ${alert.name}`,
    alert.state,
    `for ${formatAge(Math.max(0, (now.getTime() - Date.parse(alert.since)) / 1000))}`,
    alert.silenced ? 'held back' : alert.to.length > 0 ? `→ ${alert.to.join(' and ')}` : '',
    alert.summary,
  ]);
}

/** Where the alerts of one service go, as a line below its row. */
export function alertLines(monitor: MonitorStatus | undefined, service: string): string[] {
  const rules = (monitor?.rules ?? []).filter((rule) => rule.service === service);
  if (rules.length === 0) return [];
  const told = rules.slice(0, shown).map(({ name, to }) => `${name} → ${to.join(' and ') || 'not known'}`);
  return [`alerts: ${told.join('; ')}${rules.length > shown ? ` and ${rules.length - shown} more` : ''}`];
}

/** Scaling is the machine's own business, and what is silenced somebody knows. */
const needsSomebody = ({ state, silenced, scales, severity }: ActiveAlert) =>
  state === 'firing' && !silenced && severity !== 'info' && (!scales || severity === 'critical');

/** What of the monitor is not well, and what it says is not, in words. */
export function monitorProblems(monitor: MonitorStatus | undefined): string[] {
  if (!monitor) return [];
  const { problems, engines, targets, alerts } = monitor;
  const firing = [...new Set(alerts.filter(needsSomebody).map(({ name }) => name))];
  const down = [...new Set(targets.down.map(({ job }) => job))];
  return [
    ...problems,
    ...engines.flatMap((engine) => {
      const problem = engineProblem(engine);
      return problem === undefined ? [] : [`${titles[engine.engine] ?? engine.engine}: ${problem}`];
    }),
    ...(down.length > 0 ? [`not measured: ${down.join(', ')}`] : []),
    ...(firing.length > 0 ? [`firing: ${firing.join(', ')}`] : []),
  ];
}
