import type { Clock } from '../../runner/common/clock';
import type { ServiceFacts, SwarmListing } from '../../runner/swarm/facts';

/** Lets everything that is ready to go on go on. */
export const settle = async () => {
  for (let count = 0; count < 20; count++) await new Promise((resolve) => setImmediate(resolve));
};

/** A clock that stands still until the test moves it; sleepers wake in the order of their times. */
export class VirtualClock implements Clock {
  private time = 0;
  private sleepers: { until: number; wake: () => void }[] = [];

  now(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.time);
  }

  monotonic(): number {
    return this.time;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const sleeper = { until: this.time + milliseconds, wake: resolve };
      this.sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.sleepers = this.sleepers.filter((each) => each !== sleeper);
        reject(signal.reason as Error);
      });
    });
  }

  async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    await settle();
    for (;;) {
      const next = this.sleepers.sort((a, b) => a.until - b.until)[0];
      if (!next || next.until > end) break;
      this.sleepers.shift();
      this.time = next.until;
      next.wake();
      await settle();
    }
    this.time = end;
    await settle();
  }
}

export const service = (
  name: string,
  labels: Record<string, string>,
  more: Partial<ServiceFacts> = {},
): ServiceFacts => ({
  id: `id-${name}`,
  name,
  createdAt: '2026-01-01T00:00:00Z',
  mode: 'replicated',
  replicas: 1,
  image: 'some/image',
  parallelism: 1,
  startFirst: false,
  running: 1,
  wanted: 1,
  labels: { 'com.df.notify': 'true', ...labels },
  networks: ['net-proxy'],
  ...more,
});

export const listing = (services: ServiceFacts[], more: Partial<SwarmListing> = {}): SwarmListing => ({
  services,
  nodes: [],
  networks: [
    { id: 'net-other', name: 'other' },
    { id: 'net-proxy', name: 'proxy' },
  ],
  secrets: [],
  ...more,
});

/** Labels of a route, and the same with a port that is none. */
export const route = (path: string, port = '8080') => ({ 'com.df.port': port, 'com.df.servicePath': path });
export const badPort = (path: string) => route(path, '80a');
