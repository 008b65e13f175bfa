import { createHmac } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import axios from 'axios';
import type { Test } from 'tap';

interface Block {
  type: string;
  text?: { type: string; text: string };
  elements?: {
    type: string;
    text?: { type: string; text: string } | string;
    value?: string;
    action_id?: string;
    style?: string;
  }[];
}

export interface SlackMessage {
  ts: string;
  channel: string;
  text: string;
  blocks: Block[];
  metadata?: { event_type: string; event_payload: Record<string, string> };
  /** How often it was edited. */
  edits: number;
}

export interface Call {
  method: string;
  at: number;
  arguments: Record<string, string>;
}

/** What is to go wrong with the next call: before it is done, or after. */
export type Fault =
  { status: number; headers?: Record<string, string> } | { error: string } | { silent: 'before' | 'after' };

const required: Record<string, string[]> = {
  'chat.postMessage': ['channel'],
  'chat.update': ['channel', 'ts'],
  'chat.postEphemeral': ['channel', 'user'],
  'conversations.history': ['channel'],
};

/**
 * A stand-in for Slack's servers: speaks as much of the Web API as is used, and is strict about it. Errors are those that
 * Slack documents for each method, with status 200; too many messages get 429 and Retry-After.
 */
export class SlackServer {
  readonly token = 'xoxb-of-the-tests';
  readonly secret = 'signing-secret-of-the-tests';
  readonly channel = 'C0123456789';
  readonly messages: SlackMessage[] = [];
  readonly whispers: { user: string; text: string }[] = [];
  readonly calls: Call[] = [];
  readonly faults: Fault[] = [];
  /** Scopes that the app was not given. */
  mayReadHistory = true;
  /** Messages that a channel takes within a second. */
  perSecond = 2;
  url = '';
  private count = 0;
  private readonly server = http.createServer((request, response) => void this.answer(request, response));

