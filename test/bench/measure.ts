/** Figures of one measurement, in the order they were taken. */
export interface Series {
  name: string;
  unit: string;
  values: number[];
  /** What it has to keep to. */
  limit: string;
}

const sorted = (values: number[]) => [...values].sort((a, b) => a - b);

export function median(values: number[]): number {
  const list = sorted(values);
  const middle = Math.floor(list.length / 2);
  return list.length % 2 === 1 ? list[middle]! : (list[middle - 1]! + list[middle]!) / 2;
}

const figure = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2));

/** One row of the table. */
export const row = ({ name, unit, values, limit }: Series): string =>
  `| ${name} | ${unit} | ${values.length} | ${figure(sorted(values)[0]!)} | ${figure(median(values))} | ${figure(sorted(values).at(-1)!)} | ${limit} |`;
