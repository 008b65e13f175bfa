import { fail, HomeostatError, messageOf } from '../common/errors';
import { jobPath } from '../common/job-path';
import { codeOf, lastingFault } from './connection';
import {
  buildingIn,
  buildTree,
  itemTree,
  type BuildDocument,
  type JobSummary,
  type LogPart,
  type PendingInput,
  type QueueItem,
} from './documents';
import { isBuildPath } from './input';
import { Pauses } from './pauses';
import { JenkinsRequests, NotNow, passing, Refused } from './requests';

export type Parameters = Record<string, string>;

const queueLimit = 300_000;
/** Builds looked at for one that an uncertain request may have started. */
const newest = 50;

/** Nothing was sent: the connection was never there. */
const unsent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/** Behind these there may be a Jenkins that has heard it. */
const uncertain = new Set([500, 502, 504]);

/**
 * A client of Jenkins, and of the embedded job server, which answers alike. What reads is tried again while nobody answers;
 * what starts a build only when it is certain that none was started.
 * @see https://www.jenkins.io/doc/book/using/remote-access-api/
 */
export class JenkinsClient extends JenkinsRequests {
  /**
   * Puts a build of a job into the queue, without a quiet period.
   * @returns id of the queue's item; an equal one that waits already is that one
   * @throws JENKINS_FAILED; also when it cannot be known whether the build was queued
   */
  async trigger(job: string, parameters: Parameters = {}): Promise<number> {
    const before = await this.newestKnown(job);
    const named = Object.keys(parameters).length > 0;
    const address = `${jobPath(job)}/${named ? 'buildWithParameters' : 'build'}?delay=0sec`;
    const data = new URLSearchParams(parameters).toString();
    const arrived = (cause: string) => this.arrived(job, parameters, before, cause);
    const once = async () => {
      const answer = await this.send('POST', address, { data }).catch((error: unknown) => {
        if (lastingFault(error)) return this.failFor(error);
        if (unsent.has(codeOf(error))) throw new NotNow(messageOf(error));
        return arrived(messageOf(error));
      });
      if (typeof answer === 'number') return answer;
      // A Jenkins that starts has not looked at it.
      if (answer.status === 503) throw new NotNow('status 503');
      // Whatever host its root URL names: the number counts.
      const item = /\/queue\/item\/(\d+)\/?$/.exec(String(answer.headers.location ?? ''))?.[1];
      if ((answer.status === 201 || answer.status === 303) && item !== undefined) return Number(item);
      const refuse = () => this.refuse(`${job} was not started`, answer);
      if (!uncertain.has(answer.status) && answer.status !== 201) return refuse();
      return arrived(`status ${answer.status}`).catch((error: unknown) => {
        if (error instanceof NotNow && !passing.has(answer.status)) return refuse();
        throw error;
      });
    };
    return this.untilAnswered(once, (error) => error instanceof NotNow);
  }

  /**
   * Number of the build that an item of the queue has become.
   * @param limit milliseconds
   * @throws JENKINS_FAILED when it was cancelled, or has not begun by then
   */
  async started(item: number, limit = queueLimit): Promise<number> {
    const { clock, signal } = this.context;
    const end = clock.monotonic() + limit;
    for (const pauses = new Pauses(); ;) {
      const { executable, cancelled, why } = await this.item(item);
      if (executable) return executable.number;
      if (cancelled) return fail('JENKINS_FAILED', `item ${item} of the queue was cancelled`);
      if (clock.monotonic() > end)
        return fail('JENKINS_FAILED', `item ${item} has not begun within ${limit / 1000} s`, {
          cause: why ?? 'no reason is told',
          remedy: 'Look at the queue of Jenkins: an agent with the label of the job has to be online and free.',
        });
      await clock.sleep(pauses.next(), signal);
    }
  }

  /** Number of the last build of a job; 0 before the first. @throws JENKINS_FAILED */
  async lastBuild(job: string): Promise<number> {
    const { lastBuild } = await this.json<{ lastBuild?: { number: number } | null }>(
      jobPath(job),
      'lastBuild[number]',
      `the job ${job} cannot be read`,
    );
    return lastBuild?.number ?? 0;
  }

  /** @throws JENKINS_FAILED */
  build(job: string, number: number): Promise<BuildDocument> {
    return this.json(`${jobPath(job)}/${number}`, buildTree, `build ${number} of ${job} cannot be read`);
  }

  /** The log of a build from a byte on. @throws JENKINS_FAILED */
  async log(job: string, number: number, from: number): Promise<LogPart> {
    const address = `${jobPath(job)}/${number}/logText/progressiveText?start=${from}`;
    const { data, headers } = await this.read(address, `the log of build ${number} of ${job} cannot be read`);
    return {
      text: String(data),
      next: Number(headers['x-text-size'] ?? from),
      more: headers['x-more-data'] === 'true',
    };
  }

