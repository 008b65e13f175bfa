import type { Readable } from 'node:stream';
import { fail } from './errors';

/**
 * The JSON documents of a stream that has one on each line, the unterminated last one among them.
 * docker-modem's own decoder throws inside the data handler and drops the last line, hence this one.
 * @throws ENGINE_FAILED for a line that is no JSON object
 */
export async function* jsonLines(stream: Readable): AsyncGenerator<Record<string, unknown>> {
  const decoder = new TextDecoder();
  let held = '';
  for await (const chunk of stream) {
    held += decoder.decode(chunk as Buffer, { stream: true });
    const lines = held.split('\n');
    held = lines.pop()!;
    for (const line of lines) if (line.trim()) yield parseLine(line);
  }
  held += decoder.decode();
  if (held.trim()) yield parseLine(held);
}

function parseLine(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return fail('ENGINE_FAILED', 'the Docker Engine sent a line that is not a JSON object', {
    cause: `the line begins with ${JSON.stringify(line.trim().slice(0, 120))}`,
    remedy: 'Check that DOCKER_HOST names a Docker Engine, and that no proxy stands in between.',
  });
}
