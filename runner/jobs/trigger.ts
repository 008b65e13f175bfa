import { Refusal, readBody } from '../common/refusal';
import { parametersOf, readNotice } from './alert-body';
import { requireRight, textAnswer, type Answer, type Call } from './answer';
import { buildUrl, jobUrl } from './documents';
import type { JobEngine } from './engine';
import type { Submission } from './waiting-room';
import { resolveBuild } from './builds';
import type { Job } from './model';
import { chooseParameters, parseDelay } from './parameters';
import type { Right } from './rights';

/** Bytes of a request's body. */
export const bodyLimit = 1_000_000;

/** The job of a call, when its user may do that with it. */
export function jobOf(engine: JobEngine, call: Call, right: Right): Job {
  const job = engine.jobs.get(call.job);
  requireRight(call.user, call.job, job !== undefined, right);
  return job!;
}

/** POST `build` and `buildWithParameters`: 201 with the queue item, or 303 to the one that it joined. */
export async function triggerBuild(
  engine: JobEngine,
  call: Call,
  withParameters: boolean,
  now: number,
): Promise<Answer> {
  const job = jobOf(engine, call, 'build');
  const given = await givenParameters(call, withParameters ? job : undefined, now);
  if (!given) return textAnswer(200, 'The alert is resolved: nothing is built.');
  const delay = given.get('delay') === null ? undefined : parseDelay(given.get('delay')!);
  if (given.has('delay') && delay === undefined)
    throw new Refusal(400, `Invalid time duration value: ${given.get('delay')}; write for example delay=5sec.`);
  if (withParameters && job.parameters.size === 0)
    throw new Refusal(400, `${job.name} is not parameterized but the /buildWithParameters URL was used.`);
  if (!withParameters && job.parameters.size > 0)
    throw new Refusal(400, `${job.name} is parameterized; use /buildWithParameters.`);
  const chosen = chooseParameters(job.parameters, given);
  if ('problem' in chosen) throw new Refusal(400, `${job.name}: ${chosen.problem}.`);
  const submission = await engine.submit(
    job,
    { kind: 'user', user: call.user!.name },
    {
      parameters: chosen.values,
      ...(delay === undefined ? {} : { delay }),
      ...(job.kind === 'pipeline' ? { revision: {} } : {}),
    },
  );
  return queuedAnswer(call.root, submission);
}

function queuedAnswer(root: string, { item, folded }: Submission): Answer {
  const Location = `${root}queue/item/${item.id}/`;
  return { status: folded ? 303 : 201, headers: { Location, 'Content-Length': 0 } };
}

/**
 * Parameters come from the address and from a form. What neither has is taken from the labels of Alertmanager's own body,
 * where the body is one; undefined when its alerts are over. Any other body is read and left alone.
 */
async function givenParameters(call: Call, job: Job | undefined, now: number): Promise<URLSearchParams | undefined> {
  const type = call.request.headers['content-type'] ?? '';
  if (type.startsWith('multipart/'))
    throw new Refusal(415, 'Send parameters in the address or as application/x-www-form-urlencoded.');
  const body = (await readBody(call.request, bodyLimit)).toString('utf8');
  if (type.startsWith('application/x-www-form-urlencoded'))
    return new URLSearchParams([...call.query, ...new URLSearchParams(body)]);
  const notice = job && type.startsWith('application/json') ? readNotice(body) : undefined;
  if (!notice) return call.query;
  if (!notice.firing) return undefined;
  const told = Object.entries(parametersOf(notice, new Date(now))).filter(
    ([name]) => job!.parameters.has(name) && !call.query.has(name),
  );
  return new URLSearchParams([...call.query, ...told]);
}

/** POST `stop`: 302 to the build, whether it still ran or not. */
export function stopBuild(engine: JobEngine, call: Call): Answer {
  const job = jobOf(engine, call, 'stop');
  const build = resolveBuild(engine.buildsOf(job.name), call.build);
  if (!build) throw new Refusal(404, `${job.name} has no build ${call.build}.`);
  engine.stop(build, call.user!.name);
  return { status: 302, headers: { Location: buildUrl(call.root, build), 'Content-Length': 0 } };
}

/** What a hook is answered: the jobs that it triggered, with one `Triggered` header each, as the git plugin does. */
export function triggeredAnswer(root: string, triggered: readonly string[], otherwise: string): Answer {
  if (triggered.length === 0) return textAnswer(200, otherwise);
  const text = triggered.map((job) => `Scheduled polling of ${job}`).join('\n');
  return textAnswer(200, text, { Triggered: triggered.map((job) => jobUrl(root, job)) });
}
