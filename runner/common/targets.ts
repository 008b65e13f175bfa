import { createHash } from 'node:crypto';

/** What Prometheus scrapes, in the form of its http_sd and file_sd (https://prometheus.io/docs/prometheus/latest/http_sd/). */
export interface TargetGroup {
  /** `host:port` */
  targets: string[];
  labels: Record<string, string>;
}

/** One group a line, so that two lists can be compared by eye; the same groups give the same bytes. */
export const targetsText = (groups: TargetGroup[]): string =>
  groups.length === 0 ? '[]\n' : `[\n${groups.map((group) => JSON.stringify(group)).join(',\n')}\n]\n`;

/** By this one who asks for targets tells which he has: `GET /v1/targets?have=…`. */
export const targetsRevision = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
