import type { Family } from '../common/metrics';
import { clusterFamilies, type ClusterInput } from './cluster';
import { rolloutFamilies } from './rollouts';

/**
 * The metrics of the cluster, made anew only when something has changed: asking is cheap for a thousand services, and what
 * has not changed is the same object again, whose text is kept.
 */
export class ClusterMetrics {
  private input: ClusterInput | undefined;
  private failed = '';
  private fixed: Family[] = [];
  private rollouts: { families: Family[]; until: number } = { families: [], until: -Infinity };

  /** @param now milliseconds since 1970 */
  families(input: ClusterInput, now: number): Family[] {
    const failed = [...input.failures].join(';');
    if (!this.input || differ(this.input, input) || failed !== this.failed) this.fixed = clusterFamilies(input);
    const { services } = input.listing;
    if (this.input?.listing.services !== services || now >= this.rollouts.until)
      this.rollouts = rolloutFamilies(services, now);
    this.input = input;
    this.failed = failed;
    return [...this.fixed, ...this.rollouts.families];
  }
}

const fields = ['listing', 'labels', 'routed', 'releases', 'holds', 'questionsOpen'] as const;

const differ = (one: ClusterInput, other: ClusterInput) => fields.some((field) => one[field] !== other[field]);
