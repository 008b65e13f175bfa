import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { messageOf } from '../common/errors';
import type { LabelSettings } from '../labels/description';
import type { MonitoredService } from '../monitor/model';
import type { SwarmListing } from '../swarm/facts';
import { createRecord, listRecords, recordName, removeRecord, type StoredRecord } from '../swarm/store';
import type { DescribedLabels } from './described-labels';
import { withoutPrefix } from './monitored';
import type { Plan } from './plan';

/** What has to be known of a service to go on with its alerts when it is gone. */
interface PersistentRecord {
  name: string;
  stack?: string;
  mode: MonitoredService['mode'];
  createdAt: string;
  hash: string;
  labels: Record<string, string>;
}

/** A service that is gone, of which alerts are left, with the hash of its labels. */
export interface GoneService {
  service: MonitoredService;
  hash: string;
}

/**
 * The labels of services with alerts that stay when the service goes (`alertPersistent`), in the Swarm's store: a service
 * that is gone tells them to nobody any more.
 */
export class PersistentAlerts {
  private records = new Map<string, StoredRecord<PersistentRecord>>();

  constructor(
    private readonly settings: LabelSettings,
    private readonly engine: Engine,
    private readonly context: Context,
  ) {}

  private get scope(): string {
    return this.settings.notifyLabel;
  }

  async read(): Promise<void> {
    const labels = { kind: 'persistent', scope: this.scope };
    const records = await listRecords<PersistentRecord>(this.engine, labels, this.context);
    this.records = new Map(records.map((record) => [record.data.name, record]));
  }

  /** The same as long as the records are. */
  fingerprint(): string {
    return [...this.records.values()].map(({ id }) => id).join();
  }

  /** Keeps what the services that are there now say; one that is gone keeps what it said last. */
  async keep({ services }: Plan): Promise<void> {
    for (const { facts, decision } of services) {
      const { served } = decision;
      const known = this.records.get(facts.name);
      const wanted = served?.description?.alerts.some(({ persistent }) => persistent) ? served : undefined;
      if (known?.data.hash === wanted?.hash) continue;
      try {
        if (known) await this.remove(known);
        if (!wanted) continue;
        const data: PersistentRecord = {
          ...{ name: facts.name, mode: facts.mode, createdAt: facts.createdAt, hash: wanted.hash },
          ...(facts.stack === undefined ? {} : { stack: facts.stack }),
          labels: withPrefix(wanted.version.labels, this.settings),
        };
        const name = recordName('persistent', `${this.scope}/${facts.name}`, wanted.hash);
        const labels = { kind: 'persistent', scope: this.scope, subject: facts.name };
        await createRecord(this.engine, name, labels, data, this.context);
      } catch (error) {
        if (this.context.signal.aborted) throw error;
        this.context.log.warn(`the persistent alerts of ${facts.name} could not be stored: ${messageOf(error)}`);
      }
    }
  }

  /** The services that are gone, with the alerts that stay. */
  gone(listing: SwarmListing, described: DescribedLabels): GoneService[] {
    const present = new Set(listing.services.map(({ name }) => name));
    return [...this.records.values()].flatMap(({ data }): GoneService[] => {
      if (present.has(data.name)) return [];
      const { description } = described.of(data, data.labels);
      if (!description) return [];
      const { mode, createdAt, stack, labels, hash } = data;
      const own = { description, mode, createdAt, labels: withoutPrefix(labels, this.settings.prefix) };
      return [{ hash, service: { ...own, ...(stack === undefined ? {} : { stack }), gone: true } }];
    });
  }

  /** Gives up the alerts of a service that is gone. @returns false where it is not one */
  async forget(name: string, listing: SwarmListing | undefined): Promise<boolean> {
    const record = this.records.get(name);
    if (!record || listing?.services.some((service) => service.name === name)) return false;
    await this.remove(record);
    return true;
  }

  private async remove(record: StoredRecord<PersistentRecord>): Promise<void> {
    await removeRecord(this.engine, record.id, this.context);
    this.records.delete(record.data.name);
  }
}

const withPrefix = (labels: Record<string, string>, { prefix, notifyLabel }: LabelSettings) =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => name.startsWith(prefix) || name === notifyLabel));
