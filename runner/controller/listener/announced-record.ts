import type { Context } from '../../common/context';
import type { Engine } from '../../common/engine';
import { createRecord, readRecord, recordName, relabelRecord } from '../../swarm/store';
import type { Parameters } from './parameters';

/** Parameters that a removal needs; the rest may be secret, and is not stored. */
const needed = ['serviceName', 'aclName', 'distribute', 'id', 'hostname', 'address'];
const tries = 5;

/**
 * What was announced, kept in the Swarm's store, so that what is removed while no controller runs is told afterwards.
 * @param subject services or nodes, and the label by which they take part
 */
export class AnnouncedRecord {
  private readonly name: string;
  private text = '';

  constructor(
    private readonly subject: string,
    private readonly engine: Engine,
    private readonly context: Context,
  ) {
    this.name = recordName('announced', subject);
  }

  async read(): Promise<Map<string, Parameters>> {
    const record = await readRecord<object>(this.engine, this.name, this.context);
    this.text = record?.labels.announced ?? '[]';
    return new Map(JSON.parse(this.text) as [string, Parameters][]);
  }

  /** Writes it where it differs from what was written last. */
  async write(announced: ReadonlyMap<string, Parameters>): Promise<void> {
    const entries = [...announced].map(([name, parameters]) => [
      name,
      Object.fromEntries(needed.flatMap((key) => (parameters[key] === undefined ? [] : [[key, parameters[key]]]))),
    ]);
    const text = JSON.stringify(entries.sort(([a], [b]) => (a! < b! ? -1 : 1)));
    if (text === this.text) return;
    const labels = { kind: 'announced', subject: this.subject, announced: text };
    for (let count = 1; count <= tries; count++) {
      const record = await readRecord<object>(this.engine, this.name, this.context);
      const written = record
        ? await relabelRecord(this.engine, record, labels, this.context)
        : await createRecord(this.engine, this.name, labels, {}, this.context);
      if (written) {
        this.text = text;
        return;
      }
    }
  }
}
