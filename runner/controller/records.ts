import type { EngineName } from '../common/bundle';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { createRecord, listRecords, recordName, removeRecord, type StoredRecord } from '../swarm/store';
import type { Version } from './model';
import type { AcceptedRecord } from './quarantine';

/** What an engine said of a service's labels when it refused a bundle because of them. */
export interface RefusedRecord {
  /** Undefined for the proxy. */
  engine?: EngineName;
  service: string;
  hash: string;
  message: string;
}

/** Names of config objects whose change is a reason to look again. */
export const watchedRecord = /^homeostat-(?:accepted|refused|sealed|persistent)-/;

const longestMessage = 2000;

/** The records of quarantine in the Swarm's store, so that a restarted or a second controller decides the same. */
export class QuarantineRecords {
  private accepted = new Map<string, StoredRecord<AcceptedRecord>>();
  private refused = new Map<string, StoredRecord<RefusedRecord>>();

  /** @param scope the label by which services take part: controllers for other services keep records of their own */
  constructor(
    private readonly scope: string,
    private readonly engine: Engine,
    private readonly context: Context,
  ) {}

  async read(): Promise<void> {
    const [accepted, refused] = await Promise.all([
      listRecords<AcceptedRecord>(this.engine, { kind: 'accepted', scope: this.scope }, this.context),
      listRecords<RefusedRecord>(this.engine, { kind: 'refused', scope: this.scope }, this.context),
    ]);
    this.accepted = new Map(accepted.map((record) => [record.labels.subject ?? '', record]));
    this.refused = new Map(refused.map((record) => [key(record.data), record]));
  }

  /** The same as long as the records are. */
  fingerprint(): string {
    return [...this.accepted.values(), ...this.refused.values()].map(({ id }) => id).join();
  }

  acceptedOf(service: string): AcceptedRecord | undefined {
    return this.accepted.get(service)?.data;
  }

  refusal(service: string, hash: string, engine: EngineName = 'haproxy'): string | undefined {
    return this.refused.get(key({ service, hash, engine }))?.data.message;
  }

  /** Keeps the last good version of a service; false where another controller kept one first. */
  async keep(name: string, id: string, version: Version): Promise<boolean> {
    const data: AcceptedRecord = { service: id, version };
    return createRecord(
      this.engine,
      recordName('accepted', `${this.scope}/${name}`),
      { kind: 'accepted', scope: this.scope, subject: name },
      data,
      this.context,
    );
  }

  async forget(name: string): Promise<void> {
    const record = this.accepted.get(name);
    if (record) await removeRecord(this.engine, record.id, this.context);
    this.accepted.delete(name);
  }

  async refuse(service: string, hash: string, message: string, engine: EngineName = 'haproxy'): Promise<boolean> {
    const other = engine === 'haproxy' ? {} : { engine };
    const data: RefusedRecord = { ...other, service, hash, message: message.slice(0, longestMessage) };
    const labels = { kind: 'refused', scope: this.scope, subject: service };
    const subject = `${this.scope}/${service}`;
    const name = recordName('refused', engine === 'haproxy' ? subject : `${subject}/${engine}`, hash);
    return createRecord(this.engine, name, labels, data, this.context);
  }

  /**
   * Removes what is about services that are gone, and refusals of labels that no version of their service has any more.
   * @param hashes of the versions that are known of a service
   */
  async tidy(names: ReadonlySet<string>, hashes: (service: string) => ReadonlySet<string> | undefined): Promise<void> {
    for (const name of this.accepted.keys()) if (!names.has(name)) await this.forget(name);
    for (const [at, record] of this.refused) {
      if (hashes(record.data.service)?.has(record.data.hash)) continue;
      await removeRecord(this.engine, record.id, this.context);
      this.refused.delete(at);
    }
  }
}

const key = ({ service, hash, engine = 'haproxy' }: Omit<RefusedRecord, 'message'>) => `${engine}/${service}/${hash}`;
