import type { Context } from '../common/context';
import { ask, engineError, engineMessage, request, requestStream, type Engine } from '../common/engine';
import { fail, HomeostatError } from '../common/errors';
import { jsonLines } from '../common/json-lines';
import { retry } from '../common/retry';
import { formatImage, repositoryOf, withDigest, withTag, type ImageReference } from './reference';
import { credentialsFor } from './registry-auth';

export interface PushResult {
  image: string;
  digest: string;
  /** Repository and digest: the identity of the image from here on. */
  reference: string;
}

const denied = /unauthorized|authentication required|denied|no basic auth|incorrect username or password/i;
const unreachable =
  /connection refused|no such host|i\/o timeout|timeout|deadline exceeded|network is unreachable|no route to host|connection reset|EOF|server misbehaving|http: server gave HTTP response|certificate|TLS/i;
const transient =
  /connection refused|connection reset|i\/o timeout|timeout|EOF|deadline exceeded|\b50[0234]\b|\b429\b|too ?many ?requests|temporarily|server error|bad gateway/i;
const lasting = /no space left|disk quota|server gave HTTP response|certificate|no such host/i;
const status5xx = /\b50\d\b/;
const retryLimit = 30_000;

/**
 * Pushes a tag and answers with the digest the registry gave it; tries again for half a minute while the registry has
 * trouble that may pass.
 * @throws PUSH_FAILED, REGISTRY_DENIED, REGISTRY_UNREACHABLE
 */
export async function pushImage(engine: Engine, image: ImageReference, context: Context): Promise<PushResult> {
  const name = formatImage(image);
  const authconfig = await credentialsFor(image.registry, context);
  const digest = await retry(() => pushOnce(engine, image, authconfig, context), {
    clock: context.clock,
    signal: context.signal,
    limit: retryLimit,
    pause: 1000,
    worthIt: (error) =>
      error instanceof HomeostatError &&
      (error.code === 'PUSH_FAILED' || error.code === 'REGISTRY_UNREACHABLE') &&
      mayPass(wordsAlone(error.causeText ?? '', image)),
    onRetry: (error) => context.log.warn(`push of ${name}: ${(error as HomeostatError).causeText}; trying again`),
  });
  return { image: name, digest, reference: formatImage(withDigest(image, digest)) };
}

const mayPass = (words: string) => transient.test(words) && !lasting.test(words);

/** What was said without the names in it: a registry's port may well be 5000. */
const wordsAlone = (cause: string, image: ImageReference) =>
  [formatImage(image), repositoryOf(image), image.registry].reduce((text, each) => text.replaceAll(each, ''), cause);

async function pushOnce(
  engine: Engine,
  image: ImageReference,
  authconfig: object | undefined,
  context: Context,
): Promise<string> {
  const name = formatImage(image);
  const stream = await ask(
    context,
    `push of ${name}`,
    () =>
      requestStream(engine, 'POST', `/images/${repositoryOf(image)}/push`, {
        query: { tag: image.tag ?? 'latest' },
        auth: authconfig ?? {},
        signal: context.signal,
      }),
    [404, 500],
  ).catch((error: unknown) => {
    if (error instanceof HomeostatError) throw error;
    return failPush(image, engineMessage(error));
  });
  let digest: string | undefined;
  let lastTold = 0;
  let retrying = false;
  try {
    for await (const line of jsonLines(stream)) {
      const fault = (line.errorDetail as { message?: string } | undefined)?.message ?? line.error;
      if (fault) failPush(image, String(fault));
      const aux = line.aux as { Digest?: string } | undefined;
      if (aux?.Digest) digest = aux.Digest;
      if (!retrying && /^Retrying in/.test(String(line.status))) {
        retrying = true;
        context.log.warn(`push of ${name}: the registry did not take a layer; the Engine tries again for a minute`);
      }
      if (typeof line.status === 'string' && line.id === undefined && context.clock.monotonic() - lastTold > 500) {
        lastTold = context.clock.monotonic();
        context.log.debug(line.status);
      }
    }
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    throw error instanceof HomeostatError ? error : engineError(`push of ${name}`, error);
  }
  return (
    digest ??
    fail('ENGINE_FAILED', `push of ${name}: the Engine’s answer ended before the digest came`, {
      cause: 'the connection to the Engine was cut, or the Engine stopped',
    })
  );
}

function failPush(image: ImageReference, cause: string): never {
  const name = formatImage(image);
  const words = wordsAlone(cause, image);
  if (denied.test(words))
    fail('REGISTRY_DENIED', `the registry ${image.registry} refused the credentials for ${name}`, { cause });
  if (unreachable.test(words) && !status5xx.test(words) && !/no space left/.test(words))
    fail('REGISTRY_UNREACHABLE', `the registry ${image.registry} does not answer`, { cause });
  return fail('PUSH_FAILED', `the image ${name} could not be pushed`, { cause });
}

/**
 * Puts further tags on an image that was tested and pushed, without building anything: the digest stays the same.
 * @throws PUSH_FAILED when the registry gives another digest
 */
export async function tagRelease(
  engine: Engine,
  tested: ImageReference,
  tags: string[],
  context: Context,
): Promise<void> {
  for (const tag of tags) {
    const target = withTag(tested, tag);
    await ask(context, `tagging ${formatImage(target)}`, () =>
      request(engine, 'POST', `/images/${formatImage(tested)}/tag`, { query: { repo: repositoryOf(target), tag } }),
    );
    const pushed = await pushImage(engine, target, context);
    if (pushed.digest !== tested.digest) {
      fail('PUSH_FAILED', `the tag ${formatImage(target)} does not stand on the tested image`, {
        cause: `tested ${tested.digest}, pushed ${pushed.digest}`,
      });
    }
  }
}