  /**
   * Shows the log of a build as it comes, until the build has ended.
   * @throws JENKINS_FAILED; the build goes on in Jenkins, unless it was deleted
   */
  async follow(job: string, number: number, show: (text: string) => void): Promise<BuildDocument> {
    const { clock, signal } = this.context;
    const pauses = new Pauses();
    for (let from = 0; ;) {
      const [document, { text, next, more }] = await this.look(job, number, from);
      from = next;
      if (text) {
        show(text);
        pauses.shorten();
      }
      if (!document.building && !more) return document;
      await clock.sleep(pauses.next(), signal);
    }
  }

  /** Names of the jobs that are being built or wait for it. @throws JENKINS_FAILED */
  async busy(): Promise<string[]> {
    const [{ items }, { jobs }] = await Promise.all([
      this.json<{ items: QueueItem[] }>('queue', 'items[id,task[name]]', 'the queue cannot be read'),
      this.json<{ jobs: JobSummary[] }>('.', 'jobs[name,color,jobs[name,color]]', 'the jobs cannot be read'),
    ]);
    return [...new Set([...buildingIn(jobs), ...items.map(({ task, id }) => task?.name ?? `item ${id}`)])];
  }

  /** Stops a build; one that has ended stays as it is. @throws JENKINS_FAILED */
  async stop(job: string, number: number): Promise<void> {
    const answer = await this.certain('POST', `${jobPath(job)}/${number}/stop`);
    if (answer.status !== 200 && !this.isDone(answer)) this.refuse(`build ${number} of ${job} was not stopped`, answer);
  }

  /** Inputs for which a build waits: only Jenkins has any. @throws JENKINS_FAILED */
  async pendingInputs(job: string, number: number): Promise<PendingInput[]> {
    const address = `${jobPath(job)}/${number}/wfapi/pendingInputActions`;
    const what = `the inputs of build ${number} of ${job} cannot be read`;
    const answer = await this.read(address, what, [404]);
    return answer.status === 404 ? [] : this.parse(answer, what);
  }

  /**
   * Answers an input of a build (https://plugins.jenkins.io/pipeline-input-step/). One that is not there (any more) is fine:
   * somebody was faster, or the build has not come to it.
   * @param build its path, `job/<name>/<number>`
   * @param parameters what the input asks for; with 'abort' there is nothing to be given
   * @returns whether there was such an input
   * @throws JENKINS_FAILED
   */
  async answerInput(
    build: string,
    id: string,
    answer: 'proceed' | 'abort',
    parameters: Parameters = {},
  ): Promise<boolean> {
    if (!isBuildPath(build)) return fail('JENKINS_FAILED', `'${build.slice(0, 80)}' is not the path of a build`);
    const values = Object.entries(parameters).map(([name, value]) => ({ name, value }));
    // proceedEmpty passes no parameters, and submit wants its button to be named.
    const submitted = answer === 'proceed' && values.length > 0;
    const verb = submitted ? 'submit' : answer === 'proceed' ? 'proceedEmpty' : 'abort';
    const form = new URLSearchParams();
    if (submitted) {
      form.set('json', JSON.stringify({ parameter: values }));
      form.set('proceed', 'Proceed');
    }
    const address = `${build}/input/${encodeURIComponent(id)}/${verb}`;
    const response = await this.certain('POST', address, { data: form.toString() });
    if (response.status === 404) return false;
    if (response.status === 200 || this.isDone(response)) return true;
    return this.refuse(`the answer to ${id} of ${build} was not taken`, response, 'input');
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
    const { items } = await this.json<{ items: QueueItem[] }>(
      'queue',
      `items[${itemTree}]`,
      'the queue cannot be read',
    );
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

  /** A build and its log from a byte on; what is not there any more, or not for us, is told as what became of the build. */
  private async look(job: string, number: number, from: number): Promise<[BuildDocument, LogPart]> {
    try {
      const document = await this.build(job, number);
      return [document, await this.log(job, number, from)];
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status !== 404)
        return fail('JENKINS_FAILED', `build ${number} of ${job} cannot be followed any more`, {
          ...(error.causeText ? { cause: error.causeText } : {}),
          remedy: `The build goes on in Jenkins: look there how it ends. ${error.remedy}`,
        });
      const kept = await this.lastBuild(job).then(
        () => true,
        () => false,
      );
      const lost = kept ? `build ${number} of ${job} was deleted` : `the job ${job} was renamed, moved or deleted`;
      return fail('JENKINS_FAILED', `${lost} while it was watched`, {
        cause: 'how it ended is not known',
        remedy: 'Look in Jenkins whether it still runs, and at what it was to change, before you start it again.',
      });
    }
  }

  private item = (item: number): Promise<QueueItem> =>
    this.json(`queue/item/${item}`, itemTree, `item ${item} of the queue cannot be read`);
}
