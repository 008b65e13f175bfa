import { messageOf } from '../common/errors';
import type { Logger } from '../common/log';
import type { ServiceFacts, SwarmListing } from '../swarm/facts';
import { judge, type Surroundings } from './judge';
import type { Judged } from './model';
import { decide, ServedVersions, type Decision } from './quarantine';
import type { QuarantineRecords } from './records';

/** Decides for every service which version is served, and sees to it that the store knows what has to be known. */
export class DecisionMaker {
  private readonly versions = new ServedVersions();
  /** Services whose record could not be written, so that it is said once. */
  private readonly unwritten = new Set<string>();

  constructor(
    private readonly records: QuarantineRecords,
    private readonly log: Logger,
  ) {}

  async make(listing: SwarmListing, surroundings: Surroundings): Promise<Map<string, Decision>> {
    const decisions = new Map<string, Decision>();
    const served = new Map<string, Judged>();
    for (const service of listing.services) {
      let decision = this.decide(service, surroundings);
      // Where another controller was first, its version is taken, so that both serve the same.
      if (!(await this.store(service, decision))) decision = this.decide(service, surroundings);
      decisions.set(service.name, decision);
      if (decision.served) served.set(service.id, decision.served);
    }
    this.versions.remember(served, new Set(listing.services.map(({ id }) => id)));
    await this.tidy(listing, surroundings);
    return decisions;
  }

  private decide(service: ServiceFacts, surroundings: Surroundings): Decision {
    return decide(service, this.records.acceptedOf(service.name), this.versions.of(service.id), (version) =>
      judge(service, version, surroundings),
    );
  }

  /** False where a record is there that was not known of. */
  private async store({ name, id }: ServiceFacts, { forget, keep }: Decision): Promise<boolean> {
    if (!forget && !keep) return true;
    try {
      if (forget) await this.records.forget(name);
      if (!keep || (await this.records.keep(name, id, keep))) return true;
      await this.records.read();
      return false;
    } catch (error) {
      if (!this.unwritten.has(name))
        this.log.warn(
          `the last good version of ${name} could not be stored, and is kept in memory: ${messageOf(error)}`,
        );
      this.unwritten.add(name);
      return true;
    }
  }

  private async tidy(listing: SwarmListing, { described }: Surroundings): Promise<void> {
    const services = new Map(listing.services.map((service) => [service.name, service]));
    const hashes = (name: string): ReadonlySet<string> | undefined => {
      const service = services.get(name);
      if (!service) return undefined;
      const stored = this.records.acceptedOf(name);
      const versions = [
        service,
        ...(service.previous ? [service.previous] : []),
        ...(stored ? [stored.version] : []),
        ...this.versions.of(service.id),
      ];
      return new Set(versions.map(({ labels }) => described.of(service, labels).hash));
    };
    await this.records.tidy(new Set(services.keys()), hashes);
  }
}
