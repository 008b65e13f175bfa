import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';

/** An answer that ends the handling of an HTTP request. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    text: string,
    readonly headers: OutgoingHttpHeaders = {},
  ) {
    super(text);
  }
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
