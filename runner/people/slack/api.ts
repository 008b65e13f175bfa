import type { WebClient } from '@slack/web-api';
import type { SlackSettings } from '../settings';
import type { Message } from './message';

/** Milliseconds. */
const timeout = 5000;

/**
 * What Slack answered. `limited`: not now, after some seconds. `trouble`: it needs a person (token, channel, rights).
 * `unknown`: no answer, it may have been done. `refused`: it takes this message not at all. `gone`: there is no such message.
 */
export type SlackAnswer<T> =
  | { kind: 'done'; value: T }
  | { kind: 'limited'; seconds: number }
  | { kind: 'trouble' | 'unknown' | 'refused' | 'gone'; error: string };

export interface Posted {
  channel: string;
  ts: string;
}

/** What marks a message as ours, so that it can be found again. */
export interface Mark {
  record: string;
  revision: string;
}

const eventType = 'homeostat_message';
/** Errors that last until a person does something (https://docs.slack.dev/reference/methods/chat.postMessage#errors). */
const troubles =
  /^(not_authed|invalid_auth|account_inactive|token_(revoked|expired)|missing_scope|no_permission|access_denied|channel_not_found|not_in_channel|is_archived|restricted_action.*|org_login_required|ekm_access_denied|team_access_not_granted|not_allowed_token_type)$/;
const passing = /^(internal_error|fatal_error|service_unavailable|request_timeout|team_added_to_org)$/;
const missing = /^(message_not_found|cant_update_message|edit_window_closed)$/;
const defaultPause = 30;

/** Slack's Web API, as far as it is used here. */
export class SlackApi {
  private client: Promise<WebClient> | undefined;

  constructor(private readonly settings: SlackSettings) {}

  post(channel: string, message: Message, mark: Mark): Promise<SlackAnswer<Posted>> {
    return this.call(async (client) => {
      const metadata = { event_type: eventType, event_payload: { ...mark } };
      const sent = await client.apiCall('chat.postMessage', { channel, ...message, ...plain, metadata });
      return { channel: String(sent.channel), ts: String(sent.ts) };
    });
  }

  update({ channel, ts }: Posted, message: Message, mark: Mark): Promise<SlackAnswer<Posted>> {
    return this.call(async (client) => {
      const metadata = { event_type: eventType, event_payload: { ...mark } };
      await client.apiCall('chat.update', { channel, ts, ...message, ...plain, metadata });
      return { channel, ts };
    });
  }

  /** Tells one person something in a channel. */
  whisper(channel: string, user: string, text: string): Promise<SlackAnswer<undefined>> {
    return this.call(async (client) => {
      await client.apiCall('chat.postEphemeral', { channel, user, text });
      return undefined;
    });
  }

  /** The message of a record, where one was posted since then; undefined where there is none. */
  find(
    channel: string,
    record: string,
    since: Date,
  ): Promise<SlackAnswer<(Posted & { revision: string }) | undefined>> {
    return this.call(async (client) => {
      const oldest = String(Math.floor(since.getTime() / 1000) - 60);
      const page = await client.apiCall('conversations.history', {
        ...{ channel, oldest, limit: 200 },
        include_all_metadata: true,
      });
      const found = (page.messages as HistoryMessage[]).find(
        ({ metadata }) => metadata?.event_type === eventType && metadata.event_payload?.record === record,
      );
      return found && { channel, ts: found.ts, revision: found.metadata!.event_payload!.revision ?? '' };
    });
  }

  private async call<T>(work: (client: ApiClient) => Promise<T>): Promise<SlackAnswer<T>> {
    this.client ??= this.connect();
    try {
      return { kind: 'done', value: await work((await this.client) as unknown as ApiClient) };
    } catch (error) {
      return answerOf(error as ApiFault);
    }
  }

  private async connect(): Promise<WebClient> {
    const { WebClient: Client, LogLevel } = await import('@slack/web-api');
    const { token, url } = this.settings;
    const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, setName() {} };
    return new Client(token, {
      slackApiUrl: url,
      timeout,
      // Our own outbox tries again; a queue in memory would be lost, and send twice what timed out.
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      allowAbsoluteUrls: false,
      logger: { ...quiet, getLevel: () => LogLevel.ERROR },
    });
  }
}

/** No text becomes a link or a mention that was not written as one. */
const plain = { parse: 'none', link_names: false, unfurl_links: false, unfurl_media: false };

/** Slack's answers with what they hold, which the package types method by method. */
interface ApiClient {
  apiCall(method: string, options: Record<string, unknown>): Promise<Record<string, unknown>>;
}

interface HistoryMessage {
  ts: string;
  metadata?: { event_type: string; event_payload?: Partial<Mark> };
}

interface ApiFault {
  code?: string;
  message?: string;
  retryAfter?: number;
  statusCode?: number;
  data?: { error?: string };
}

function answerOf(fault: ApiFault): SlackAnswer<never> {
  const { code, retryAfter, data, message = 'no answer' } = fault;
  if (code === 'slack_webapi_rate_limited_error') return { kind: 'limited', seconds: retryAfter ?? defaultPause };
  const error = data?.error;
  if (code !== 'slack_webapi_platform_error' || error === undefined) return { kind: 'unknown', error: message };
  if (error === 'ratelimited' || error === 'rate_limited') return { kind: 'limited', seconds: defaultPause };
  if (troubles.test(error)) return { kind: 'trouble', error };
  if (missing.test(error)) return { kind: 'gone', error };
  return { kind: passing.test(error) ? 'unknown' : 'refused', error };
}
