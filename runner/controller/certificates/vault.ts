import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { Context } from '../../common/context';
import type { Engine } from '../../common/engine';
import { createRecord, listRecords, recordName, removeRecord, type StoredRecord } from '../../swarm/store';

/** A text that only the controller can read, kept in the Swarm. */
export interface SealedText {
  name: string;
  text: string;
  createdAt: string;
}

interface Sealed {
  nonce: string;
  tag: string;
  content: string;
}

/**
 * Keeps private texts in the Swarm's store, encrypted: a Swarm secret cannot be read again without a restart of who reads
 * it, and a config object can be read by whoever may ask the Engine.
 */
export class Vault {
  private readonly key: Buffer;

  /** @param secret of the controller, from a Swarm secret */
  constructor(
    secret: string,
    private readonly engine: Engine,
    private readonly context: Context,
  ) {
    this.key = Buffer.from(hkdfSync('sha256', secret, '', 'homeostat vault', 32));
  }

  /** The newest text of each name of that kind; one that cannot be decrypted is told and left out. */
  async list(kind: string): Promise<SealedText[]> {
    const newest = new Map<string, StoredRecord<Sealed>>();
    for (const record of await listRecords<Sealed>(this.engine, { kind: 'sealed', of: kind }, this.context)) {
      const present = newest.get(record.labels.name!);
      if (!present || present.createdAt < record.createdAt) newest.set(record.labels.name!, record);
    }
    return [...newest].flatMap(([name, { data, createdAt }]) => {
      try {
        return [{ name, text: this.open(data, aad(kind, name)), createdAt }];
      } catch {
        this.context.log.warn(`the ${kind} ${name} in the store was sealed with another key; it is left out`);
        return [];
      }
    });
  }

  /** Keeps a text under a name, in place of what was there. */
  async put(kind: string, name: string, text: string): Promise<void> {
    const version = createHash('sha256').update(text).digest('hex').slice(0, 12);
    const present = await this.records(kind, name);
    const own = recordName('sealed', `${kind}/${name}`, version, randomBytes(3).toString('hex'));
    await createRecord(
      this.engine,
      own,
      { kind: 'sealed', of: kind, name },
      this.seal(text, aad(kind, name)),
      this.context,
    );
    for (const record of present) await removeRecord(this.engine, record.id, this.context);
  }

  async remove(kind: string, name: string): Promise<boolean> {
    const present = await this.records(kind, name);
    for (const record of present) await removeRecord(this.engine, record.id, this.context);
    return present.length > 0;
  }

  private records(kind: string, name: string) {
    return listRecords<Sealed>(this.engine, { kind: 'sealed', of: kind, name }, this.context);
  }

  private seal(text: string, aad: Buffer): Sealed {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(aad);
    const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return {
      nonce: nonce.toString('base64'),
      tag: cipher.getAuthTag().toString('base64'),
      content: content.toString('base64'),
    };
  }

  private open({ nonce, tag, content }: Sealed, aad: Buffer): string {
    const decipher = createDecipheriv('aes-256-gcm', this.key, Buffer.from(nonce, 'base64')).setAAD(aad);
    decipher.setAuthTag(Buffer.from(tag, 'base64'));
    return Buffer.concat([decipher.update(Buffer.from(content, 'base64')), decipher.final()]).toString('utf8');
  }
}

/** Ties a text to its place, so that records cannot be exchanged for one another. */
const aad = (kind: string, name: string) => Buffer.from(`${kind}/${name}`);
