import type { LocalEngine } from './local-engine';
import { isTold, memoryReading, type Reading } from './reading';

interface EngineInterface {
  rx_bytes: number;
  rx_packets: number;
  rx_errors: number;
  rx_dropped: number;
  tx_bytes: number;
  tx_packets: number;
  tx_errors: number;
  tx_dropped: number;
}

/** The parts of https://docs.docker.com/engine/api/v1.41/#operation/ContainerStats */
export interface EngineStats {
  cpu_stats?: { cpu_usage?: { total_usage?: number } };
  memory_stats?: { usage?: number; stats?: Record<string, number> };
  networks?: Record<string, EngineInterface>;
}

/** The reading of one container by the Engine; about a second, and some 4 ms of processor time of the Engine's processes. */
export async function readEngineStats(
  engine: LocalEngine,
  id: string,
  signal: AbortSignal,
  limit: number,
): Promise<Reading> {
  // Without `one-shot` the Engine waits for a second reading, which is not needed here. Engines before API 1.41 ignore it.
  const query = { stream: false, 'one-shot': true };
  return engineReading(await engine.ask<EngineStats>(`/containers/${id}/stats`, { query, signal, limit }));
}

/** What a container that has ended meanwhile is told of is empty. */
export function engineReading({ cpu_stats, memory_stats, networks }: EngineStats): Reading {
  const { usage, stats = {} } = memory_stats ?? {};
  const count = (first: string, second: string) => stats[first] ?? stats[second] ?? 0;
  const nanoseconds = cpu_stats?.cpu_usage?.total_usage;
  return {
    ...(usage === undefined
      ? {}
      : {
          memory: memoryReading(
            usage,
            count('total_cache', 'file'),
            count('total_rss', 'anon'),
            count('total_inactive_file', 'inactive_file'),
          ),
        }),
    ...(nanoseconds === undefined ? {} : { cpuSeconds: nanoseconds / 1e9 }),
    interfaces: Object.entries(networks ?? {})
      .filter(([name]) => isTold(name))
      .map(([name, each]) => ({
        name,
        receive: {
          bytes: each.rx_bytes,
          packets: each.rx_packets,
          errors: each.rx_errors,
          dropped: each.rx_dropped,
        },
        transmit: {
          bytes: each.tx_bytes,
          packets: each.tx_packets,
          errors: each.tx_errors,
          dropped: each.tx_dropped,
        },
      })),
  };
}
