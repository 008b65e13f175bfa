import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Refusal } from '../common/refusal';
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
