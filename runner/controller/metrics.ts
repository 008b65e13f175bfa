import type { Family } from '../common/metrics';

/** Upper ends of the buckets for the duration of a pass, in seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

export type PassResult = 'published' | 'unchanged' | 'failed';

/** What passes took. */
export class PassMetrics {
  readonly results: Record<PassResult, number> = { published: 0, unchanged: 0, failed: 0 };
  private readonly counts = buckets.map(() => 0);
  private sum = 0;

  observe(result: PassResult, seconds: number): void {
    this.results[result]++;
    this.sum += seconds;
    buckets.forEach((end, index) => {
      if (seconds <= end) this.counts[index]!++;
    });
  }

  families(): Family[] {
    const name = 'homeostat_controller_pass_duration_seconds';
    const total = Object.values(this.results).reduce((sum, count) => sum + count, 0);
    return [
      {
        name: 'homeostat_controller_passes_total',
        type: 'counter',
        help: 'Passes over the whole Swarm by result.',
        samples: Object.entries(this.results).map(([result, value]) => ({ labels: { result }, value })),
      },
      {
        name,
        type: 'histogram',
        help: 'Duration of passes.',
        samples: [
          ...buckets.map((end, index) => ({
            suffix: '_bucket',
            labels: { le: String(end) },
            value: this.counts[index]!,
          })),
          { suffix: '_bucket', labels: { le: '+Inf' }, value: total },
          { suffix: '_sum', labels: {}, value: this.sum },
          { suffix: '_count', labels: {}, value: total },
        ],
      },
    ];
  }
}
