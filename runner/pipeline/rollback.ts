import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import { findService, listStack } from '../swarm/services';
import { imageOf } from '../swarm/types';
import { listReleases, type Origin, type Release } from './releases';
import { applySpec, createService } from './put-back';
import { rollOut } from './rollout';
import type { DeploySettings } from './deploy';

export interface RollbackPlan {
  stack: string;
  /** Number of the release that is gone back to. */
  to: number;
  services: { name: string; from: string; to: string }[];
}

/**
 * The release to go back to: the one named, or the newest whose images differ from what runs.
 * @throws RELEASE_MISSING
 */
export async function planRollback(
  engine: Engine,
  stack: string,
  to: number | undefined,
  context: Context,
): Promise<{ plan: RollbackPlan; release: Release }> {
  const releases = (await listReleases(engine, stack, context)).map((record) => record.data);
  const live = new Map((await listStack(engine, stack, context)).map(({ Spec }) => [Spec.Name, imageOf(Spec)]));
  const differs = (release: Release) => release.services.some((service) => live.get(service.name) !== service.image);
  const release = to === undefined ? releases.find(differs) : releases.find((each) => each.number === to);
  if (!release) {
    const kept = releases.map((each) => each.number).join(', ') || 'none';
    fail(
      'RELEASE_MISSING',
      to === undefined
        ? `there is no earlier release of ${stack} to go back to`
        : `there is no release ${to} of ${stack}`,
      { cause: `releases kept: ${kept}` },
    );
  }
  const services = release.services.map((service) => ({
    name: service.name,
    from: live.get(service.name) ?? 'not there',
    to: service.image,
  }));
  return { plan: { stack, to: release.number, services }, release };
}

/** Puts a recorded release back, with the live replica counts, and watches it like any rollout. */
export async function rollBack(
  engine: Engine,
  release: Release,
  origin: Origin,
  settings: DeploySettings,
  context: Context,
): Promise<Release> {
  return rollOut(
    engine,
    {
      stack: release.stack,
      rollout: {
        stack: release.stack,
        origin: { ...origin, kind: 'rollback', rollbackTo: release.number },
        targets: release.services.map((service) => ({ service: service.name, image: service.image })),
        deadline: settings.deadline,
        monitor: settings.monitor,
        keep: settings.keep,
      },
      async apply(_live, leased) {
        for (const service of release.services) {
          if (await findService(engine, service.name, leased))
            await applySpec(engine, service.name, service.spec, '', leased);
          else await createService(engine, service.spec, '', leased);
        }
      },
    },
    context,
  );
}
