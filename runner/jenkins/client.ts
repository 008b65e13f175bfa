import axios, { type AxiosInstance, type AxiosResponse, type Method } from 'axios';
import type { Context } from '../common/context';
import { fail, HomeostatError, messageOf } from '../common/errors';
import { jobPath } from '../common/job-path';
import { retry } from '../common/retry';
import type { JenkinsAccess } from './input';
import { complaintOf } from './statuses';

export type Parameters = Record<string, string>;

export type BuildEnd = 'SUCCESS' | 'UNSTABLE' | 'FAILURE' | 'NOT_BUILT' | 'ABORTED';

/** The part of `job/X/N/api/json` that is used. */
export interface BuildDocument {
  number: number;
  url: string;
  building: boolean;
  result: BuildEnd | null;
  queueId: number;
  actions?: ({ parameters?: { name: string; value?: unknown }[] } | null)[];
  /** What the command of the embedded job server wrote as its result. */
  homeostat?: Record<string, unknown> | null;
}

interface QueueItem {
  id: number;
  task?: { name?: string };
  why?: string | null;
  cancelled?: boolean;
  executable?: { number: number } | null;
  actions?: BuildDocument['actions'];
}

interface JobSummary {
  name: string;
  /** Ends with `_anime` while it is built. */
  color?: string;
  /** Of a folder, or the branches of a repository. */
  jobs?: JobSummary[];
}

/** An input for which a build waits. */
export interface PendingInput {
  id: string;
  message: string;
}

export interface LogPart {
  text: string;
  /** Where the next part begins. */
  next: number;
  more: boolean;
}

/** Milliseconds. */
const times = { answer: 10_000, away: 20_000, pause: 300, queued: 300_000 };
/** Builds looked at for one that an uncertain request may have started. */
const newest = 10;

/** Nothing was sent: the connection was never there. */
const unsent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/** What a Jenkins that starts, and a proxy before one that is away, answer. */
const passing = new Set([502, 503, 504]);

class NotNow extends Error {}

/**
 * A client of Jenkins, and of the embedded job server, which answers alike. What reads is tried again while nobody answers;
 * what starts a build only when it is certain that none was started.
 * @see https://www.jenkins.io/doc/book/using/remote-access-api/
 */
export class JenkinsClient {
  private readonly http: AxiosInstance;

  constructor(
    { url, user, token }: JenkinsAccess,
    private readonly context: Context,
  ) {
    this.http = axios.create({
      baseURL: url.endsWith('/') ? url : `${url}/`,
      auth: { username: user, password: token },
      ...{ timeout: times.answer, proxy: false, maxRedirects: 0, validateStatus: () => true },
    });
  }

  /**
   * Puts a build of a job into the queue, without a quiet period.
   * @returns id of the queue's item; an equal one that waits already is that one
   * @throws JENKINS_FAILED; also when it cannot be known whether the build was queued
   */
  async trigger(job: string, parameters: Parameters = {}): Promise<number> {
    const { clock, signal } = this.context;
    const before = await this.newestKnown(job);
    const named = Object.keys(parameters).length > 0;
    const address = `${jobPath(job)}/${named ? 'buildWithParameters' : 'build'}?delay=0sec`;
    const once = async () => {
      const answer = await this.send('POST', address, { data: new URLSearchParams(parameters).toString() }).catch(
        async (error: unknown) => {
          if (unsent.has((error as NodeJS.ErrnoException).code ?? '')) throw new NotNow(messageOf(error));
          return this.arrived(job, parameters, before, messageOf(error));
        },
      );
      if (typeof answer === 'number') return answer;
      // A Jenkins that starts has not looked at it; behind another status of a proxy there may have been one that has.
      if (answer.status === 503) throw new NotNow('status 503');
      if (answer.status === 502 || answer.status === 504)
        return this.arrived(job, parameters, before, `status ${answer.status}`);
      const item = /\/queue\/item\/(\d+)\/?$/.exec(String(answer.headers.location ?? ''))?.[1];
      if ((answer.status === 201 || answer.status === 303) && item !== undefined) return Number(item);
      return this.refuse(`${job} was not started`, answer);
    };
    const worthIt = (error: unknown) => error instanceof NotNow;
    return retry(once, { clock, signal, limit: times.away, pause: times.pause, worthIt }).catch((error: unknown) => {
      if (error instanceof NotNow) return this.away(error.message);
      throw error;
    });
  }

