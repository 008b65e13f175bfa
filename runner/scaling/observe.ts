import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { findService, listTasks } from '../swarm/services';
import { liveOf } from './look';

/** What became of a change of the replicas. */
export interface Observation {
  /** All replicas run, and no others. */
  observed: boolean;
  running: number;
  /** Why it was not observed. */
  problem?: string;
}

const interval = 200;

/** Waits until as many tasks run as were asked for, for some milliseconds; never longer. */
export async function observeReplicas(
  engine: Engine,
  service: string,
  replicas: number,
  wait: number,
  context: Context,
): Promise<Observation> {
  const { clock, signal } = context;
  const start = clock.monotonic();
  for (;;) {
    const found = await findService(engine, service, context);
    if (!found) return { observed: false, running: 0, problem: 'it was removed meanwhile' };
    const tasks = await listTasks(engine, [found.ID], context);
    const live = liveOf(found, tasks);
    const { running } = live;
    if (live.replicas !== replicas)
      return { observed: false, running, problem: `somebody else scaled it to ${live.replicas} meanwhile` };
    const surplus = tasks.some(
      ({ DesiredState, Status }) =>
        DesiredState !== 'running' && DesiredState !== 'ready' && Status.State === 'running',
    );
    if (running === replicas && !surplus) return { observed: true, running };
    if (clock.monotonic() - start >= wait) {
      const stuck = tasks.find(({ DesiredState, Status }) => DesiredState === 'running' && Status.Err)?.Status.Err;
      const text = `${running} of ${replicas} run after ${Math.round(wait / 1000)} s`;
      return { observed: false, running, problem: stuck ? `${text} (${stuck})` : text };
    }
    await clock.sleep(interval, signal);
  }
}
