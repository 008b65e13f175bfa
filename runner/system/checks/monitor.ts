import { monitorProblems } from '../monitor-render';
import { readMonitor, type MonitorStatus } from '../monitor-status';
import { failed, ok, warning, type CheckDefinition, type Finding } from './check';

/** Whether Prometheus and Alertmanager answer and run what they should, everything is measured, and nothing fires. */
export const monitorCheck: CheckDefinition = {
  name: 'monitor',
  needs: 'manager',
  async look({ facts, context }) {
    return judgeMonitor(await readMonitor(facts.services ?? [], context));
  },
};

export function judgeMonitor(monitor: MonitorStatus | undefined): Finding {
  if (!monitor) return ok('there is none; `homeostat up` starts Prometheus and Alertmanager');
  if (monitor.problems.length > 0)
    return failed(
      monitor.problems.join('; '),
      'Look at its log: `docker service logs homeostat-monitor_prometheus` or `…_alertmanager`.',
    );
  const problems = monitorProblems(monitor);
  if (problems.length > 0) return warning(problems.join('; '), 'See `homeostat status` for the reasons.');
  return ok(`${monitor.targets.up} targets are measured, ${monitor.rules.length} alerts of services are watched`);
}
