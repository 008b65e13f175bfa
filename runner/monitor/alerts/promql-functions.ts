export type ValueType = 'scalar' | 'string' | 'vector' | 'matrix';

export interface Signature {
  /** Types of the arguments; those behind `required` may be left out. */
  types: ValueType[];
  required: number;
  /** The last argument may be repeated. */
  repeated?: true;
  gives: ValueType;
}

const signature = (types: ValueType[], gives: ValueType = 'vector', required = types.length): Signature => ({
  types,
  required,
  gives,
});

const each = (names: string, form: Signature) => names.split(' ').map((name) => [name, form] as const);

/**
 * Functions of Prometheus 2.42, which later ones have as well
 * (https://prometheus.io/docs/prometheus/2.53/querying/functions/).
 */
export const promqlFunctions: ReadonlyMap<string, Signature> = new Map<string, Signature>([
  ...each(
    'abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_count histogram_sum ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan tanh timestamp',
    signature(['vector']),
  ),
  ...each(
    'absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time',
    signature(['matrix']),
  ),
  ...each(
    'day_of_month day_of_week day_of_year days_in_month hour minute month year',
    signature(['vector'], 'vector', 0),
  ),
  ['clamp', signature(['vector', 'scalar', 'scalar'])],
  ...each('clamp_max clamp_min', signature(['vector', 'scalar'])),
  ['histogram_fraction', signature(['scalar', 'scalar', 'vector'])],
  ['histogram_quantile', signature(['scalar', 'vector'])],
  ['label_join', { types: ['vector', 'string', 'string', 'string'], required: 3, repeated: true, gives: 'vector' }],
  ['label_replace', signature(['vector', 'string', 'string', 'string', 'string'])],
  ['pi', signature([], 'scalar')],
  ['predict_linear', signature(['matrix', 'scalar'])],
  ['quantile_over_time', signature(['scalar', 'matrix'])],
  ['round', signature(['vector', 'scalar'], 'vector', 1)],
  ['scalar', signature(['vector'], 'scalar')],
  ['time', signature([], 'scalar')],
  ['vector', signature(['scalar'])],
]);

/** Type of the parameter in front of the vector, where the aggregation has one. */
export const promqlAggregations: ReadonlyMap<string, ValueType | undefined> = new Map<string, ValueType | undefined>([
  ...'sum avg count min max group stddev stdvar'.split(' ').map((name) => [name, undefined] as const),
  ['topk', 'scalar'],
  ['bottomk', 'scalar'],
  ['quantile', 'scalar'],
  ['count_values', 'string'],
]);
