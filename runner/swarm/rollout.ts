import { imageOf, wantedReplicas, type Service } from './types';
import type { ObservedTask } from './services';

/** A service as it is to be after the rollout. */
export interface Target {
  /** Name of the service in the Swarm. */
  service: string;
  /** The image its tasks must run; undefined leaves it to the stack file. */
  image?: string;
}

/** What was seen of one service at one moment. */
export interface ServiceView {
  target: Target;
  /** Time of the Swarm at which the rollout began; what ended before it does not count. */
  since: string;
  /** Undefined when the service is gone. */
  service: Service | undefined;
  tasks: ObservedTask[];
}

export interface Memory {
  /** Ids of failed tasks that do not count any more: they failed before the service had converged. */
  forgiven: Set<string>;
  /** Whether the service has converged before. */
  converged: boolean;
}

export type Verdict =
  | { state: 'progressing'; detail: string }
  | { state: 'converged' }
  | { state: 'failed'; reason: string; evidence: string[] }
  | { state: 'interfered'; reason: string };

const ended = new Set(['failed', 'rejected', 'complete']);
/** New tasks that may fail before a rollout that Swarm itself has not stopped yet counts as bad. */
const failuresAllowed = 2;

/**
 * Judges one service in a rollout by what was seen of it: pure, so that every case can be tested. A service has
 * converged when each wanted task runs, is one of the present spec, and has the image that was asked for.
 */
export function judge(view: ServiceView, memory: Memory): Verdict {
  const { service, target } = view;
  if (!service)
    return { state: 'interfered', reason: `the service ${target.service} was removed while it was being deployed` };
  const update = service.UpdateStatus?.State ?? '';
  const oneShot = endsByItself(service);
  const bad = (task: ObservedTask) =>
    ended.has(task.Status.State) &&
    !(oneShot && task.Status.State === 'complete') &&
    Date.parse(task.Status.Timestamp) >= Date.parse(view.since);
  const failures = view.tasks.filter((task) => task.upToDate && bad(task) && !memory.forgiven.has(task.ID));
  if (update === 'paused' || update.startsWith('rollback')) {
    const evidence = taskEvidence(failures.length > 0 ? failures : view.tasks.filter(bad));
    return {
      state: 'failed',
      reason: `${target.service}: Swarm stopped the update (${update}): ${service.UpdateStatus?.Message ?? ''}`,
      evidence,
    };
  }
  if (target.image && imageOf(service.Spec) !== target.image) {
    return {
      state: 'interfered',
      reason: `${target.service} was changed to ${imageOf(service.Spec)} while it was being deployed`,
    };
  }
  if (failures.length > (memory.converged ? 0 : failuresAllowed)) {
    const reason = memory.converged ? 'a task fell over after the rollout' : `${failures.length} tasks failed to start`;
    return { state: 'failed', reason: `${target.service}: ${reason}`, evidence: taskEvidence(failures) };
  }
  const alive = view.tasks.filter(
    (task) => task.DesiredState === 'running' || (oneShot && task.upToDate && task.Status.State === 'complete'),
  );
  const done = (task: ObservedTask) => task.Status.State === 'running' || (oneShot && task.Status.State === 'complete');
  const running = alive.filter(
    (task) => task.upToDate && done(task) && (!target.image || task.Spec.ContainerSpec?.Image === target.image),
  );
  const waiting = alive.filter((task) => !running.includes(task));
  const wanted = wantedTasks(service);
  // Slots, not tasks: when a task fails in the middle of an update, Swarm may for long run two in one slot.
  const slots = new Set(running.map((task) => task.Slot ?? task.ID)).size;
  const enough = wanted === undefined ? alive.length > 0 : oneShot ? slots >= wanted : slots === wanted;
  if (!enough || waiting.length > 0) {
    const pending = waiting.find((task) => task.Status.Err)?.Status.Err;
    return {
      state: 'progressing',
      detail: `${target.service}: ${slots} of ${wanted ?? alive.length} tasks run the new release${pending ? ` (${pending})` : ''}`,
    };
  }
  return { state: 'converged' };
}

/** A service whose tasks may end well: a job, or one that is not restarted after success. */
function endsByItself({ Spec }: Service): boolean {
  const condition = (Spec.TaskTemplate.RestartPolicy as { Condition?: string } | undefined)?.Condition;
  return Boolean(Spec.Mode.ReplicatedJob ?? Spec.Mode.GlobalJob) || condition === 'none' || condition === 'on-failure';
}

/** Tasks that have to run, or to have ended well; undefined where the number of nodes decides. */
function wantedTasks({ Spec }: Service): number | undefined {
  const job = Spec.Mode.ReplicatedJob;
  return job ? (job.TotalCompletions ?? job.MaxConcurrent ?? 1) : wantedReplicas(Spec);
}

/** Swarm's own updater has nothing more to do, so it will not roll back later. */
export const updateSettled = (service: Service | undefined): boolean =>
  !service?.UpdateStatus?.State || service.UpdateStatus.State === 'completed';

/** One line for each distinct task error. */
export function taskEvidence(tasks: ObservedTask[]): string[] {
  const lines = tasks.map(
    (task) =>
      `task ${task.ID.slice(0, 12)}${task.Slot ? ` (slot ${task.Slot})` : ''} ${task.Status.State}: ${task.Status.Err || `exit code ${task.Status.ContainerStatus?.ExitCode ?? '?'}`}`,
  );
  return [...new Set(lines)].slice(0, 5);
}

/** What to remember after a look: failures before convergence are forgiven once, at convergence. */
export function remember(view: ServiceView, verdict: Verdict, memory: Memory): Memory {
  if (verdict.state !== 'converged' || memory.converged) return memory;
  return {
    converged: true,
    forgiven: new Set(view.tasks.filter((task) => ended.has(task.Status.State)).map((task) => task.ID)),
  };
}

export const noMemory: Memory = { converged: false, forgiven: new Set() };
