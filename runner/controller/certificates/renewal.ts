/** A certificate that a service asks for, by ACME. */
export interface Wanted {
  /** In lower case, the first is the common name. */
  hosts: string[];
  email?: string | undefined;
  testing: boolean;
  service: string;
}

export interface Attempts {
  failures: number;
  /** Milliseconds since 1970 of the last one. */
  last: number;
}

const firstPause = 60_000;
/** Let's Encrypt allows five failed validations for a host in an hour (https://letsencrypt.org/docs/rate-limits/). */
const longestPause = 6 * 3_600_000;

/** Name under which a certificate is kept: the same hosts have the same one. */
export const nameOf = ({ hosts, testing }: Pick<Wanted, 'hosts' | 'testing'>): string =>
  `${testing ? 'testing-' : ''}${hosts[0]!.replaceAll(/[^a-z0-9.-]/g, '_').slice(0, 80)}-${hosts.length}`;

/** When a certificate is to be renewed: as soon as less than a third of its life is left. Milliseconds since 1970. */
export function renewAt({ notBefore, notAfter }: { notBefore: string; notAfter: string }): number {
  const end = Date.parse(notAfter);
  return end - (end - Date.parse(notBefore)) / 3;
}

/** Milliseconds after a failure until the next attempt: a minute, then twice as long each time, six hours at most. */
export const pauseAfter = (failures: number): number =>
  failures === 0 ? 0 : Math.min(firstPause * 2 ** (failures - 1), longestPause);

/** Of what is wanted, what is to be ordered now; the same hosts are ordered once. */
export function dueNow(
  wanted: Wanted[],
  kept: Map<string, { notBefore: string; notAfter: string; domains: string[] }>,
  attempts: Map<string, Attempts>,
  now: number,
): Wanted[] {
  const due = new Map<string, Wanted>();
  for (const each of wanted) {
    const name = nameOf(each);
    const present = kept.get(name);
    const current = present && each.hosts.every((host) => present.domains.includes(host)) && renewAt(present) > now;
    const { failures, last } = attempts.get(name) ?? { failures: 0, last: 0 };
    if (!current && now >= last + pauseAfter(failures) && !due.has(name)) due.set(name, each);
  }
  return [...due.values()];
}
