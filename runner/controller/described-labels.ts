import { createHash } from 'node:crypto';
import { describeService } from '../labels/describe';
import type { LabelSettings, ServiceDescription } from '../labels/description';
import type { Problem } from './model';

/** What the labels of a service say, whatever is around it. */
export interface DescribedService {
  /** The same labels have the same hash. */
  hash: string;
  takesPart: boolean;
  description?: ServiceDescription;
  problems: Problem[];
}

/** Reads labels once: those that have not changed are the same object in every listing. */
export class DescribedLabels {
  private readonly known = new WeakMap<object, DescribedService>();

  constructor(private readonly settings: LabelSettings) {}

  of({ name, stack }: { name: string; stack?: string }, labels: Record<string, string>): DescribedService {
    const known = this.known.get(labels);
    if (known) return known;
    const hash = hashOfLabels(labels, this.settings);
    const described = { ...describeService({ name, stack, labels }, this.settings), hash };
    this.known.set(labels, described);
    return described;
  }
}

/** The same labels have the same hash, whatever their order; labels that nobody here reads do not count. */
export function hashOfLabels(labels: Record<string, string>, { prefix, notifyLabel }: LabelSettings): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(labels).sort())
    if (name.startsWith(prefix) || name === notifyLabel) hash.update(JSON.stringify([name, labels[name]]));
  return hash.digest('hex').slice(0, 16);
}