  /**
   * Number of the build that an item of the queue has become.
   * @param limit milliseconds
   * @throws JENKINS_FAILED when it was cancelled, or has not begun by then
   */
  async started(item: number, limit = times.queued): Promise<number> {
    const { clock, signal } = this.context;
    const end = clock.monotonic() + limit;
    for (;;) {
      const { executable, cancelled, why } = await this.json<QueueItem>(`queue/item/${item}/api/json`);
      if (executable) return executable.number;
      if (cancelled) return fail('JENKINS_FAILED', `item ${item} of the queue was cancelled`);
      if (clock.monotonic() > end)
        return fail('JENKINS_FAILED', `item ${item} has not begun within ${limit / 1000} s`, {
          cause: why ?? 'no reason is told',
        });
      await clock.sleep(times.pause, signal);
    }
  }

  /** Number of the last build of a job; 0 before the first. @throws JENKINS_FAILED */
  async lastBuild(job: string): Promise<number> {
    const { lastBuild } = await this.json<{ lastBuild?: { number: number } | null }>(`${jobPath(job)}/api/json`);
    return lastBuild?.number ?? 0;
  }

  /** @throws JENKINS_FAILED */
  build(job: string, number: number): Promise<BuildDocument> {
    return this.json<BuildDocument>(`${jobPath(job)}/${number}/api/json`);
  }

  /** The log of a build from a byte on. @throws JENKINS_FAILED */
  async log(job: string, number: number, from: number): Promise<LogPart> {
    const address = `${jobPath(job)}/${number}/logText/progressiveText?start=${from}`;
    const { data, headers } = await this.read(address, 'text');
    return {
      text: String(data),
      next: Number(headers['x-text-size'] ?? from),
      more: headers['x-more-data'] === 'true',
    };
  }

  /** Shows the log of a build as it comes, until the build has ended. @throws JENKINS_FAILED */
  async follow(job: string, number: number, show: (text: string) => void): Promise<BuildDocument> {
    const { clock, signal } = this.context;
    for (let from = 0; ;) {
      const document = await this.build(job, number);
      const { text, next, more } = await this.log(job, number, from);
      from = next;
      if (text) show(text);
      if (!document.building && !more) return document;
      await clock.sleep(times.pause, signal);
    }
  }

  /** Names of the jobs that are being built or wait for it. @throws JENKINS_FAILED */
  async busy(): Promise<string[]> {
    const { items } = await this.json<{ items: QueueItem[] }>('queue/api/json?tree=items[id,task[name]]');
    const { jobs } = await this.json<{ jobs: JobSummary[] }>('api/json?tree=jobs[name,color,jobs[name,color]]');
    const building = (job: JobSummary): string[] =>
      job.jobs
        ? job.jobs.flatMap((inner) => building(inner).map((name) => `${job.name}/${name}`))
        : job.color?.endsWith('_anime')
          ? [job.name]
          : [];
    return [...new Set([...jobs.flatMap(building), ...items.map(({ task, id }) => task?.name ?? `item ${id}`)])];
  }

  /** Stops a build; one that has ended stays as it is. @throws JENKINS_FAILED */
  async stop(job: string, number: number): Promise<void> {
    const answer = await this.certain('POST', `${jobPath(job)}/${number}/stop`);
    if (answer.status >= 400) this.refuse(`build ${number} of ${job} was not stopped`, answer);
  }

  /** Inputs for which a build waits: only Jenkins has any. @throws JENKINS_FAILED */
  async pendingInputs(job: string, number: number): Promise<PendingInput[]> {
    const answer = await this.read(`${jobPath(job)}/${number}/wfapi/pendingInputActions`, 'json', [404]);
    return answer.status === 404 ? [] : (answer.data as PendingInput[]);
  }

