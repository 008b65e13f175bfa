import { createHash } from 'node:crypto';

/** What alerts are called in Prometheus and Alertmanager. */
export interface NamedAlert {
  service: string;
  alert: string;
}

const plain = ({ service, alert }: NamedAlert) => `${service}_${alert}`.replace(/[^A-Za-z0-9_]/g, '_');

/**
 * `<service>_<alertName>` with nothing but letters, digits and underscores. Where two would be the same, the first one
 * keeps it and the others get a short hash behind: `api-v2` and `api_v2` stay apart, and none changes when another comes.
 * @param alerts each once, the oldest service's first
 * @returns names in the same order
 */
export function alertNames(alerts: NamedAlert[]): string[] {
  const taken = new Set<string>();
  return alerts.map((alert) => {
    const name = plain(alert);
    const hash = createHash('sha256').update(`${alert.service}\0${alert.alert}`).digest('hex');
    const free = [name, `${name}_${hash.slice(0, 6)}`, `${name}_${hash}`].find((each) => !taken.has(each))!;
    taken.add(free);
    return free;
  });
}
