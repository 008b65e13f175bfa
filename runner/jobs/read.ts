import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Masker } from '../common/mask';
import { Refusal } from '../common/refusal';
import { jsonAnswer, textAnswer, type Answer, type Call } from './answer';
import { resolveBuild } from './builds';
import { buildDocument, jobDocument, jobReference, leftDocument, rootDocument, waitingDocument } from './documents';
import type { JobEngine } from './engine';
import type { Build } from './model';
import { allows } from './rights';
import type { JobStore } from './store';
import { jobOf } from './trigger';

export interface Readable {
  engine: JobEngine;
  store: JobStore;
  masker: Masker;
  executors: number;
  now: () => number;
}

const visible = ({ engine }: Readable, call: Call) =>
  [...engine.jobs.keys()].filter((name) => allows(call.user!.rights, name, 'read'));

export function readRoot(server: Readable, call: Call): Answer {
  const jobs = visible(server, call).map((name) => jobReference(call.root, name, server.engine.buildsOf(name)));
  return jsonAnswer(rootDocument(call.root, jobs, server.executors));
}

/** Clients ask for a crumb before they post. It is never looked at: only tokens are accepted, and those need none. */
export function readCrumb(call: Call): Answer {
  const crumb = createHash('sha256').update(`crumb ${call.user!.name}`).digest('hex');
  const _class = 'hudson.security.csrf.DefaultCrumbIssuer';
  return jsonAnswer({ _class, crumb, crumbRequestField: 'Jenkins-Crumb' });
}

export async function readJob(server: Readable, call: Call): Promise<Answer> {
  const job = jobOf(server.engine, call, 'read');
  const { engine } = server;
  return jsonAnswer(
    jobDocument(call.root, job, {
      builds: engine.buildsOf(job.name),
      items: engine.itemsOf(job.name),
      busyJobs: engine.busyJobs,
      nextBuildNumber: await engine.nextBuildNumber(job.name),
      now: server.now(),
    }),
  );
}

export function readJobPage(server: Readable, call: Call): Answer {
  const job = jobOf(server.engine, call, 'read');
  return textAnswer(200, `${job.name}\n${job.description}`.trim());
}

function buildOf(server: Readable, call: Call) {
  const job = jobOf(server.engine, call, 'read');
  const builds = server.engine.buildsOf(job.name);
  const build = resolveBuild(builds, call.build);
  if (!build) throw new Refusal(404, `${job.name} has no build ${call.build}.`);
  return { job, build, builds };
}

export async function readBuild(server: Readable, call: Call): Promise<Answer> {
  const { job, build, builds } = buildOf(server, call);
  const result = await resultDocument(server, build);
  return jsonAnswer(buildDocument(call.root, job, build, builds, { now: server.now(), result }));
}

export function readBuildPage(server: Readable, call: Call): Answer {
  const { build } = buildOf(server, call);
  return textAnswer(200, `${build.job} #${build.number} ${build.result ?? 'is running'}`);
}

/** Bytes of a result document that are read. */
const longestResult = 1_000_000;

async function resultDocument({ store, masker }: Readable, build: Build): Promise<unknown> {
  const file = store.resultFile(build.job, build.number);
  try {
    if ((await stat(file)).size > longestResult) return undefined;
    return JSON.parse(masker(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/**
 * `consoleText`, and `logText/progressiveText?start=`: X-Text-Size is where to go on, X-More-Data says that the build
 * still runs. A start behind the end begins anew, as in Jenkins (LargeText).
 */
export async function readLog(server: Readable, call: Call, progressive: boolean): Promise<Answer> {
  const { build } = buildOf(server, call);
  const path = server.store.logFile(build.job, build.number);
  // Asked before the size: a build that ends in between is asked for once more rather than cut off.
  const running = build.result === undefined;
  const size = await stat(path).then(
    (state) => state.size,
    () => 0,
  );
  const text = progressive ? (call.query.get('start') ?? '0') : '0';
  if (!/^\d{1,15}$/.test(text)) throw new Refusal(400, 'start is not a number.');
  const start = Number(text) > size ? 0 : Number(text);
  const headers = {
    'Content-Type': 'text/plain;charset=utf-8',
    'Content-Length': size - start,
    ...(progressive ? { 'X-Text-Size': size, ...(running ? { 'X-More-Data': 'true' } : {}) } : {}),
  };
  return { status: 200, headers, file: { path, start, end: size } };
}

export function readQueue(server: Readable, call: Call): Answer {
  const names = new Set(visible(server, call));
  const items = server.engine.itemsOf().filter((item) => names.has(item.job));
  const _class = 'hudson.model.Queue';
  return jsonAnswer({
    _class,
    items: items.map((item) => waitingDocument(call.root, item, itemState(server, item.job))),
  });
}

export function readItem(server: Readable, call: Call): Answer {
  const { engine } = server;
  const id = /^\d{1,15}$/.test(call.item) ? Number(call.item) : -1;
  const waiting = engine.item(id);
  const left = engine.leftItem(id);
  const job = waiting?.job ?? left?.job;
  if (job === undefined || !allows(call.user!.rights, job, 'read'))
    throw new Refusal(404, `There is no queue item ${call.item} here.`);
  if (waiting) return jsonAnswer(waitingDocument(call.root, waiting, itemState(server, job)));
  const builds = engine.buildsOf(job);
  const build = left && 'number' in left ? resolveBuild(builds, String(left.number)) : undefined;
  return jsonAnswer(leftDocument(call.root, id, job, build, builds));
}

const itemState = (server: Readable, job: string) => ({
  builds: server.engine.buildsOf(job),
  busyJobs: server.engine.busyJobs,
  now: server.now(),
});