  async start(t: Pick<Test, 'teardown'>, port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/api/`;
    t.teardown(() => this.stop());
    return this;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** What the runner has to be told to reach this server. */
  environment(): Record<string, string> {
    return {
      HOMEOSTAT_SLACK_URL: this.url,
      HOMEOSTAT_SLACK_TOKEN: this.token,
      HOMEOSTAT_SLACK_CHANNEL: this.channel,
      HOMEOSTAT_SLACK_SIGNING_SECRET: this.secret,
    };
  }

  settings() {
    return { url: this.url, token: this.token, channel: this.channel, signingSecret: this.secret };
  }

  callsOf(method: string): Call[] {
    return this.calls.filter((call) => call.method === method);
  }

  /** Messages whose text or blocks hold a text. */
  about(part: string): SlackMessage[] {
    return this.messages.filter((message) => JSON.stringify(message).includes(part));
  }

  /** Presses a button as Slack does: signed, in a form, at the address of the app. */
  async click(
    address: string,
    message: SlackMessage,
    actionId: string,
    user: { id: string; username: string },
    more: { at?: number; secret?: string; replay?: boolean } = {},
  ): Promise<{ status: number; milliseconds: number; again: () => Promise<number> }> {
    const action = buttonsOf(message).find(({ action_id }) => action_id === actionId);
    if (!action) throw new Error(`there is no button ${actionId}: ${JSON.stringify(message.blocks)}`);
    const payload = {
      type: 'block_actions',
      user: { ...user, name: user.username, team_id: 'T1' },
      api_app_id: 'A1',
      container: { type: 'message', message_ts: message.ts, channel_id: message.channel, is_ephemeral: false },
      channel: { id: message.channel, name: 'deploys' },
      actions: [{ ...action, type: 'button', action_ts: String(Date.now() / 1000) }],
    };
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const headers = signed(body, more.secret ?? this.secret, more.at ?? Date.now());
    const send = () =>
      axios.post(`${address}/v1/slack/interactions`, body, { headers, proxy: false, validateStatus: () => true });
    const start = performance.now();
    const { status } = await send();
    return { status, milliseconds: performance.now() - start, again: async () => (await send()).status };
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = (request.url ?? '').replace(/^\/api\//, '');
    const body = await readText(request);
    const fields = Object.fromEntries(new URLSearchParams(body));
    this.calls.push({ method, at: performance.now(), arguments: fields });
    const fault = this.faults.shift();
    if (fault && 'silent' in fault && fault.silent === 'before') return;
    if (fault && 'status' in fault) return void response.writeHead(fault.status, fault.headers).end('fault');
    const result = fault && 'error' in fault ? { ok: false, error: fault.error } : this.result(request, method, fields);
    if (fault && 'silent' in fault) return;
    if (result.error === 'ratelimited')
      return void response.writeHead(429, { 'Retry-After': '1' }).end(JSON.stringify(result));
    response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(result));
  }

  private result(request: IncomingMessage, method: string, fields: Record<string, string>): Record<string, unknown> {
    const refuse = (error: string) => ({ ok: false, error });
    if (request.method !== 'POST') return refuse('invalid_post_type');
    if (!/^application\/x-www-form-urlencoded/.test(request.headers['content-type'] ?? ''))
      return refuse('invalid_form_data');
    const authorization = request.headers.authorization;
    if (authorization === undefined) return refuse('not_authed');
    if (authorization !== `Bearer ${this.token}`) return refuse('invalid_auth');
    if (!Object.hasOwn(required, method)) return refuse('unknown_method');
    for (const name of required[method]!) if (!fields[name]) return refuse('invalid_arguments');
    if (fields.channel !== this.channel) return refuse('channel_not_found');
    if (method === 'conversations.history') return this.history(fields);
    const problem = messageProblem(fields);
    if (problem) return refuse(problem);
    if (method === 'chat.postEphemeral') {
      this.whispers.push({ user: fields.user!, text: fields.text! });
      return { ok: true, message_ts: this.newTs() };
    }
    const recent = this.calls.filter(
      (call) => /^chat\.(post|update)/.test(call.method) && call.at > performance.now() - 1000,
    );
    if (recent.length > this.perSecond) return refuse('ratelimited');
    return method === 'chat.update' ? this.update(fields) : this.post(fields);
  }

  private post(fields: Record<string, string>) {
    const ts = this.newTs();
    const { channel, text = '' } = fields as { channel: string; text?: string };
    const metadata = fields.metadata
      ? { metadata: JSON.parse(fields.metadata) as SlackMessage['metadata'] & object }
      : {};
    this.messages.push({ ts, channel, text, blocks: blocksOf(fields), ...metadata, edits: 0 });
    return { ok: true, channel, ts };
  }

  private update(fields: Record<string, string>) {
    const message = this.messages.find(({ ts }) => ts === fields.ts);
    if (!message) return { ok: false, error: 'message_not_found' };
    message.text = fields.text ?? '';
    message.blocks = blocksOf(fields);
    if (fields.metadata) message.metadata = JSON.parse(fields.metadata) as NonNullable<SlackMessage['metadata']>;
    message.edits++;
    return { ok: true, channel: message.channel, ts: message.ts, text: message.text };
  }

  private history({ oldest = '0', limit = '100', include_all_metadata }: Record<string, string>) {
    if (!this.mayReadHistory)
      return { ok: false, error: 'missing_scope', needed: 'channels:history', provided: 'chat:write' };
    const found = this.messages.filter(({ ts }) => Number(ts) >= Number(oldest)).reverse();
    const messages = found.slice(0, Number(limit)).map(({ ts, text, blocks, metadata }) => ({
      ...{ type: 'message', ts, text, blocks },
      ...(include_all_metadata === 'true' && metadata ? { metadata } : {}),
    }));
    return { ok: true, messages, has_more: found.length > messages.length };
  }

  private newTs = () => `${Math.floor(Date.now() / 1000)}.${String(++this.count).padStart(6, '0')}`;
}

/** Headers of a request that Slack has signed. */
export function signed(body: string, secret: string, at: number): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const digest = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
  return {
    'Content-Type': 'application/x-www-form-urlencoded',
    'X-Slack-Request-Timestamp': timestamp,
    'X-Slack-Signature': `v0=${digest}`,
  };
}

export const buttonsOf = (message: Pick<SlackMessage, 'blocks'>) =>
  message.blocks.filter(({ type }) => type === 'actions').flatMap(({ elements = [] }) => elements);

const blocksOf = (fields: Record<string, string>) => JSON.parse(fields.blocks ?? '[]') as Block[];

/** Slack's word for what is wrong with a message (https://docs.slack.dev/reference/block-kit/blocks). */
function messageProblem(fields: Record<string, string>): string | undefined {
  if (!fields.text && !fields.blocks) return 'no_text';
  if ((fields.text ?? '').length > 40_000) return 'msg_too_long';
  let blocks: Block[];
  try {
    blocks = blocksOf(fields);
    if (fields.metadata) {
      const { event_type, event_payload } = JSON.parse(fields.metadata) as Record<string, unknown>;
      if (typeof event_type !== 'string' || typeof event_payload !== 'object') return 'invalid_metadata_format';
    }
  } catch {
    return 'invalid_blocks_format';
  }
  return blocksProblem(blocks);
}

export function blocksProblem(blocks: Block[]): string | undefined {
  if (blocks.length > 50) return 'invalid_blocks';
  const ok = blocks.every(({ type, text, elements }) => {
    if (type === 'section') return text?.type === 'mrkdwn' && text.text.length >= 1 && text.text.length <= 3000;
    if (type === 'context')
      return elements!.length <= 10 && elements!.every((each) => typeof each.text === 'string' && each.text !== '');
    if (type !== 'actions' || elements!.length < 1 || elements!.length > 25) return false;
    const ids = new Set(elements!.map(({ action_id }) => action_id));
    return (
      ids.size === elements!.length &&
      elements!.every(
        (each) =>
          each.type === 'button' &&
          typeof each.text === 'object' &&
          each.text.type === 'plain_text' &&
          each.text.text.length >= 1 &&
          each.text.text.length <= 75 &&
          (each.value ?? '').length <= 2000 &&
          (each.action_id ?? '').length <= 255 &&
          (each.style === undefined || each.style === 'primary' || each.style === 'danger'),
      )
    );
  });
  return ok ? undefined : 'invalid_blocks';
}
