import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import type { Clock } from '../../common/clock';
import type { Context } from '../../common/context';
import { engineMessage, request, type Engine } from '../../common/engine';
import { fail, HomeostatError } from '../../common/errors';
import { pushImage } from '../../image/push';
import { credentialsFor } from '../../image/registry-auth';
import { formatImage, readImage, repositoryOf, withTag, type ImageReference } from '../../image/reference';
import { failed, findingOf, ok, unknown, type CheckDefinition, type Finding } from './check';

/** Where the tiny image is pushed to: a repository of the registry. */
const probePath = 'homeostat/doctor';
const probeTag = 'homeostat-doctor';

/**
 * The repository that is written to in a registry given as HOST[:PORT].
 * @throws USAGE_INVALID
 */
export function repositoryIn(registry: string): ImageReference {
  const read = readImage(`${registry}/${probePath}`);
  if (typeof read !== 'string' && read.registry === registry && read.path === probePath) return read;
  return fail('USAGE_INVALID', `--registry is '${registry.slice(0, 80)}', which is not the address of a registry`, {
    ...(typeof read === 'string' ? { cause: read } : {}),
    remedy: 'Write HOST or HOST:PORT, such as registry.example.com or 127.0.0.1:5000.',
  });
}

const notNamed = 'none is named: give --registry, or run where homeostat.yml is';

const lookupLimit = 5000;

/** Whether the registry's name has an address. */
export const nameCheck = (image: ImageReference | undefined): CheckDefinition => ({
  name: 'registry name',
  needs: 'nothing',
  async look({ facts, context }) {
    if (!image) return unknown(notNamed);
    const host = image.registry.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
    if (isIP(host)) return ok(`${host} is an address`);
    const where = facts.socket === undefined ? ' from here; the Engine is on another machine' : '';
    const late = context.clock.sleep(lookupLimit, context.signal).then(() => undefined);
    try {
      const found = await Promise.race([lookup(host), late]);
      if (found) return ok(`${host} is ${found.address}${where}`);
      return failed(`the look-up of ${host} took longer than ${lookupLimit / 1000} s${where}`, resolver);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      return failed(`${host} has no address${where} (${code})`, resolver);
    }
  },
});

const resolver = 'Correct the name, or the name servers in /etc/resolv.conf.';

/** Milliseconds for reaching the registry and for the push; together less than a check may take, so that the reason is told. */
const reachLimit = 4000;
const pushLimit = 9000;

/** Whether the Engine can write to the registry with the credentials found, by pushing a tiny image. */
export const registryCheck = (image: ImageReference | undefined): CheckDefinition => ({
  name: 'registry',
  needs: 'engine',
  async look({ engine, context }) {
    if (!image) return unknown(notNamed);
    const probe = withTag(image, probeTag);
    const trouble = await whyUnreachable(engine, probe, context);
    if (trouble) return judgeReach(probe.registry, trouble);
    try {
      await importTiny(engine, probe, context);
      return await pushTiny(engine, probe, context);
    } finally {
      await request(engine, 'DELETE', `/images/${formatImage(probe)}`).catch(() => undefined);
    }
  },
});

const network =
  /dial tcp|lookup|no such host|connection (refused|reset)|timeout|deadline exceeded|no route to host|network is unreachable|server gave HTTP response|certificate|x509|tls:|\bEOF\b/i;

/** Lets the Engine ask the registry for the image, which need not be there; answers with why it cannot be reached. */
async function whyUnreachable(engine: Engine, probe: ImageReference, context: Context): Promise<string | undefined> {
  const auth = (await credentialsFor(probe.registry, context)) ?? {};
  const late = AbortSignal.timeout(reachLimit);
  const signal = AbortSignal.any([context.signal, late]);
  try {
    await request(engine, 'GET', `/distribution/${formatImage(probe)}/json`, { auth, signal });
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    if (late.aborted) return `no answer within ${reachLimit / 1000} s`;
    const message = engineMessage(error);
    if (network.test(message)) return message;
  }
  return undefined;
}

/** Tells why the registry cannot be reached. */
export function judgeReach(registry: string, cause: string): Finding {
  const detail = `${registry} is unreachable: ${cause}`;
  if (/server gave HTTP response to HTTPS client/.test(cause))
    return failed(
      detail,
      `Give it a certificate, or add "${registry}" to insecure-registries in the Engine’s daemon.json.`,
    );
  if (/certificate|x509/.test(cause))
    return failed(detail, `Put the authority’s certificate into /etc/docker/certs.d/${registry}/ca.crt on every node.`);
  return failed(detail, 'Check the address, that it runs, and the network between the Engine and it.');
}

/** A clock by which all patience ends at once: a push is else tried again for half a minute before its reason is told. */
function impatient(clock: Clock): Clock {
  let reading = clock.monotonic();
  return { ...clock, monotonic: () => (reading += 3_600_000) };
}

async function pushTiny(engine: Engine, probe: ImageReference, context: Context): Promise<Finding> {
  const late = AbortSignal.timeout(pushLimit);
  const signal = AbortSignal.any([context.signal, late]);
  try {
    await pushImage(engine, probe, { ...context, signal, clock: impatient(context.clock) });
    return ok(`${probe.registry} took an image for ${repositoryOf(probe)}`);
  } catch (error) {
    if (error instanceof HomeostatError) return judgePush(probe.registry, error);
    if (!late.aborted) throw error;
    // The Engine itself tries again for a minute when a registry answers with an error.
    return notWritable(probe.registry, `it answers, but a push did not end within ${pushLimit / 1000} s`);
  }
}

const notWritable = (registry: string, cause: string) =>
  failed(
    `${registry} is not writable: ${cause}`,
    'Check its log, its disk space, whether it is read-only, and its rules for this repository.',
  );

/** Tells why a registry that answers does not take the image. */
export function judgePush(registry: string, error: HomeostatError): Finding {
  const cause = error.causeText ?? error.message;
  if (error.code === 'REGISTRY_DENIED') return failed(`${registry} denied the push: ${cause}`, error.remedy);
  if (error.code === 'REGISTRY_UNREACHABLE') return judgeReach(registry, cause);
  return error.code === 'PUSH_FAILED' ? notWritable(registry, cause) : findingOf(error);
}

/** An image of one empty file. Its configuration holds the time, so each push really writes to the registry. */
async function importTiny(engine: Engine, probe: ImageReference, { signal }: Context): Promise<void> {
  const archive = pack();
  archive.entry({ name: 'homeostat-doctor', mode: 0o444 }, '');
  archive.finalize();
  const repo = repositoryOf(probe);
  await engine
    .importImage(Readable.from(archive, { objectMode: false }), { repo, tag: probeTag, abortSignal: signal })
    .then(drain)
    .catch((error: unknown) =>
      fail('ENGINE_FAILED', 'the Engine did not take a tiny image to push', { cause: engineMessage(error) }),
    );
}

async function drain(stream: NodeJS.ReadableStream): Promise<void> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  const problem = /"error":"([^"]*)"/.exec(text)?.[1];
  if (problem) throw new Error(problem);
}
