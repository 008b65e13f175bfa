import type { ServiceState } from '../model';

/** Replicas of a service at a time (ISO), until the next one. */
export interface ReplicaPoint {
  at: string;
  running: number;
  wanted: number;
}

/** Changes kept of each service. */
const kept = 120;

/** How many replicas each service had since the controller began; only changes are kept. */
export class ReplicaLog {
  private readonly points = new Map<string, ReplicaPoint[]>();

  /** Takes in what is so now, and forgets the services that are gone. */
  look(services: readonly Pick<ServiceState, 'name' | 'replicas'>[], now: Date): void {
    const names = new Set(services.map(({ name }) => name));
    for (const name of this.points.keys()) if (!names.has(name)) this.points.delete(name);
    for (const { name, replicas } of services) {
      const points = this.points.get(name) ?? [];
      const last = points.at(-1);
      if (last?.running === replicas.running && last.wanted === replicas.wanted) continue;
      this.points.set(name, [...points, { at: now.toISOString(), ...replicas }].slice(-kept));
    }
  }

  /** Oldest first. */
  of(service: string): readonly ReplicaPoint[] {
    return this.points.get(service) ?? [];
  }
}
