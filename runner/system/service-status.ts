import { taskEvidence } from '../swarm/rollout';
import { imageOf, wantedReplicas, type Task } from '../swarm/types';
import type { ServiceWithStatus } from './checks/facts';

export interface Limits {
  minimum: number;
  maximum: number;
}

export interface ServiceStatus {
  name: string;
  image: string;
  mode: 'replicated' | 'global' | 'job';
  running: number;
  wanted: number;
  /** State of Swarm's own updater, where there was an update. */
  update?: string;
  limits?: Limits;
  healthy: boolean;
  problems: string[];
  /** The last error of a task, when there is a problem. */
  lastError?: { at: string; text: string };
}

/** Milliseconds for which a task that failed is told. */
const recently = 600_000;

const hasFailed = ({ Status }: Task) => Status.State === 'failed' || Status.State === 'rejected';

/** Judges one service by its spec and its tasks; pure. */
export function judgeService(
  service: ServiceWithStatus,
  allTasks: Task[],
  limits: Limits | undefined,
  now: Date,
): ServiceStatus {
  const { Spec, UpdateStatus } = service;
  const tasks = allTasks.filter((task) => task.ServiceID === service.ID);
  const alive = tasks.filter((task) => task.DesiredState === 'running');
  const mode = Spec.Mode.Replicated ? 'replicated' : Spec.Mode.Global ? 'global' : 'job';
  // Slots, not tasks: when a task fails in the middle of an update, Swarm may for long run two in one slot.
  const running = new Set(
    alive.filter((task) => task.Status.State === 'running').map((task) => task.Slot ?? task.NodeID ?? task.ID),
  ).size;
  const wanted = wantedReplicas(Spec) ?? service.ServiceStatus?.DesiredTasks ?? alive.length;
  const update = UpdateStatus?.State;
  const failures = tasks.filter(
    (task) => hasFailed(task) && now.getTime() - Date.parse(task.Status.Timestamp) <= recently,
  );
  const problems: string[] = [];
  // The tasks of a job end; that fewer run than are wanted is then no problem.
  if (mode !== 'job' && running < wanted) problems.push(`${running} of ${wanted} tasks run`);
  if (update === 'paused' || update?.startsWith('rollback'))
    problems.push(`Swarm stopped the update (${update})${UpdateStatus?.Message ? `: ${UpdateStatus.Message}` : ''}`);
  if (failures.length > 0)
    problems.push(
      `${failures.length === 1 ? 'a task' : `${failures.length} tasks`} failed in the last ${recently / 60_000} minutes`,
    );
  const lastError = problems.length > 0 ? newestError(tasks) : undefined;
  return {
    name: Spec.Name,
    image: imageOf(Spec),
    mode,
    running,
    wanted,
    ...(update ? { update } : {}),
    ...(limits ? { limits } : {}),
    healthy: problems.length === 0,
    problems,
    ...(lastError ? { lastError } : {}),
  };
}

function newestError(tasks: Task[]): ServiceStatus['lastError'] {
  const bad = tasks.filter((task) => hasFailed(task) || task.Status.Err);
  const [newest] = bad.sort((a, b) => Date.parse(b.Status.Timestamp) - Date.parse(a.Status.Timestamp));
  return newest && { at: newest.Status.Timestamp, text: taskEvidence([{ ...newest, upToDate: true }])[0]! };
}
