import { HomeostatError, messageOf } from '../common/errors';
import { readBody, Refusal } from '../common/refusal';
import { parseRequest } from '../scaling/request';
import { parametersOf, readNotice } from './alert-body';
import type { Answer, Call } from './answer';
import type { JobEngine } from './engine';
import type { Job } from './model';
import { bodyLimit, jobOf } from './trigger';

/** The job that scales. */
const scalingJob = 'service-scale';
/** With more than this waiting, Alertmanager is told to come again. */
const mostWaiting = 1000;

const answer = (status: number, message: string): Answer => ({
  status,
  headers: { 'Content-Type': 'application/json;charset=utf-8' },
  body: `${JSON.stringify({ status: status < 300 ? 'OK' : 'NOK', message })}\n`,
});

export const ping = (): Answer => answer(200, '');

export type ScalerRoute = 'scaleService' | 'scaleNodes' | 'rescheduleServices' | 'rescheduleService';

/**
 * The addresses of docker-scaler: each becomes a queued build of the job service-scale, confirmed once it is on disk. 503
 * asks Alertmanager to come again; it does not do so after a 4xx, which is only for what can never be understood.
 */
export async function scalerRequest(engine: JobEngine, call: Call, route: ScalerRoute, now: number): Promise<Answer> {
  try {
    const job = jobOf(engine, { ...call, job: scalingJob }, 'build');
    const wanted = await wishOf(call, route, now);
    if (!wanted) return answer(200, 'resolved: nothing to do');
    const lacking = Object.keys(wanted).filter((name) => !job.parameters.has(name) && !optional.includes(name));
    if (lacking.length > 0) return answer(503, `the job ${scalingJob} does not declare ${lacking.join(', ')}`);
    if (engine.itemsOf(scalingJob).length >= mostWaiting) return answer(503, `${mostWaiting} requests wait already`);
    return await queue(engine, job, call, wanted);
  } catch (error) {
    if (error instanceof Refusal) return answer(error.status, error.message);
    if (error instanceof HomeostatError) return answer(400, error.message);
    return answer(503, `the job server could not take it: ${messageOf(error)}`);
  }
}

/** Parameters that a job may do without. */
const optional = ['id', 'at'];

async function queue(engine: JobEngine, job: Job, call: Call, wanted: Record<string, string>): Promise<Answer> {
  const parameters = Object.fromEntries(
    [...job.parameters].map(([name, parameter]) => [name, wanted[name] ?? parameter.default]),
  );
  const { item } = await engine.submit(job, { kind: 'user', user: call.user!.name }, { parameters, delay: 0 });
  const what = [wanted.type, wanted.service, wanted.scale].filter(Boolean).join(' ');
  return answer(200, `queued: ${what} (${call.root}queue/item/${item.id}/)`);
}

/** The parameters that the request asks for; undefined when its alert is over. @throws USAGE_INVALID, Refusal */
async function wishOf(call: Call, route: ScalerRoute, now: number): Promise<Record<string, string> | undefined> {
  const notice = readNotice((await readBody(call.request, bodyLimit)).toString('utf8'));
  if (notice && !notice.firing) return undefined;
  const given: Record<string, string> = {
    ...(notice ? parametersOf(notice, new Date(now)) : {}),
    ...Object.fromEntries([...call.query].filter(([, value]) => value !== '')),
  };
  const { service, scale, by, id, at, type } = given;
  const alert = { ...(id === undefined ? {} : { id }), ...(at === undefined ? {} : { at }) };
  if (route === 'rescheduleServices') return { scale: 'reschedule', ...alert };
  if (route === 'rescheduleService') return { scale: 'reschedule', service: required('service', service), ...alert };
  const words = { scale: required('scale', scale), ...(by === undefined ? {} : { by }), ...alert };
  if (route === 'scaleNodes') {
    if (type !== undefined && !['node', 'worker', 'manager'].includes(type))
      throw new Refusal(400, `type is '${type.slice(0, 80)}'; allowed is worker or manager`);
    parseRequest({ ...wordsOf(words), service: 'nodes' }, 'alert', '');
    return { ...words, ...(service === undefined ? {} : { service }), type: type ?? 'worker' };
  }
  const name = required('service', service);
  parseRequest({ ...wordsOf(words), service: name }, 'alert', '');
  return { ...words, service: name };
}

const wordsOf = ({ scale = '', by, id, at }: Record<string, string>) => ({ scale, step: by, id, sentAt: at });

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw new Refusal(400, `${name} is missing, both in the address and in the alert's labels`);
  return value;
}
