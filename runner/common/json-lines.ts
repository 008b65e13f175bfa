import type { Readable } from 'node:stream';

/**
 * The JSON documents of a stream that has one on each line, the unterminated last one among them.
 * docker-modem's own decoder throws inside the data handler and drops the last line, hence this one.
 */
export async function* jsonLines(stream: Readable): AsyncGenerator<Record<string, unknown>> {
  const decoder = new TextDecoder();
  let held = '';
  for await (const chunk of stream) {
    held += decoder.decode(chunk as Buffer, { stream: true });
    const lines = held.split('\n');
    held = lines.pop()!;
    for (const line of lines) if (line.trim()) yield JSON.parse(line) as Record<string, unknown>;
  }
  if (held.trim()) yield JSON.parse(held) as Record<string, unknown>;
}
