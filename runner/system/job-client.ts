import axios, { type AxiosInstance } from 'axios';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import { retry } from '../common/retry';

export interface BuildResult {
  number: number;
  result: 'SUCCESS' | 'FAILURE' | 'ABORTED';
  /** What the runner wrote as its result, or its error. */
  document: Record<string, unknown>;
}

interface BuildDocument {
  number: number;
  building: boolean;
  result: BuildResult['result'] | null;
  homeostat?: Record<string, unknown>;
}

const poll = 300;
/** So long (milliseconds) may there be no answer: the proxy before it, or the job server itself, may be replaced. */
const awayLimit = 20_000;

/** What `up` asks of the job server, in the URLs of Jenkins. */
export class JobClient {
  private readonly http: AxiosInstance;

  constructor(
    address: string,
    user: string,
    token: string,
    private readonly context: Context,
  ) {
    this.http = axios.create({
      baseURL: address,
      auth: { username: user, password: token },
      timeout: 10_000,
      proxy: false,
      responseType: 'json',
    });
  }

  /** Number of the last build of a job; 0 before the first. */
  async lastBuild(job: string): Promise<number> {
    const { data } = await this.get<{ lastBuild: { number: number } | null }>(`/job/${job}/api/json`);
    return data.lastBuild?.number ?? 0;
  }

  /** Waits for a build after that number, shows its log as it comes, and answers with its result. */
  async follow(job: string, after: number, show: (text: string) => void, limit: number): Promise<BuildResult> {
    const { clock, signal } = this.context;
    const start = clock.monotonic();
    let number = after;
    while (number === after) {
      if (clock.monotonic() - start > limit)
        fail('JOB_FAILED', `no build of ${job} began within ${limit / 1000} s`, {
          cause: 'the push did not reach the job server',
        });
      await clock.sleep(poll, signal);
      number = await this.lastBuild(job);
    }
    let from = 0;
    for (;;) {
      const document = await this.build(job, number);
      const { data, headers } = await this.get<string>(
        `/job/${job}/${number}/logText/progressiveText?start=${from}`,
        'text',
      );
      from = Number(headers['x-text-size'] ?? from);
      if (data) show(String(data));
      if (document && !document.building && headers['x-more-data'] !== 'true')
        return { number, result: document.result!, document: document.homeostat ?? {} };
      await clock.sleep(poll, signal);
    }
  }

  private async build(job: string, number: number): Promise<BuildDocument> {
    return (await this.get<BuildDocument>(`/job/${job}/${number}/api/json`)).data;
  }

  private async get<T>(path: string, responseType: 'json' | 'text' = 'json') {
    const { clock, signal } = this.context;
    try {
      return await retry(() => this.http.get<T>(path, { responseType, signal }), {
        ...{ clock, signal, limit: awayLimit, pause: poll },
        worthIt: (error) => axios.isAxiosError(error) && !error.response,
      });
    } catch (error) {
      if (this.context.signal.aborted) throw this.context.signal.reason;
      return fail('JOB_FAILED', `the job server did not answer ${path.split('?')[0]}`, { cause: messageOf(error) });
    }
  }
}
