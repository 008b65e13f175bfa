import type { AxiosInstance, AxiosResponse, Method } from 'axios';
import type { Context } from '../common/context';
import { fail, HomeostatError, messageOf } from '../common/errors';
import { retry } from '../common/retry';
import type { JenkinsAccess } from './access';
import { connect, lastingFault } from './connection';
import { redirectionOf } from './redirection';
import { complaintOf, type Subject } from './statuses';

/** How long is waited, in milliseconds. */
export interface Patience {
  /** For one answer. */
  answer: number;
  /** While nobody answers. */
  away: number;
}

export const patience: Patience = { answer: 10_000, away: 20_000 };
const retryPause = 300;

/** What a Jenkins that starts, and a proxy before one that is away, answer. */
export const passing = new Set([502, 503, 504]);

/** Nobody has looked at a request: it may be sent again. */
export class NotNow extends Error {}

/** An answer by which Jenkins refuses. */
export class Refused extends HomeostatError {
  constructor(
    what: string,
    readonly status: number,
    complaint: { cause: string; remedy?: string },
  ) {
    super('JENKINS_FAILED', what, complaint);
  }
}

/** Requests to Jenkins, tried again while nobody answers, and refusals told with what to do. */
export class JenkinsRequests {
  private readonly http: AxiosInstance;

  constructor(
    access: JenkinsAccess,
    protected readonly context: Context,
    private readonly times = patience,
  ) {
    this.http = connect(access, times.answer);
  }

  protected async json<T>(address: string, tree: string, what: string): Promise<T> {
    return this.parse(await this.read(`${address}/api/json?tree=${encodeURIComponent(tree)}`, what), what);
  }

  protected parse<T>(answer: AxiosResponse, what: string): T {
    try {
      return JSON.parse(String(answer.data)) as T;
    } catch {
      return this.refuse(what, answer);
    }
  }

  protected async read(address: string, what: string, fine: number[] = []): Promise<AxiosResponse> {
    const answer = await this.certain('GET', address);
    if (answer.status === 200 || fine.includes(answer.status)) return answer;
    return this.refuse(what, answer);
  }

  /** Sends what may be sent twice, until somebody answers. */
  protected certain(method: Method, address: string, more: object = {}): Promise<AxiosResponse> {
    const once = async () => {
      const answer = await this.send(method, address, more).catch((error: unknown) => this.failFor(error));
      if (passing.has(answer.status)) throw new NotNow(`status ${answer.status}`);
      return answer;
    };
    return this.untilAnswered(once, (error) => !(error instanceof HomeostatError));
  }

  protected untilAnswered<T>(once: () => Promise<T>, worthIt: (error: unknown) => boolean): Promise<T> {
    const { clock, signal } = this.context;
    const options = { clock, signal, limit: this.times.away, pause: retryPause, worthIt };
    return retry(once, options).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      if (error instanceof HomeostatError) throw error;
      return fail('JENKINS_FAILED', `Jenkins at ${this.http.defaults.baseURL} gives no answer`, {
        cause: messageOf(error),
      });
    });
  }

  protected send(method: Method, url: string, more: object): Promise<AxiosResponse> {
    return this.http.request({ method, url, signal: this.context.signal, ...more });
  }

  /** Throws the error of a connection on; one that lasts as what it is, so that it is not tried again. */
  protected failFor(error: unknown): never {
    const lasting = lastingFault(error);
    if (lasting) fail('JENKINS_FAILED', `Jenkins at ${this.http.defaults.baseURL} cannot be asked`, lasting);
    throw error;
  }

  /** Jenkins sends who has done something on to a page of its own. */
  protected isDone = (answer: AxiosResponse): boolean => answer.status === 302 && redirectionOf(answer) === undefined;

  protected refuse(what: string, answer: AxiosResponse, subject?: Subject): never {
    throw new Refused(what, answer.status, complaintOf(answer, subject));
  }
}
