import type { Context } from '../common/context';
import { ask, engineMessage, request, type Engine } from '../common/engine';
import { fail, HomeostatError } from '../common/errors';
import { requireName } from '../common/name';
import { formatImage, readImage, withDigest, type ImageReference } from '../image/reference';
import { credentialsFor, credentialsForClient } from '../image/registry-auth';
import { findService, listStack, updateService } from '../swarm/services';
import { deployStack } from '../swarm/stack';
import { imageOf, stackOf, wantedReplicas, type Service } from '../swarm/types';
import { replicasFor, scaleLimits } from './limits';
import { policyAdvice } from './policy';
import type { Origin, Release } from './releases';
import { rollOut, type Change } from './rollout';
import {
  changeService,
  deployLabels,
  renderStack,
  requireService,
  servicesOf,
  type StackFile,
  type Tree,
} from './stack-file';

export interface DeploySettings {
  /** Milliseconds. */
  deadline: number;
  monitor: number;
  policy: 'warn' | 'strict' | 'off';
  keep: number;
}

/** What a deploy will do, as plain data: what --dry-run prints. */
export interface DeployPlan {
  stack: string;
  services: { name: string; image: string; replicas?: { written: number; live?: number; next: number } }[];
  deadline: number;
  monitor: number;
  advice: string[];
}

/** Longest name the Swarm takes for a service. */
const longestName = 63;

/**
 * Plans the deploy of a stack file: the image of one service by digest, and for each replicated service the live
 * count carried over within its limits.
 * @throws NAME_INVALID, STACK_INVALID
 */
export function planStackDeploy(
  file: StackFile,
  stack: string,
  service: string,
  image: string,
  live: Service[],
  healthchecked: Set<string>,
  settings: DeploySettings,
): { plan: DeployPlan; tree: Tree } {
  requireName(stack, 'stack');
  requireService(file, service);
  let tree = changeService(file.tree, service, (each) => ({ ...each, image }));
  const services = Object.entries(servicesOf(file)).map(([name, written]) => {
    const fullName = `${stack}_${name}`;
    if (fullName.length > longestName)
      fail('NAME_INVALID', `the service name '${fullName}' has ${fullName.length} characters`, {
        remedy: `Shorten stack or service name; the Swarm allows ${longestName} for both together.`,
      });
    const own = name === service ? image : (written.image ?? '');
    if (written.deploy?.mode && written.deploy.mode !== 'replicated') return { name: fullName, image: own };
    const running = live.find((each) => each.Spec.Name === fullName);
    const replicas = planReplicas(Number(written.deploy?.replicas ?? 1), running, deployLabels(written));
    tree = changeService(tree, name, (each) => ({ ...each, deploy: { ...each.deploy, replicas: replicas.next } }));
    return { name: fullName, image: own, replicas };
  });
  const advice = settings.policy === 'off' ? [] : policyAdvice(file, healthchecked);
  return { plan: { stack, services, deadline: settings.deadline, monitor: settings.monitor, advice }, tree };
}

function planReplicas(written: number, running: Service | undefined, labels: Record<string, string>) {
  const live = running ? wantedReplicas(running.Spec) : undefined;
  return { written, ...(live === undefined ? {} : { live }), next: replicasFor(written, live, scaleLimits(labels)) };
}

/**
 * The reference by digest: as given, or resolved by the Engine at the registry. Nothing is deployed by tag, for only a
 * digest can be compared with what runs.
 * @throws IMAGE_INVALID, REGISTRY_DENIED, REGISTRY_UNREACHABLE
 */
export async function pinImage(engine: Engine, image: ImageReference, context: Context): Promise<ImageReference> {
  if (image.digest) return withDigest(image, image.digest);
  const name = formatImage(image);
  const auth = await credentialsFor(image.registry, context);
  try {
    const found = await ask(
      context,
      `resolving ${name}`,
      () => request<{ Descriptor: { digest: string } }>(engine, 'GET', `/distribution/${name}/json`, { auth }),
      [400, 401, 403, 404, 500],
    );
    return withDigest(image, found.Descriptor.digest);
  } catch (error) {
    if (error instanceof HomeostatError) throw error;
    const cause = engineMessage(error);
    if (/not found|manifest unknown|name unknown/i.test(cause))
      return fail('IMAGE_INVALID', `the registry has no image ${name}`, {
        cause,
        remedy: 'Push it first (`homeostat push`), or name another tag or digest.',
      });
    if (/unauthorized|denied|authentication/i.test(cause))
      return fail('REGISTRY_DENIED', `the registry ${image.registry} refused to show ${name}`, { cause });
    return fail('REGISTRY_UNREACHABLE', `the digest of ${name} could not be read`, { cause });
  }
}

