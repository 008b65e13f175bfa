import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import { agentHeader, type AgentReport, type Bundle, type EngineName } from '../common/bundle';
import type { Context } from '../common/context';
import { messageOf } from '../common/errors';
import { limited } from '../common/limited';
import { acceptBundle } from './accept-bundle';

export interface ControllerSettings {
  /** URL of the controller. */
  controller: string;
  tokenFile: string;
  /** Certificates that the controller's may be signed by, in place of the public ones. */
  caFile?: string | undefined;
  engine: EngineName;
  instance: string;
  /** Name under which this agent reports. */
  agent: string;
  /** Milliseconds that a question waits at the controller for something new. */
  wait: number;
}

/** Milliseconds that an answer may take beyond what the controller was asked to wait. */
const answerLimit = 10_000;
const largestBundle = 64 * 1024 * 1024;

/** Why there is no bundle; `denied` for a token that the controller does not know. */
export class NoBundle extends Error {
  constructor(
    message: string,
    readonly denied = false,
  ) {
    super(message);
  }
}

/** The controller as an agent sees it. */
export class ControllerClient {
  constructor(
    private readonly settings: ControllerSettings,
    private readonly context: Context,
  ) {}

  /**
   * The bundle as soon as its revision is not the one named; undefined when the wait is over.
   * @throws NoBundle
   */
  async pull(have: string): Promise<Bundle | undefined> {
    const { engine, instance, wait } = this.settings;
    const answer = await this.ask(wait + answerLimit, (http, signal) =>
      http.get<unknown>(`/v1/bundles/${engine}`, {
        params: { instance, have, wait: wait / 1000 },
        signal,
      }),
    );
    if (answer.status === 304) return undefined;
    if (answer.status !== 200) throw unexpected(answer);
    try {
      return acceptBundle(JSON.parse(String(answer.data)), engine, instance);
    } catch (error) {
      throw new NoBundle(`the controller's answer cannot be used: ${messageOf(error).slice(0, 200)}`);
    }
  }

  /**
   * What is to be scraped, as text, as soon as its revision is not the one named; undefined when the wait is over.
   * @throws NoBundle
   */
  async targets(have: string): Promise<string | undefined> {
    const { wait } = this.settings;
    const answer = await this.ask(wait + answerLimit, (http, signal) =>
      http.get<unknown>('/v1/targets', { params: { have, wait: wait / 1000 }, signal }),
    );
    if (answer.status === 304) return undefined;
    if (answer.status !== 200) throw unexpected(answer);
    return String(answer.data);
  }

  /** @throws NoBundle */
  async report(report: AgentReport): Promise<void> {
    const answer = await this.ask(answerLimit, (http, signal) => http.put('/v1/agents', report, { signal }));
    if (answer.status !== 204 && answer.status !== 200) throw unexpected(answer);
  }

  private async ask(
    limit: number,
    work: (http: AxiosInstance, signal: AbortSignal) => Promise<AxiosResponse<unknown>>,
  ): Promise<AxiosResponse<unknown>> {
    try {
      const http = await this.connect();
      return await limited(this.context.signal, limit, (signal) => work(http, signal));
    } catch (error) {
      if (this.context.signal.aborted) throw this.context.signal.reason;
      if (error instanceof NoBundle) throw error;
      const reason = axios.isCancel(error) ? `no answer within ${limit / 1000} s` : messageOf(error);
      throw new NoBundle(`the controller cannot be reached: ${reason}`);
    }
  }

  /** Secrets are read each time: they may be replaced while the agent runs. */
  private async connect(): Promise<AxiosInstance> {
    const { controller, tokenFile, caFile, agent } = this.settings;
    const token = (await read('token', tokenFile)).trim();
    this.context.masker.add(token);
    const ca = caFile === undefined ? undefined : await read('certificates of the controller', caFile);
    return axios.create({
      baseURL: controller,
      headers: { Authorization: `Bearer ${token}`, [agentHeader]: agent },
      ...(ca === undefined ? {} : { httpsAgent: new Agent({ ca }) }),
      // The token is for the controller alone.
      maxRedirects: 0,
      proxy: false,
      maxContentLength: largestBundle,
      responseType: 'text',
      transformResponse: (data: unknown) => data,
      validateStatus: () => true,
    });
  }
}

function unexpected({ status }: AxiosResponse<unknown>): NoBundle {
  if (status === 401) return new NoBundle('the controller does not know the token of this agent (401)', true);
  if (status === 503) return new NoBundle('the controller is not ready yet (503)');
  return new NoBundle(`the controller answers ${status}`);
}

async function read(what: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new NoBundle(`the file with the ${what} cannot be read: ${messageOf(error)}`);
  }
}
