import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { readBody, Refusal } from '../../common/refusal';

/** What a request is answered with. */
export interface Answer {
  status: number;
  headers?: OutgoingHttpHeaders;
  body?: string;
}

const json = { 'Content-Type': 'application/json; charset=utf-8' };

export const jsonText = (body: string, status = 200): Answer => ({ status, headers: json, body });

export const jsonAnswer = (document: unknown, status = 200): Answer => jsonText(JSON.stringify(document), status);

export const plainAnswer = (text: string, type = 'text/plain; charset=utf-8'): Answer => ({
  status: 200,
  headers: { 'Content-Type': type },
  body: text,
});

/** Who sends no token, or a wrong one, learns nothing. */
export const unauthorised: Answer = { ...jsonAnswer({}, 401), headers: { ...json, 'WWW-Authenticate': 'Bearer' } };

/**
 * The body of a request as JSON.
 * @throws Refusal 413 when it is longer than the limit in bytes, 400 when it is not JSON
 */
export async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  const text = (await readBody(request, limit)).toString();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}
