import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { HomeostatError } from '../common/errors';
import { judge, noMemory, remember, updateSettled, type Memory, type ServiceView, type Target } from './rollout';
import { findService, listTasks, type ObservedTask } from './services';
import type { Service } from './types';

export interface WatchOptions {
  targets: Target[];
  /** Time of the Swarm at which the rollout began. */
  since: string;
  /** Milliseconds from now until the rollout has to have converged. */
  deadline: number;
  /** Milliseconds that it then has to stay good. */
  monitor: number;
  signal: AbortSignal;
  /** Whether Swarm's own updater has to have ended too (default: yes). */
  settled?: boolean;
}

export type Outcome =
  | { outcome: 'good'; services: Service[]; convergedAfter: number }
  | { outcome: 'failed'; reason: string; evidence: string[] }
  | { outcome: 'deadline'; reason: string; evidence: string[] }
  | { outcome: 'interfered'; reason: string };

const interval = 200;

const awayNotice = 'the Docker Engine does not answer; watching goes on when it does, until the deadline';
/** An Engine that is restarted in the middle of a rollout comes back; what it runs is judged then. */
const isAway = (error: unknown) => error instanceof HomeostatError && error.code === 'ENGINE_UNREACHABLE';

/** Follows a rollout task by task until it stayed good for the monitor window, failed, was interfered with, or ran out of time. */
export async function watchRollout(engine: Engine, options: WatchOptions, context: Context): Promise<Outcome> {
  const { clock, log } = context;
  const start = clock.monotonic();
  const memories = new Map<string, Memory>();
  let goodSince: number | undefined;
  let convergedAfter = 0;
  let told = '';
  for (;;) {
    const views = await look(engine, options, context).catch((error: unknown) => {
      if (!isAway(error) || clock.monotonic() - start >= options.deadline) throw error;
      if (told !== awayNotice) log.warn(awayNotice);
      told = awayNotice;
      return undefined;
    });
    if (!views) {
      goodSince = undefined;
      await clock.sleep(interval, options.signal);
      continue;
    }
    const verdicts = views.map((view) => {
      const memory = memories.get(view.target.service) ?? noMemory;
      const verdict = judge(view, memory);
      memories.set(view.target.service, remember(view, verdict, memory));
      return verdict;
    });
    for (const verdict of verdicts) {
      if (verdict.state === 'interfered') return { outcome: 'interfered', reason: verdict.reason };
      if (verdict.state === 'failed') return { outcome: 'failed', reason: verdict.reason, evidence: verdict.evidence };
    }
    const progressing = verdicts.flatMap((verdict) => (verdict.state === 'progressing' ? [verdict.detail] : []));
    const now = clock.monotonic();
    if (progressing.length === 0) {
      if (goodSince === undefined) {
        goodSince = now;
        convergedAfter = now - start;
        log.info(`all tasks run the new release; watching for ${options.monitor / 1000} s`);
      }
      if (
        now - goodSince >= options.monitor &&
        (options.settled === false || views.every((view) => updateSettled(view.service)))
      ) {
        return { outcome: 'good', services: views.map((view) => view.service!), convergedAfter };
      }
    } else {
      // A task that went away (node lost, scaled by somebody) is waited for; the window starts again.
      goodSince = undefined;
      const detail = progressing.join('; ');
      if (detail !== told) log.info(detail);
      told = detail;
    }
    if (now - start >= options.deadline + (goodSince === undefined ? 0 : options.monitor)) {
      return {
        outcome: 'deadline',
        reason: `not converged after ${Math.round((now - start) / 1000)} s: ${progressing.join('; ') || 'Swarm still updates'}`,
        evidence: pendingEvidence(views),
      };
    }
    await clock.sleep(interval, options.signal);
  }
}

async function look(engine: Engine, { targets, since }: WatchOptions, context: Context): Promise<ServiceView[]> {
  const services = await Promise.all(targets.map((target) => findService(engine, target.service, context)));
  const ids = services.flatMap((service) => (service ? [service.ID] : []));
  const tasks = await listTasks(engine, ids, context);
  return targets.map((target, index) => {
    const service = services[index];
    return { target, since, service, tasks: tasks.filter((task) => task.ServiceID === service?.ID) };
  });
}

function pendingEvidence(views: ServiceView[]): string[] {
  const stuck = (task: ObservedTask) => task.DesiredState === 'running' && task.Status.State !== 'running';
  const lines = views.flatMap((view) =>
    view.tasks
      .filter(stuck)
      .map(
        (task) =>
          `${view.target.service} task ${task.ID.slice(0, 12)} ${task.Status.State}: ${task.Status.Err || task.Status.Message || 'no reason given'}`,
      ),
  );
  return [...new Set(lines)].slice(0, 5);
}
