import type { ServiceFacts } from '../swarm/facts';
import { isGood, type Judged, type Problem, type ServiceStateName, type Version } from './model';

/** The last good version of a service whose present labels are bad, as it stands in the store. */
export interface AcceptedRecord {
  /** Of the Swarm service: one that was made anew has no past. */
  service: string;
  version: Version;
}

export interface Decision {
  state: ServiceStateName;
  /** What is wrong with the present version. */
  problems: Problem[];
  /** What is served; undefined for nothing. */
  served?: Judged;
  lastGood: boolean;
  /** A last good version that is not in the store yet. */
  keep?: Version;
  /** The record in the store is not needed any more. */
  forget: boolean;
}

/**
 * Which version of a service is served: the present one where it is good, else the newest good one that is known - from
 * the store, from what was served before, from the Swarm's own memory of the spec before.
 * @param judge judges any version of this service
 * @param served good versions that this controller has served, the newest first
 */
export function decide(
  service: ServiceFacts,
  record: AcceptedRecord | undefined,
  served: Version[],
  judge: (version: Version) => Judged,
): Decision {
  const present = judge({ labels: service.labels, networks: service.networks });
  const { problems } = present;
  const stale = record !== undefined && record.service !== service.id;
  const forget = record !== undefined;
  if (!present.takesPart) return { state: 'ignored', problems, lastGood: false, forget };
  if (isGood(present)) return { state: 'accepted', problems, served: present, lastGood: false, forget };
  const stored = record && !stale ? judge(record.version) : undefined;
  if (stored && usable(stored))
    return { state: 'quarantined', problems, served: stored, lastGood: true, forget: false };
  const good = [...served, ...(service.previous ? [service.previous] : [])]
    .map((version) => judge(version))
    .find(usable);
  if (!good) return { state: 'quarantined', problems, lastGood: false, forget: stale };
  return { state: 'quarantined', problems, served: good, lastGood: true, keep: good.version, forget };
}

const usable = (judged: Judged): boolean => judged.takesPart && isGood(judged);

/** Versions to remember of each service: with one more than the last, a version that is refused later has one before it. */
const remembered = 2;

/** Good versions that were served, by the service's id. */
export class ServedVersions {
  private versions = new Map<string, { hash: string; version: Version }[]>();

  of(id: string): Version[] {
    return (this.versions.get(id) ?? []).map(({ version }) => version);
  }

  /** Takes in what is served now, and forgets services that are gone. */
  remember(served: Map<string, Judged>, ids: ReadonlySet<string>): void {
    for (const id of this.versions.keys()) if (!ids.has(id)) this.versions.delete(id);
    for (const [id, { hash, version }] of served) {
      const before = (this.versions.get(id) ?? []).filter((each) => each.hash !== hash);
      this.versions.set(id, [{ hash, version }, ...before].slice(0, remembered));
    }
  }
}
