import type { Readable } from 'node:stream';
import type { Context } from '../common/context';
import { secondsSince } from '../common/clock';
import { ask, dial, engineError, engineMessage, statusOf, type Engine } from '../common/engine';
import { fail, HomeostatError } from '../common/errors';
import { jsonLines } from '../common/json-lines';
import { openSession, type Session } from './buildkit/session';
import { createTraceReader, type BuildEvent } from './buildkit/trace';
import { planContext, streamContext, type ContextPlan } from './context-stream';
import { liveProgress, plainProgress, type Progress } from './progress';
import { hubRegistry, parseImage } from './reference';
import { credentialsFor } from './registry-auth';

/** One image to build, as plain data: what --dry-run prints. Secrets are named, never shown. */
export interface BuildPlan {
  image: string;
  context: string;
  dockerfile: string;
  target?: string;
  args: Record<string, string>;
  labels: Record<string, string>;
  /** Secret id → `env:NAME` or `file:path`. */
  secrets: Record<string, string>;
  noCache: boolean;
  pull: boolean;
  builder: 'auto' | 'buildkit' | 'classic';
}

export interface BuildResult {
  image: string;
  /** Digest of the image's configuration: its identity on the Engine. */
  id: string;
  builder: 'buildkit' | 'classic';
  seconds: number;
}

/**
 * Builds an image on the Engine, with BuildKit where it can be had and the classic builder elsewhere.
 * @throws BUILD_FAILED, SECRET_MISSING, CONFIG_INVALID, ENGINE_UNREACHABLE, ENGINE_FAILED
 */
export async function buildImage(
  engine: Engine,
  plan: BuildPlan,
  secrets: Record<string, Buffer>,
  context: Context,
): Promise<BuildResult> {
  const start = context.clock.monotonic();
  const source = await planContext(context.cwd, plan.context, plan.dockerfile);
  const progress = context.stderr.isTTY
    ? liveProgress(context.stderr, context.clock, context.masker)
    : plainProgress(context.log);
  const session = plan.builder === 'classic' ? undefined : await trySession(engine, plan, secrets, context);
  try {
    const id = await runBuild(engine, plan, source, session, progress, context);
    return {
      image: plan.image,
      id,
      builder: session ? 'buildkit' : 'classic',
      seconds: secondsSince(context.clock, start),
    };
  } finally {
    progress.end();
    session?.close();
  }
}

async function trySession(
  engine: Engine,
  plan: BuildPlan,
  secrets: Record<string, Buffer>,
  context: Context,
): Promise<Session | undefined> {
  try {
    return await openSession(engine, {
      secrets,
      credentials: (host) => sessionCredentials(host, plan, context),
    });
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined || status === 500) throw engineError('opening a build session', error);
    const cause = engineMessage(error);
    if (plan.builder === 'buildkit' || Object.keys(plan.secrets).length > 0) {
      fail('BUILD_FAILED', 'BuildKit cannot be had on this Engine', {
        cause,
        remedy: 'Use an Engine with BuildKit, or leave build.secrets out and set build.builder to auto.',
      });
    }
    context.log.warn(`BuildKit cannot be had (${cause}); the classic builder is used`);
    return undefined;
  }
}

/** What BuildKit is given for a registry that a Dockerfile names: an identity token goes without user, as docker sends it. */
async function sessionCredentials(host: string, { image }: BuildPlan, context: Context) {
  const registry = host === 'registry-1.docker.io' || host === 'auth.docker.io' ? hubRegistry : host;
  const found = await credentialsFor(registry, context, parseImage(image).registry);
  return found?.identitytoken ? { username: '', password: found.identitytoken } : found;
}

async function runBuild(
  engine: Engine,
  plan: BuildPlan,
  source: ContextPlan,
  session: Session | undefined,
  progress: Progress,
  context: Context,
): Promise<string> {
  const body = streamContext(source);
  const broken = new AbortController();
  body.on('error', (error) => broken.abort(error));
  const signal = AbortSignal.any([context.signal, broken.signal]);
  const answer = await ask(
    context,
    'build',
    () =>
      dial(engine, {
        method: 'POST',
        path: '/build?',
        file: body,
        isStream: true,
        abortSignal: signal,
        options: {
          t: plan.image,
          dockerfile: source.dockerfile,
          buildargs: JSON.stringify(plan.args),
          labels: JSON.stringify(plan.labels),
          ...(plan.target ? { target: plan.target } : {}),
          ...(plan.noCache ? { nocache: true } : {}),
          ...(plan.pull ? { pull: true } : {}),
          ...(session ? { version: '2', session: session.id } : { rm: true, forcerm: true }),
        },
        headers: { 'Content-Type': 'application/x-tar' },
        statusCodes: { 200: true, 400: 'bad parameter', 500: 'server error' },
      }),
    [400],
  ).catch((error: unknown) => {
    if (signal.aborted) throw signal.reason;
    if (error instanceof HomeostatError) throw error;
    return fail('BUILD_FAILED', `the image ${plan.image} could not be built`, { cause: engineMessage(error) });
  });
  const stop = () => (answer as Readable).destroy(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await readAnswer(answer, plan, progress);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof HomeostatError ? error : engineError('build', error);
  } finally {
    signal.removeEventListener('abort', stop);
    body.destroy();
  }
}

/** Lines of output kept as evidence of the step that failed. */
const evidenceLines = 15;
/** What the classic builder says of itself, or a line of colours only: no evidence of anything. */
const chatter = /^( ---> |Removing intermediate container |\u001b\[[\d;]*m$)/; // eslint-disable-line no-control-regex

async function readAnswer(answer: Readable, plan: BuildPlan, progress: Progress): Promise<string> {
  const read = createTraceReader();
  const output = new Map<number, string[]>();
  let classicStep = 0;
  let failed: { step: number; name: string } | undefined;
  let id: string | undefined;
  const tell = (event: BuildEvent) => {
    progress.event(event);
    if (event.kind === 'failed') failed = { step: event.step, name: event.name };
    if (event.kind === 'started') classicStep = Math.max(classicStep, event.step);
    if (event.kind === 'output')
      output.set(
        event.step,
        [
          ...(output.get(event.step) ?? []),
          ...event.text.split('\n').filter((line) => line.trim() && !chatter.test(line)),
        ].slice(-evidenceLines),
      );
  };
  for await (const line of jsonLines(answer)) {
    const aux = line.aux as { ID?: string } | string | undefined;
    if (line.id === 'moby.buildkit.trace') read(aux as string).forEach(tell);
    else if (typeof aux === 'object' && aux.ID) id = aux.ID;
    else if (typeof line.stream === 'string' && line.stream.trim()) {
      const step = /^Step (\d+)\/\d+ : (.*)/.exec(line.stream);
      tell(
        step
          ? { kind: 'started', step: Number(step[1]), name: step[2]!.trim() }
          : { kind: 'output', step: Math.max(1, classicStep), text: line.stream },
      );
    }
    const fault = (line.errorDetail as { message?: string } | undefined)?.message ?? line.error;
    if (fault) {
      const step = failed?.step ?? classicStep;
      fail('BUILD_FAILED', `the image ${plan.image} could not be built${failed ? `: ${failed.name}` : ''}`, {
        cause: String(fault),
        evidence: output.get(step) ?? [],
      });
    }
  }
  return (
    id ??
    fail('ENGINE_FAILED', 'build: the Engine’s answer ended before the image was done', {
      cause: 'the connection to the Engine was cut, or the Engine stopped',
    })
  );
}
