import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail, HomeostatError } from '../common/errors';
import { defaultLabelSettings } from '../labels/description';
import { readLabels } from '../labels/reader';
import { updateSettled } from '../swarm/rollout';
import { findService, listServices, updateService } from '../swarm/services';
import { stackOf, wantedReplicas, type Service, type ServiceSpec } from '../swarm/types';
import { watchRollout } from '../swarm/watch';
import type { ScalingSettings } from './settings';
import { withStacks } from './stack-leases';

export interface Rescheduled {
  service: string;
  outcome: 'rescheduled' | 'left' | 'failed';
  /** Why it was left as it is, or what failed. */
  reason?: string;
}

/** The rollout of one service has to have ended by then; milliseconds. */
const deadline = 300_000;
const monitor = 1000;

/**
 * The services whose tasks are to be spread anew: the one that is named, or all that are labelled so.
 * @throws SERVICE_MISSING
 */
export async function planReschedule(
  engine: Engine,
  name: string | undefined,
  { labels }: ScalingSettings,
  context: Context,
): Promise<string[]> {
  if (name !== undefined) {
    const found = await findService(engine, name, context);
    return [found?.Spec.Name ?? fail('SERVICE_MISSING', `there is no service ${name}`)];
  }
  const isLabelled = ({ Spec }: Service) =>
    readLabels(Spec.Labels ?? {}, { ...defaultLabelSettings, ...labels }).get('reschedule') === true;
  return (await listServices(engine, context))
    .filter(isLabelled)
    .map(({ Spec }) => Spec.Name)
    .sort();
}

/** Spreads the tasks of services anew, one service after the other, each as its own update settings say. */
export async function reschedule(engine: Engine, services: string[], context: Context): Promise<Rescheduled[]> {
  const done: Rescheduled[] = [];
  for (const service of services) {
    const result = await rescheduleOne(engine, service, context).catch((error: unknown): Rescheduled => {
      if (context.signal.aborted || !(error instanceof HomeostatError)) throw error;
      return { service, outcome: 'failed', reason: error.causeText ?? error.message };
    });
    context.log.info(`${service}: ${result.outcome}${result.reason ? ` (${result.reason})` : ''}`);
    done.push(result);
  }
  return done;
}

async function rescheduleOne(engine: Engine, service: string, context: Context): Promise<Rescheduled> {
  const live = await findService(engine, service, context);
  if (!live) return { service, outcome: 'left', reason: 'it was removed meanwhile' };
  return withStacks(engine, [stackOf(live)], 'reschedule', (leased) => spread(engine, service, leased), context);
}

async function spread(engine: Engine, service: string, context: Context): Promise<Rescheduled> {
  let reason: string | undefined;
  const updated = await updateService(
    engine,
    service,
    (live) => {
      reason = reasonToLeave(live);
      return reason === undefined ? forced(live.Spec) : undefined;
    },
    undefined,
    context,
  );
  if (reason !== undefined) return { service, outcome: 'left', reason };
  const since = (updated as Service & { UpdatedAt?: string }).UpdatedAt ?? context.clock.now().toISOString();
  const options = { targets: [{ service }], since, deadline, monitor, signal: context.signal };
  const result = await watchRollout(engine, options, context);
  return result.outcome === 'good'
    ? { service, outcome: 'rescheduled' }
    : { service, outcome: 'failed', reason: result.reason };
}

function reasonToLeave(live: Service): string | undefined {
  const replicas = wantedReplicas(live.Spec);
  if (replicas === undefined) return 'it is not replicated: its tasks are on all nodes, or end by themselves';
  if (replicas === 0) return 'it is switched off (0 replicas)';
  const state = live.UpdateStatus?.State ?? '';
  if (!updateSettled(live) && state !== 'rollback_completed') return `a rollout is not over: Swarm says ${state}`;
  return undefined;
}

const forced = (spec: ServiceSpec): ServiceSpec => ({
  ...spec,
  TaskTemplate: { ...spec.TaskTemplate, ForceUpdate: Number(spec.TaskTemplate.ForceUpdate ?? 0) + 1 },
});
