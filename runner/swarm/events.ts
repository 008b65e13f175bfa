import type { Context } from '../common/context';
import { requestStream, type Engine } from '../common/engine';
import { jsonLines } from '../common/json-lines';

/** One event of the Swarm (https://docs.docker.com/engine/api/v1.41/#tag/System/operation/SystemEvents). */
export interface SwarmEvent {
  type: string;
  action: string;
  /** Of the object that changed. */
  name: string;
  /** Seconds since 1970, by the Engine's clock. */
  time: number;
}

export interface EventOptions {
  types: string[];
  /** Seconds since 1970 by the Engine's clock, inclusive; events in memory of the Engine (256 at most) are told again. */
  since: number;
  signal: AbortSignal;
  onOpen(): void;
}

/**
 * The Swarm's events until the stream ends. There are none for tasks, and any may be lost: the Engine drops what a slow
 * reader does not take and keeps nothing over a restart.
 * @throws whatever the Engine or the connection say
 */
export async function* swarmEvents(
  engine: Engine,
  { types, since, signal, onOpen }: EventOptions,
): AsyncGenerator<SwarmEvent> {
  // Without the scope, a network event comes for every container that starts.
  const query = { since, filters: { type: types, scope: ['swarm'] } };
  const stream = await requestStream(engine, 'GET', '/events', { query, signal });
  onOpen();
  try {
    for await (const line of jsonLines(stream)) yield eventOf(line);
  } finally {
    stream.destroy();
  }
}

function eventOf(line: Record<string, unknown>): SwarmEvent {
  const actor = (line.Actor ?? {}) as { Attributes?: Record<string, string> };
  return {
    type: String(line.Type),
    action: String(line.Action),
    name: actor.Attributes?.name ?? '',
    time: Number(line.time) || 0,
  };
}

/** What follows events needs to know of time: where to begin, by this machine's clock and with room for a difference. */
export const eventsFrom = ({ clock }: Context): number => Math.floor(clock.now().getTime() / 1000) - 2;