  /**
   * Answers an input; `parameters` are those that the input asks for.
   * @returns false where there is no such input (any more)
   * @throws JENKINS_FAILED
   */
  async submitInput(job: string, number: number, id: string, parameters: Parameters = {}): Promise<boolean> {
    const values = Object.entries(parameters).map(([name, value]) => ({ name, value }));
    const path = `${jobPath(job)}/${number}/input/${encodeURIComponent(id)}`;
    // proceedEmpty passes no parameters, and submit wants its button to be named.
    return values.length === 0
      ? this.answer(`${path}/proceedEmpty`, '')
      : this.answer(
          `${path}/submit`,
          new URLSearchParams({ json: JSON.stringify({ parameter: values }), proceed: 'Proceed' }).toString(),
        );
  }

  /** Ends a build by its input. @returns false where there is no such input (any more) @throws JENKINS_FAILED */
  abortInput(job: string, number: number, id: string): Promise<boolean> {
    return this.answer(`${jobPath(job)}/${number}/input/${encodeURIComponent(id)}/abort`, '');
  }

  private async answer(address: string, data: string): Promise<boolean> {
    const answer = await this.certain('POST', address, { data });
    if (answer.status === 404) return false;
    return answer.status < 400 || this.refuse('the input was not answered', answer);
  }

  /** Whether a build came of a request of which nobody knows what became. */
  private async arrived(job: string, parameters: Parameters, before: number, cause: string): Promise<number> {
    const unsure = (): never =>
      fail('JENKINS_FAILED', `it is not known whether ${job} was started`, {
        cause,
        remedy: `Look at the builds of ${job} before you start it again.`,
      });
    // Without an id two equal requests cannot be told apart.
    if (!parameters.id) return unsure();
    const ours = ({ actions }: Pick<BuildDocument, 'actions'>) =>
      (actions ?? []).some((action) =>
        action?.parameters?.some(({ name, value }) => name === 'id' && value === parameters.id),
      );
    const { items } = await this.json<{ items: QueueItem[] }>('queue/api/json');
    const waiting = items.find((item) => item.task?.name === job.split('/').at(-1) && ours(item));
    if (waiting) return waiting.id;
    const last = await this.lastBuild(job);
    for (let number = last; number > Math.max(before, last - newest); number--) {
      const build = await this.build(job, number);
      if (ours(build)) return build.queueId;
    }
    throw new NotNow(cause);
  }

  /** Whoever may start a job need not be one who may read it. */
  private newestKnown = (job: string): Promise<number> =>
    this.lastBuild(job).catch((error: unknown) => {
      if (error instanceof HomeostatError && !this.context.signal.aborted) return 0;
      throw error;
    });

  private json = async <T>(address: string): Promise<T> => (await this.read(address, 'json')).data as T;

  private async read(address: string, responseType: 'json' | 'text', fine: number[] = []): Promise<AxiosResponse> {
    const answer = await this.certain('GET', address, { responseType });
    if (answer.status === 200 || fine.includes(answer.status)) return answer;
    return this.refuse(`${address.split('?')[0]} cannot be read`, answer);
  }

  /** Sends what may be sent twice, until somebody answers. */
  private async certain(method: Method, address: string, more: object = {}): Promise<AxiosResponse> {
    const { clock, signal } = this.context;
    const once = async () => {
      const answer = await this.send(method, address, more);
      if (passing.has(answer.status)) throw new NotNow(`status ${answer.status}`);
      return answer;
    };
    const worthIt = () => !signal.aborted;
    return retry(once, { clock, signal, limit: times.away, pause: times.pause, worthIt }).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      return this.away(messageOf(error));
    });
  }

  private send(method: Method, url: string, more: object): Promise<AxiosResponse> {
    return this.http.request({ method, url, signal: this.context.signal, ...more });
  }

  private refuse(what: string, { status, data, headers }: AxiosResponse): never {
    return fail('JENKINS_FAILED', what, complaintOf(status, data, headers['x-jenkins'] !== undefined));
  }

  private away(cause: string): never {
    return fail('JENKINS_FAILED', `Jenkins at ${this.http.defaults.baseURL} gives no answer`, { cause });
  }
}
