export interface Family {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  samples: { suffix?: string; labels: Record<string, string>; value: number }[];
}

/** Texts of families that somebody may hand in again: with 1,000 services each takes long to write. */
const written = new WeakMap<Family, string>();

/**
 * Metrics in the text form of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). A family that was
 * handed in before costs nothing, so it must not be changed afterwards.
 */
export const metricsText = (families: Family[]): string => families.map(familyText).join('');

function familyText(family: Family): string {
  const known = written.get(family);
  if (known !== undefined) return known;
  const { name, samples } = family;
  let text = headText(family);
  for (const { suffix = '', labels, value } of samples) {
    const pairs = labelPairs(labels);
    text += `${name}${suffix}${pairs === '' ? '' : `{${pairs}}`} ${value}\n`;
  }
  written.set(family, text);
  return text;
}

/** The two lines above a family's samples. */
export const headText = ({ name, type, help }: Omit<Family, 'samples'>): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

/** Labels as they stand between the braces, whatever is in their values. */
export const labelPairs = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',');

const escaped = (value: string) =>
  /[\\"\n]/.test(value)
    ? value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
    : value;

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