/** The plan of a deploy of a stack file, made from the live Swarm. */
export async function prepareStackDeploy(
  engine: Engine,
  file: StackFile,
  stack: string,
  service: string,
  image: ImageReference,
  settings: DeploySettings,
  context: Context,
) {
  const live = await listStack(engine, stack, context);
  const healthchecked = new Set((await imageHasHealthcheck(engine, image)) ? [service] : []);
  return planStackDeploy(file, stack, service, formatImage(image), live, healthchecked, settings).plan;
}

async function imageHasHealthcheck(engine: Engine, image: ImageReference): Promise<boolean> {
  const found = await request<{ Config?: { Healthcheck?: { Test?: string[] } } }>(
    engine,
    'GET',
    `/images/${formatImage(image)}/json`,
  ).catch(() => undefined);
  const test = found?.Config?.Healthcheck?.Test;
  return Boolean(test && test[0] !== 'NONE');
}

/**
 * Deploys a planned stack file and ends in exactly one way: a release, or the error that says what was put back.
 * @throws DEPLOY_REFUSED and what `rollOut` throws
 */
export async function deployStackFile(
  engine: Engine,
  file: StackFile,
  plan: DeployPlan,
  service: string,
  image: ImageReference,
  origin: Origin,
  settings: DeploySettings,
  context: Context,
): Promise<Release> {
  tellPolicy(plan, settings, context);
  const targets = plan.services.map((each) =>
    each.name === `${plan.stack}_${service}`
      ? { service: each.name, image: formatImage(image) }
      : { service: each.name },
  );
  const change: Change = {
    stack: plan.stack,
    rollout: {
      stack: plan.stack,
      origin,
      targets,
      deadline: settings.deadline,
      monitor: settings.monitor,
      keep: settings.keep,
    },
    async apply(live, leased) {
      // Replicas are planned again from what lives now: the plan may have been made before somebody scaled.
      const { tree: fresh } = planStackDeploy(
        file,
        plan.stack,
        service,
        formatImage(image),
        live,
        new Set([service]),
        settings,
      );
      const registries = plan.services
        .map((each) => readImage(each.image))
        .flatMap((each) => (typeof each === 'string' ? [] : [each.registry]));
      const credentials = await credentialsForClient(registries, image.registry, leased);
      const deployment = {
        stack: plan.stack,
        content: renderStack(fresh),
        folder: file.folder,
        credentials,
      };
      await deployStack(deployment, leased.env, leased);
      // The docker client keeps the image that runs when the file's equals the one of the last stack deploy, whatever was
      // put in by other means since (docker/cli: cli/command/stack/swarm/deploy_composefile.go).
      await setImage(engine, `${plan.stack}_${service}`, image, leased);
    },
  };
  return rollOut(engine, change, context);
}

function tellPolicy({ stack, advice }: DeployPlan, settings: DeploySettings, context: Context): void {
  if (advice.length === 0) return;
  if (settings.policy === 'strict')
    fail('DEPLOY_REFUSED', `the stack ${stack} is not safe to roll`, { evidence: advice });
  for (const line of advice) context.log.warn(line);
}

/**
 * Deploys an image to one service that runs already, without a stack file.
 * @throws SERVICE_MISSING and what `rollOut` throws
 */
export async function planServiceDeploy(
  engine: Engine,
  name: string,
  image: ImageReference,
  settings: DeploySettings,
  context: Context,
): Promise<DeployPlan> {
  const live = (await findService(engine, name, context)) ?? fail('SERVICE_MISSING', `there is no service ${name}`);
  const replicas = planReplicas(wantedReplicas(live.Spec) ?? 0, live, live.Spec.Labels ?? {});
  const service = {
    name: live.Spec.Name,
    image: formatImage(image),
    ...(live.Spec.Mode.Replicated ? { replicas } : {}),
  };
  return {
    stack: stackOf(live),
    services: [service],
    deadline: settings.deadline,
    monitor: settings.monitor,
    advice: [],
  };
}

export async function deployService(
  engine: Engine,
  plan: DeployPlan,
  image: ImageReference,
  origin: Origin,
  settings: DeploySettings,
  context: Context,
): Promise<Release> {
  const { name } = plan.services[0]!;
  return rollOut(
    engine,
    {
      stack: plan.stack,
      rollout: {
        stack: plan.stack,
        origin,
        targets: [{ service: name, image: formatImage(image) }],
        deadline: settings.deadline,
        monitor: settings.monitor,
        keep: settings.keep,
      },
      apply: (_live, leased) => setImage(engine, name, image, leased),
    },
    context,
  );
}

/** Gives a service exactly that image; one that has it is left alone. */
async function setImage(engine: Engine, name: string, image: ImageReference, context: Context): Promise<void> {
  const auth = await credentialsFor(image.registry, context);
  const wanted = formatImage(image);
  await updateService(
    engine,
    name,
    ({ Spec }) => {
      if (imageOf(Spec) === wanted) return undefined;
      const { ContainerSpec } = Spec.TaskTemplate;
      return { ...Spec, TaskTemplate: { ...Spec.TaskTemplate, ContainerSpec: { ...ContainerSpec, Image: wanted } } };
    },
    auth,
    context,
  );
}
