import type { LabelDefinition } from './definition';
import { routeLabels } from './table-routes';
import { ruleLabels } from './table-rules';
import { serviceLabels } from './table-service';
import { systemLabels } from './table-system';

/** Every label that is known, by its name without prefix and index. */
export const labelTable = { ...routeLabels, ...ruleLabels, ...serviceLabels, ...systemLabels };

export type LabelName = keyof typeof labelTable;
export type ValueOf<Name extends LabelName> =
  (typeof labelTable)[Name] extends LabelDefinition<infer Value> ? Value : never;

export const labelNames = Object.keys(labelTable) as LabelName[];

export const definitionOf = (name: LabelName): LabelDefinition => labelTable[name] as LabelDefinition;

export const isLabelName = (name: string): name is LabelName => Object.hasOwn(labelTable, name);

/** Most labels under the prefix that one service may have. */
export const mostLabels = 1000;
/** Most bytes of a value, where the label has no limit of its own. */
export const longestValue = 4096;
/** Most bytes of all labels of a service under the prefix together. */
export const longestService = 131_072;
/** Routes of one service: paths, each with each domain. */
export const mostRoutes = 300;
export const highestIndex = 9999;
