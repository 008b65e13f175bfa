import { createReadStream } from 'node:fs';
import Docker from 'dockerode';
import type { Readable } from 'node:stream';
import type { Context } from '../common/context';
import { ask, engineMessage, requestStream, statusOf } from '../common/engine';
import { fail, HomeostatError } from '../common/errors';
import { jsonLines } from '../common/json-lines';
import { debianRootfs } from './debootstrap';

/** What the system's own images are built on. */
export const baseImage = 'debian:trixie-slim';

/** Folder in which what debootstrap made is kept; /tmp may be mounted without devices. */
export const rootfsCache = '/var/tmp/homeostat';

/** A registry that gives no sign for this long (milliseconds) is taken as out of reach. */
const silence = 15_000;

export interface BaseImageOptions {
  image?: string;
  /** False: do not ask an image registry. */
  pull?: boolean;
  /** Milliseconds without a word of the registry after which the pull is given up. */
  pullSilence?: number;
  /** Folder in which what debootstrap made is kept for the next time. */
  cache?: string;
  /** apt's configuration, where the Debian mirror is read from. */
  aptFolder?: string;
}

export interface BaseImagePlan {
  image: string;
  /** Ways to get the image, tried in this order; none when it is there. */
  ways: ('pull' | 'debootstrap')[];
}

export type BaseImageOrigin = 'present' | 'pulled' | 'debootstrap';

/**
 * Sees to it that the Engine has the Debian base image: pulled where a registry can be reached, else made with
 * debootstrap and imported under the same tag.
 * @throws BASE_IMAGE_FAILED, CLI_MISSING, ENGINE_UNREACHABLE, ENGINE_FAILED
 */
export async function ensureBaseImage(
  engine: Docker,
  context: Context,
  options: BaseImageOptions = {},
): Promise<BaseImageOrigin> {
  const image = options.image ?? baseImage;
  return execute(engine, context, planBaseImage(options, await isPresent(engine, context, image)), options);
}

export function planBaseImage(options: BaseImageOptions, present: boolean): BaseImagePlan {
  const image = options.image ?? baseImage;
  if (present) return { image, ways: [] };
  return { image, ways: options.pull === false ? ['debootstrap'] : ['pull', 'debootstrap'] };
}

async function isPresent(engine: Docker, context: Context, image: string): Promise<boolean> {
  try {
    await ask(context, `look for ${image}`, () => engine.getImage(image).inspect(), [404]);
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

async function execute(
  engine: Docker,
  context: Context,
  plan: BaseImagePlan,
  options: BaseImageOptions,
): Promise<BaseImageOrigin> {
  let refusal: string | undefined;
  if (plan.ways.includes('pull')) {
    refusal = await pull(engine, context, plan.image, options.pullSilence ?? silence);
    if (refusal === undefined) return 'pulled';
    context.log.info(
      `${plan.image} cannot be pulled (${refusal}); making it with debootstrap, which takes about half a minute`,
    );
  }
  if (!plan.ways.includes('debootstrap')) return 'present';
  try {
    const file = await debianRootfs(context, {
      cache: options.cache ?? rootfsCache,
      aptFolder: options.aptFolder,
    });
    await importImage(engine, context, plan.image, file);
    return 'debootstrap';
  } catch (error) {
    if (refusal !== undefined && error instanceof HomeostatError) error.evidence.unshift(`pull: ${refusal}`);
    throw error;
  }
}

/** Pulls the image; answers with the reason when that is not possible. */
async function pull(engine: Docker, context: Context, image: string, patience: number): Promise<string | undefined> {
  const giveUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => giveUp.abort(), patience);
  };
  try {
    heard();
    const stream = await requestStream(engine, 'POST', '/images/create', {
      query: { fromImage: image },
      signal: AbortSignal.any([context.signal, giveUp.signal]),
    });
    return await lastError(stream, heard);
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    return giveUp.signal.aborted ? `the registry was silent for ${patience / 1000} s` : engineMessage(error);
  } finally {
    clearTimeout(timer);
  }
}

/** The Engine answers 200 before it starts; whether it worked is said in the stream. */
async function lastError(stream: Readable, heard: () => void = () => undefined): Promise<string | undefined> {
  let problem: string | undefined;
  for await (const event of jsonLines(stream)) {
    heard();
    if (typeof event.error === 'string') problem = event.error;
  }
  return problem;
}

async function importImage(engine: Docker, context: Context, image: string, file: string): Promise<void> {
  const [, repo, tag] = /^(.+):([^:/]+)$/.exec(image) ?? [, image, 'latest'];
  const problem = await ask(context, `import ${image}`, async () =>
    lastError(
      (await engine.importImage(createReadStream(file), {
        repo,
        tag,
        changes: ['CMD ["bash"]', 'LABEL com.homeostat.base=debootstrap'],
        abortSignal: context.signal,
      })) as Readable,
    ),
  );
  if (problem) fail('ENGINE_FAILED', `the Engine did not take ${image}`, { cause: problem });
}
