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

export interface Family {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  samples: { suffix?: string; labels: Record<string, string>; value: number }[];
}

/** Metrics in the text form of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export const metricsText = (families: Family[]): string =>
  families
    .flatMap(({ name, type, help, samples }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${labelsText(labels)} ${value}`),
    ])
    .map((line) => `${line}\n`)
    .join('');

function labelsText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

const escaped = (value: string) =>
  value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));

export const gauge = (name: string, help: string, samples: Family['samples']): Family => ({
  name,
  type: 'gauge',
  help,
  samples,
});

export const counter = (name: string, help: string, value: number): Family => ({
  name,
  type: 'counter',
  help,
  samples: [{ labels: {}, value }],
});
