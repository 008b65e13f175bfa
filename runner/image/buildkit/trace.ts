import { decodeMessage, secondsOf, type StatusResponse } from './messages';

/** What happened in one step of a build. */
export type BuildEvent =
  | { kind: 'started'; step: number; name: string }
  | { kind: 'output'; step: number; text: string }
  | { kind: 'done'; step: number; name: string; seconds: number; cached: boolean }
  | { kind: 'failed'; step: number; name: string; error: string };

/** Turns BuildKit's trace messages into events, each step told once. */
export function createTraceReader() {
  const numbers = new Map<string, number>();
  const told = new Map<string, 'started' | 'ended'>();
  return (base64: string): BuildEvent[] => {
    const message = decodeMessage<StatusResponse>('StatusResponse', Buffer.from(base64, 'base64'));
    const events: BuildEvent[] = [];
    const number = (digest: string) => {
      if (!numbers.has(digest)) numbers.set(digest, numbers.size + 1);
      return numbers.get(digest)!;
    };
    for (const vertex of message.vertexes) {
      const step = number(vertex.digest);
      const { name } = vertex;
      if (vertex.started && !told.has(vertex.digest)) {
        told.set(vertex.digest, 'started');
        events.push({ kind: 'started', step, name });
      }
    }
    for (const log of message.logs)
      events.push({ kind: 'output', step: number(log.vertex), text: Buffer.from(log.msg).toString() });
    for (const vertex of message.vertexes) {
      const { name, error, completed, started } = vertex;
      const step = number(vertex.digest);
      if ((!completed && !error) || told.get(vertex.digest) === 'ended') continue;
      told.set(vertex.digest, 'ended');
      if (error) events.push({ kind: 'failed', step, name, error });
      else
        events.push({
          kind: 'done',
          step,
          name,
          seconds: started ? secondsOf(completed!) - secondsOf(started) : 0,
          cached: vertex.cached ?? false,
        });
    }
    return events;
  };
}
