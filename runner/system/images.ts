import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Context } from '../common/context';
import { request, statusOf, type Engine } from '../common/engine';
import { buildImage } from '../image/build';
import { ensureBaseImage } from './base-image';
import { resourcesBelow } from '../common/resources';
import { jenkinsImageFiles } from '../jenkins/image-files';

/** One of the system's own images: its tag is a hash of what goes into it, so one that is there is the right one. */
export interface SystemImage {
  name: string;
  repository: string;
  files: Record<string, string>;
  /** The image it is built on, where that is one of the system's own; its Dockerfile knows it as RUNNER. */
  base?: SystemImage;
  /** Arguments of its build, where it stands on an image of somebody else. */
  args?: Record<string, string>;
}

export const systemLabel = 'com.homeostat.system';

function systemImage(
  component: string,
  more: Record<string, string>,
  context: Context,
  { base, args }: Pick<SystemImage, 'base' | 'args'> = {},
): SystemImage {
  const files = { ...resourcesBelow(`resources/images/${component}`), ...more };
  const hash = createHash('sha256').update(base?.name ?? '');
  if (args) hash.update(JSON.stringify(args));
  for (const [name, text] of Object.entries(files).sort()) hash.update(`${name}\0${text}\0`);
  const repository = `homeostat/${component}`;
  const name = `${repository}:${context.version}-${hash.digest('hex').slice(0, 8)}`;
  return { name, repository, files, ...(base ? { base } : {}), ...(args ? { args } : {}) };
}

/** Node.js, git, the docker client and the runner: the base of the system's own services, and of load tests. */
export const runnerImage = async (context: Context): Promise<SystemImage> =>
  systemImage('runner', { 'homeostat.cjs': await readFile(context.runnerFile, 'utf8') }, context);

/** The image registry. */
export const registryImage = async (context: Context): Promise<SystemImage> => systemImage('registry', {}, context);

/** HAProxy and the agent that keeps it, on the runner's image. */
export const proxyImage = async (context: Context): Promise<SystemImage> =>
  systemImage('proxy', {}, context, { base: await runnerImage(context) });

/** Prometheus, Alertmanager, node_exporter and the agent, on the runner's image. */
export const monitorImage = async (context: Context): Promise<SystemImage> =>
  systemImage('monitor', {}, context, { base: await runnerImage(context) });

/** Jenkins with its plugins, on the official image or the one that takes its place. */
export const jenkinsImage = (official: string, context: Context): SystemImage =>
  systemImage('jenkins', jenkinsImageFiles(), context, { args: { JENKINS: official } });

/** An agent of Jenkins, on the runner's image. */
export const agentImage = async (context: Context): Promise<SystemImage> =>
  systemImage('jenkins-agent', {}, context, { base: await runnerImage(context) });

/** Sees to it that the Engine has one of the system's images, and answers with its name. */
export async function ensureImage(engine: Engine, image: SystemImage, context: Context): Promise<string> {
  if (await imageExists(engine, image.name)) return image.name;
  const args: Record<string, string> = { ...image.args };
  if (image.base) args.RUNNER = await ensureImage(engine, image.base, context);
  if (!image.base && !image.args) await ensureBaseImage(engine, context);
  const folder = await mkdtemp(path.join(tmpdir(), 'homeostat-image-'));
  try {
    for (const [name, text] of Object.entries(image.files)) await writeFile(path.join(folder, name), text);
    const labels = { [systemLabel]: image.repository };
    await buildImage(
      engine,
      {
        image: image.name,
        context: folder,
        dockerfile: 'Dockerfile',
        args,
        labels,
        secrets: {},
        noCache: false,
        pull: false,
        builder: 'auto',
      },
      {},
      context,
    );
    await request(engine, 'POST', `/images/${image.name}/tag`, { query: { repo: image.repository, tag: 'latest' } });
    return image.name;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The runner's image on this Engine, built when it is missing. */
export const ensureRunnerImage = async (engine: Engine, context: Context): Promise<string> =>
  ensureImage(engine, await runnerImage(context), context);

export const imageExists = async (engine: Engine, image: string): Promise<boolean> =>
  (await imageId(engine, image)) !== undefined;

/**
 * Id of an image on this Engine, `sha256:…`; undefined where it is not there. A service that names its image by the id is
 * started without a look at a registry: by its tag, Swarm would ask Docker Hub first, for each task, and would take
 * whatever somebody put there under that name.
 */
export async function imageId(engine: Engine, image: string): Promise<string | undefined> {
  return request<{ Id: string }>(engine, 'GET', `/images/${image}/json`).then(
    ({ Id }) => Id,
    (error: unknown) => {
      if (statusOf(error) === 404) return undefined;
      throw error;
    },
  );
}

/** Name of the runner's image on an Engine that has it. */
export const runnerImageName = async (context: Context): Promise<string> => (await runnerImage(context)).name;
