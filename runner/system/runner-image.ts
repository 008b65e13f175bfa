import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Context } from '../common/context';
import { request, statusOf, type Engine } from '../common/engine';
import { buildImage } from '../image/build';
import { ensureBaseImage } from './base-image';
import { resource } from './resources';

/** Repository of the image that holds Node.js and the runner: the base of the system's own services. */
export const runnerRepository = 'homeostat/runner';

/** Name of the runner's image: its tag is a hash of what is in it, so that an image that is there is the right one. */
export async function runnerImageName(context: Context): Promise<string> {
  const hash = createHash('sha256')
    .update(resource('resources/images/runner/Dockerfile'))
    .update(await readFile(context.runnerFile))
    .digest('hex');
  return `${runnerRepository}:${context.version}-${hash.slice(0, 8)}`;
}

/** Sees to it that the Engine has the runner's image, and answers with its name. */
export async function ensureRunnerImage(engine: Engine, context: Context): Promise<string> {
  const image = await runnerImageName(context);
  if (await imageExists(engine, image)) return image;
  await ensureBaseImage(engine, context);
  const folder = await mkdtemp(path.join(tmpdir(), 'homeostat-runner-'));
  try {
    await writeFile(path.join(folder, 'Dockerfile'), resource('resources/images/runner/Dockerfile'));
    await copyFile(context.runnerFile, path.join(folder, 'homeostat.cjs'));
    const plan = {
      image,
      context: folder,
      dockerfile: 'Dockerfile',
      args: {},
      labels: { 'com.homeostat.system': 'runner' },
      secrets: {},
      noCache: false,
      pull: false,
      builder: 'auto' as const,
    };
    await buildImage(engine, plan, {}, context);
    await request(engine, 'POST', `/images/${image}/tag`, { query: { repo: runnerRepository, tag: 'latest' } });
    return image;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function imageExists(engine: Engine, image: string): Promise<boolean> {
  return request(engine, 'GET', `/images/${image}/json`).then(
    () => true,
    (error: unknown) => {
      if (statusOf(error) === 404) return false;
      throw error;
    },
  );
}
