import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { extract, pack } from 'tar-stream';
import type { Context } from '../common/context';
import { secondsSince } from '../common/clock';
import { ask, dial, engineError, request, requestStream, statusOf, type Engine } from '../common/engine';
import { createStreamMasker } from '../common/mask';

/** A test as one container, as plain data. */
export interface ContainerPlan {
  name: string;
  image: string;
  command?: string[];
  environment: Record<string, string>;
  /** Network to join; default: the Engine's own. */
  network?: string;
  labels: Record<string, string>;
  /** Milliseconds until it is killed. */
  timeout: number;
  /** Asks it to end, by SIGTERM. */
  enough?: AbortSignal;
  /** Files put into it before it starts, by absolute path. */
  files?: Record<string, Buffer>;
}

export interface ContainerResult {
  exitCode: number;
  timedOut: boolean;
  seconds: number;
  /** Last lines of its output, masked. */
  tail: string[];
  /** JUnit files it left below /results, as paths on this machine. */
  junit: string[];
  /** All of its standard output up to a limit, when that was asked for. */
  output: string;
}

const tailLines = 20;
const longestTailLine = 1000;
/** Output shown in the log; more is read and dropped, so that a test that prints without end fills nothing. */
const shownLimit = 2 * 1024 * 1024;
const keptOutput = 256 * 1024;

/** Runs one container to its end, shows its output line by line, and removes it, whatever happens. */
export async function runContainer(
  engine: Engine,
  plan: ContainerPlan,
  reports: string,
  context: Context,
): Promise<ContainerResult> {
  const start = context.clock.monotonic();
  const body = {
    Image: plan.image,
    ...(plan.command ? { Cmd: plan.command } : {}),
    Env: Object.entries(plan.environment).map(([key, value]) => `${key}=${value}`),
    Labels: plan.labels,
    HostConfig: plan.network ? { NetworkMode: plan.network } : {},
  };
  const created = await ask(context, `creating the container ${plan.name}`, () =>
    request<{ Id: string }>(engine, 'POST', '/containers/create', { query: { name: plan.name }, body }),
  );
  try {
    if (plan.files) await putFiles(engine, created.Id, plan.files, context);
    const ended = request<{ StatusCode: number }>(engine, 'POST', `/containers/${created.Id}/wait`, {
      query: { condition: 'next-exit' },
      signal: context.signal,
      limit: 0,
    });
    ended.catch(() => undefined);
    await ask(context, `starting ${plan.name}`, () => request(engine, 'POST', `/containers/${created.Id}/start`));
    const output = followOutput(engine, created.Id, plan.name, context);
    plan.enough?.addEventListener(
      'abort',
      () =>
        void request(engine, 'POST', `/containers/${created.Id}/kill`, { query: { signal: 'SIGTERM' } }).catch(
          () => undefined,
        ),
    );
    const timedOut = await endsWithin(ended, plan.timeout, context);
    if (timedOut) await request(engine, 'POST', `/containers/${created.Id}/kill`).catch(() => undefined);
    const exitCode = await ended.then(
      (end) => end.StatusCode,
      (error: unknown) => {
        if (context.signal.aborted) throw context.signal.reason;
        throw engineError(`waiting for ${plan.name}`, error);
      },
    );
    const { tail, text } = await output;
    const junit = await fetchReports(engine, created.Id, reports, context);
    return { exitCode, timedOut, seconds: secondsSince(context.clock, start), tail, junit, output: text };
  } finally {
    await request(engine, 'DELETE', `/containers/${created.Id}`, { query: { force: true, v: true } }).catch(
      (error: unknown) => {
        if (statusOf(error) !== 404)
          context.log.debug(`the container ${plan.name} could not be removed: ${String(error)}`);
      },
    );
  }
}

async function endsWithin(ended: Promise<unknown>, timeout: number, context: Context): Promise<boolean> {
  const timer = new AbortController();
  const signal = AbortSignal.any([context.signal, timer.signal]);
  const late = context.clock.sleep(timeout, signal).then(
    () => true,
    () => false,
  );
  const inTime = ended.then(
    () => false,
    () => false,
  );
  const timedOut = await Promise.race([late, inTime]);
  timer.abort(new Error('ended'));
  return timedOut;
}

