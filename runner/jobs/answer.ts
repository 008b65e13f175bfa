import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Right } from './rights';
import { allows } from './rights';
import type { User } from './tokens';

/** What a request is answered with. */
export interface Answer {
  status: number;
  headers?: OutgoingHttpHeaders;
  body?: string;
  /** Part of a file to send instead of a body; `end` is the first byte that is not sent. */
  file?: { path: string; start: number; end: number };
}

/** An answer that ends the handling of a request. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    text: string,
    readonly headers: OutgoingHttpHeaders = {},
  ) {
    super(text);
  }
}

const plain = { 'Content-Type': 'text/plain;charset=utf-8' };

export const textAnswer = (status: number, text: string, headers: OutgoingHttpHeaders = {}): Answer => ({
  status,
  headers: { ...plain, ...headers },
  body: text.endsWith('\n') ? text : `${text}\n`,
});

export const jsonAnswer = (document: object): Answer => ({
  status: 200,
  headers: { 'Content-Type': 'application/json;charset=utf-8' },
  body: JSON.stringify(document),
});

/** One request as the handlers see it. */
export interface Call {
  query: URLSearchParams;
  request: IncomingMessage;
  /** Address of the server as the client knows it, with a slash at the end. */
  root: string;
  user: User | undefined;
  job: string;
  build: string;
  item: string;
}

/** Answers 404 for a job that the user may not see, as Jenkins does, and 403 for what he may not do with it. */
export function requireRight(user: User | undefined, job: string, known: boolean, right: Right): void {
  if (!known || !user || !allows(user.rights, job, 'read')) throw new Refusal(404, `There is no job '${job}' here.`);
  if (!allows(user.rights, job, right))
    throw new Refusal(403, `${user.name} is missing the ${right} right for the job ${job}.`);
}

/**
 * The body of a request.
 * @throws Refusal 413 when it is longer than the limit in bytes
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLong = () => new Refusal(413, `The body is longer than ${limit} bytes.`, { Connection: 'close' });
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
