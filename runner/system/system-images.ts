import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail, HomeostatError } from '../common/errors';
import { baseImage, rootfsCache } from './base-image';
import {
  agentImage,
  ensureImage,
  imageExists,
  imageId,
  jenkinsImage,
  monitorImage,
  proxyImage,
  registryImage,
  runnerImage,
  type SystemImage,
} from './images';
import type { SystemSettings } from './services';
import { addToState, including } from './state';

/** Of each part of the system, what its image is. */
interface Parts<Image> {
  proxy: Image;
  monitor: Image;
  /** Undefined where the registry is somebody else's. */
  registry?: Image;
  /** With its agents, where it is wanted. */
  jenkins?: Image;
  agent?: Image;
}

/** The official image of Jenkins, or what system.yml names in its place. */
export const officialJenkins = ({ system: { jenkins } }: SystemSettings): string =>
  jenkins.image ?? `jenkins/jenkins:${jenkins.version}-lts-jdk17`;

/** The images that the system runs; those of Jenkins only where it is wanted. */
export async function systemImages(
  settings: SystemSettings,
  context: Context,
): Promise<Parts<SystemImage> & { runner: SystemImage }> {
  const { system } = settings;
  return {
    runner: await runnerImage(context),
    ...(system.registry ? {} : { registry: await registryImage(context) }),
    proxy: await proxyImage(context),
    monitor: await monitorImage(context),
    ...(system.engine === 'jenkins'
      ? { jenkins: jenkinsImage(officialJenkins(settings), context), agent: await agentImage(context) }
      : {}),
  };
}

export async function missingImages(engine: Engine, images: SystemImage[]): Promise<SystemImage[]> {
  const present = await Promise.all(images.map((image) => imageExists(engine, image.name)));
  return images.filter((_image, index) => !present[index]);
}

/** Ids of images; those on the runner's are built while other things start already. */
export type BuiltImages = Parts<Promise<string>> & { runner: string };

/** The ids of the images, which are built where they are missing. @throws SYSTEM_FAILED for Jenkins, before anything is changed */
export async function buildImages(engine: Engine, settings: SystemSettings, context: Context): Promise<BuiltImages> {
  const images = await systemImages(settings, context);
  await noteBaseImage(engine, settings);
  const names = Object.values(images).flatMap(({ name, repository }) => [name, `${repository}:latest`]);
  await addToState(settings.folder, (state) => ({ ...state, images: including(state.images, ...names) }));
  const built = async (image: SystemImage) => {
    const name = await ensureImage(engine, image, context);
    return (await imageId(engine, name)) ?? name;
  };
  const later = (image: SystemImage) => {
    const id = built(image);
    // Who waits for it is told.
    id.catch(() => undefined);
    return id;
  };
  const { jenkins } = images;
  // It may fail for reasons outside of this machine: the other engine still runs then.
  const own = jenkins && (await built(jenkins).catch((error: unknown) => withoutJenkins(settings, error)));
  return {
    runner: await built(images.runner),
    proxy: later(images.proxy),
    monitor: later(images.monitor),
    ...(images.registry ? { registry: later(images.registry) } : {}),
    ...(images.agent && own ? { jenkins: Promise.resolve(own), agent: later(images.agent) } : {}),
  };
}

function withoutJenkins(settings: SystemSettings, error: unknown): never {
  if (!(error instanceof HomeostatError)) throw error;
  return fail('SYSTEM_FAILED', 'the image of Jenkins cannot be built', {
    cause: error.causeText ?? error.message,
    evidence: error.evidence,
    remedy: `Let the Engine reach ${officialJenkins(settings)} and updates.jenkins.io, or name an image that it reaches as jenkins.image in system.yml.`,
  });
}

/** A base image that is not there yet will be made, and is then a thing to remove again. */
async function noteBaseImage(engine: Engine, settings: SystemSettings): Promise<void> {
  if (await imageExists(engine, baseImage)) return;
  await addToState(settings.folder, (state) => ({
    ...state,
    images: including(state.images, baseImage),
    folders: including(state.folders, rootfsCache),
  }));
}