async function followOutput(
  engine: Engine,
  id: string,
  name: string,
  context: Context,
): Promise<{ tail: string[]; text: string }> {
  const stream = await ask(context, `reading the output of ${name}`, () =>
    requestStream(engine, 'GET', `/containers/${id}/logs`, {
      query: { follow: 1, stdout: 1, stderr: 1 },
      signal: context.signal,
    }),
  );
  let shown = 0;
  let text = '';
  let tail: string[] = [];
  const write = (masked: string) => {
    const lines = masked.split('\n').filter((line) => line.trim());
    tail = [...tail, ...lines.slice(-tailLines).map((line) => line.slice(0, longestTailLine))].slice(-tailLines);
    if (shown <= shownLimit) context.log.output(`${name} | `, masked);
    if (shown <= shownLimit && shown + masked.length > shownLimit)
      context.log.warn(`${name} prints a lot; the rest of its output is not shown`);
    shown += masked.length;
  };
  const channels = { 1: createChannel(context, write), 2: createChannel(context, write) };
  try {
    for await (const { channel, data } of frames(stream)) {
      const decoded = channels[channel === 2 ? 2 : 1].push(data);
      if (channel !== 2 && text.length < keptOutput) text += decoded;
    }
  } catch (error) {
    if (!context.signal.aborted) context.log.warn(`the output of ${name} was cut: ${String(error)}`);
  }
  channels[1].end();
  channels[2].end();
  return { tail, text };
}

/** One channel of output: characters may be split between frames. */
function createChannel(context: Context, write: (text: string) => void) {
  const decoder = new TextDecoder();
  const masker = createStreamMasker(context.masker, write);
  return {
    push(data: Buffer) {
      const text = decoder.decode(data, { stream: true });
      masker.push(text);
      return text;
    },
    end: () => masker.end(),
  };
}

/** Frames of the Engine's multiplexed output: channel, three zero bytes, length (https://docs.docker.com/engine/api/v1.41/#operation/ContainerAttach). */
async function* frames(stream: Readable): AsyncGenerator<{ channel: number; data: Buffer }> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    held = held.length === 0 ? (chunk as Buffer) : Buffer.concat([held, chunk as Buffer]);
    while (held.length >= 8 && held.length >= 8 + held.readUInt32BE(4)) {
      const end = 8 + held.readUInt32BE(4);
      yield { channel: held[0]!, data: held.subarray(8, end) };
      held = held.subarray(end);
    }
  }
}

async function putFiles(engine: Engine, id: string, files: Record<string, Buffer>, context: Context): Promise<void> {
  const archive = pack();
  for (const [name, content] of Object.entries(files))
    archive.entry({ name: name.replace(/^\//, ''), mode: 0o644 }, content);
  archive.finalize();
  await ask(context, 'copying files into a container', () =>
    dial(engine, {
      method: 'PUT',
      path: `/containers/${id}/archive?`,
      options: { path: '/' },
      file: Readable.from(archive, { objectMode: false }),
      statusCodes: { 200: true },
    }),
  );
}

const reportLimit = 10 * 1024 * 1024;
const reportCount = 200;

async function fetchReports(engine: Engine, id: string, folder: string, context: Context): Promise<string[]> {
  const stream = await requestStream(engine, 'GET', `/containers/${id}/archive`, { query: { path: '/results' } }).catch(
    () => undefined,
  );
  if (!stream) return [];
  const written: string[] = [];
  const reader = stream.pipe(extract());
  for await (const entry of reader) {
    const { name, type, size = 0 } = entry.header;
    const file = path.join(folder, name.replace(/^\.?\/?results\//, '').replaceAll(/[^\w.-]+/g, '-'));
    if (
      type !== 'file' ||
      !name.endsWith('.xml') ||
      size > reportLimit ||
      written.length >= reportCount ||
      written.includes(file)
    ) {
      entry.resume();
      continue;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    await mkdir(folder, { recursive: true });
    await writeFile(file, context.masker(Buffer.concat(chunks).toString()));
    written.push(file);
  }
  return written;
}
