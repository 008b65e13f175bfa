import path from 'node:path';
import type { Test } from 'tap';
import { stringify } from 'yaml';
import { promtool, writeFiles } from './support';

/** Series by their selector, each with values as promtool writes them: one each 5 s. */
export type Series = Record<string, string>;

export interface UnitCase {
  what: string;
  /** Name of the alert in Prometheus. */
  alert: string;
  series: Series;
  /** How many of it fire after seven minutes. */
  fires: number;
}

/** Cases that need the same rules and no others: every rule is evaluated for each case. */
export interface UnitSuite {
  /** Text of the file of rules. */
  rules: string;
  cases: UnitCase[];
}

/** Runs all cases through `promtool test rules`. @returns what it says of those that fail; empty where none does */
export async function unitTests(t: Test, suites: UnitSuite[]): Promise<string> {
  const files = suites.flatMap(({ rules, cases }, index): [string, string][] => {
    const tests = cases.map(({ what, alert, series, fires }) => ({
      name: what,
      interval: '5s',
      input_series: Object.entries(series).map(([selector, values]) => ({ series: selector, values })),
      promql_expr_test: [
        {
          expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
          eval_time: '7m',
          exp_samples: [{ labels: '{}', value: fires }],
        },
      ],
    }));
    return [
      [`rules-${index}.yml`, rules],
      [
        `tests-${index}.yml`,
        stringify(
          { rule_files: [`rules-${index}.yml`], evaluation_interval: '5s', tests },
          { aliasDuplicateObjects: false },
        ),
      ],
    ];
  });
  const folder = writeFiles(t, Object.fromEntries(files));
  return promtool(['test', 'rules', ...suites.map((_, index) => path.join(folder, `tests-${index}.yml`))]);
}

/** A metric with labels, as promtool writes it. */
export const metric = (name: string, labels: Record<string, string> = {}): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;

/** The same value for seven minutes and some. */
export const steady = (value: number): string => `${value}x100`;
/** A counter that grows by so much each second. */
export const growing = (perSecond: number): string => `0+${perSecond * 5}x100`;
