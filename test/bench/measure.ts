/** Figures of one measurement, in the order they were taken. */
export interface Series {
  name: string;
  unit: string;
  values: number[];
  /** What it has to keep to. */
  limit: string;
}

/** Adds figures to a series, and tells them at once. */
export const noteInto = (series: Series[]) => (name: string, unit: string, limit: string, values: number[]) => {
  series.push({ name, unit, limit, values });
  process.stderr.write(`${name}: ${values.map((value) => value.toFixed(3)).join(' ')}\n`);
};

export const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const sorted = (values: number[]) => [...values].sort((a, b) => a - b);

export function median(values: number[]): number {
  const list = sorted(values);
  const middle = Math.floor(list.length / 2);
  return list.length % 2 === 1 ? list[middle]! : (list[middle - 1]! + list[middle]!) / 2;
}

/** Nearest rank: the smallest value that at least that share of all values does not exceed. */
export function percentile(values: number[], share: number): number {
  return sorted(values)[Math.max(0, Math.ceil(values.length * share) - 1)]!;
}

const figure = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2));

/** One row of the table. */
export const row = ({ name, unit, values, limit }: Series): string =>
  `| ${name} | ${unit} | ${values.length} | ${figure(sorted(values)[0]!)} | ${figure(median(values))} | ${figure(percentile(values, 0.95))} | ${figure(sorted(values).at(-1)!)} | ${limit} |`;
