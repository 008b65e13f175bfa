import type { Context } from '../common/context';
import { request, type Engine } from '../common/engine';
import { parseImage } from '../image/reference';
import { credentialsFor } from '../image/registry-auth';
import { findService, listStack, removeService, updateService } from '../swarm/services';
import { removeStack } from '../swarm/stack';
import type { StoredRecord } from '../swarm/store';
import { imageOf, wantedReplicas, withReplicas, type ServiceSpec } from '../swarm/types';
import { watchRollout, type Outcome } from '../swarm/watch';
import type { Rollout } from './releases';

const removalLimit = 30_000;
const putBackLimit = 120_000;

/** Watches until what was put back runs. */
export function watchPutBack(engine: Engine, record: StoredRecord<Rollout>, context: Context): Promise<Outcome> {
  const targets = record.data.previous.map(({ name, spec }) => ({ service: name, image: imageOf(spec) }));
  const limits = { deadline: putBackLimit, monitor: 0, settled: false };
  return watchRollout(engine, { targets, since: record.createdAt, signal: context.signal, ...limits }, context);
}

/** Writes the known-good specs back with the live replica counts, and removes services that did not exist before. */
export async function putBack(engine: Engine, { stack, previous, targets }: Rollout, context: Context): Promise<void> {
  if (previous.length === 0) {
    // Volumes may be older than this deploy: `docker stack rm` keeps them, and so must this.
    await removeStack(engine, stack, removalLimit, context, { volumes: false });
    for (const target of targets) await removeService(engine, target.service, context);
    return;
  }
  const image = targets.find((target) => target.image)?.image;
  const own = image ? parseImage(image).registry : '';
  const before = new Map(previous.map((each) => [each.name, each.spec]));
  const names = new Set([
    ...(await listStack(engine, stack, context)).map(({ Spec }) => Spec.Name),
    ...targets.map((target) => target.service),
  ]);
  for (const name of names) {
    const spec = before.get(name);
    if (!spec) {
      await removeService(engine, name, context);
      continue;
    }
    if (!(await findService(engine, name, context))) {
      await createService(engine, spec, own, context);
      continue;
    }
    await applySpec(engine, name, spec, own, context);
  }
}

/**
 * Writes a spec with the replica count that the service has at this moment; a spec that stands already is left alone. Where
 * no credentials are found the Swarm keeps those that the service has.
 */
export async function applySpec(
  engine: Engine,
  name: string,
  spec: ServiceSpec,
  own: string,
  context: Context,
): Promise<void> {
  const auth = await credentialsFor(parseImage(imageOf(spec)).registry, context, own);
  await updateService(
    engine,
    name,
    (live) => {
      // Swarm's own rollback restores the replicas of its previous spec, so the count is then that of before.
      const replicas = live.UpdateStatus?.State?.startsWith('rollback')
        ? wantedReplicas(spec)
        : wantedReplicas(live.Spec);
      const next = withReplicas(spec, replicas);
      return JSON.stringify(next) === JSON.stringify(live.Spec) ? undefined : next;
    },
    auth,
    context,
  );
}

export async function createService(engine: Engine, spec: ServiceSpec, own: string, context: Context): Promise<void> {
  const auth = await credentialsFor(parseImage(imageOf(spec)).registry, context, own);
  await request(engine, 'POST', '/services/create', { body: spec, auth });
}
