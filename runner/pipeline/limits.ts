/** Labels of the limits within which a service may be scaled, with Docker Flow's defaults. */
export interface ScaleLimits {
  minimum: number;
  maximum: number;
}

const count = /^\d{1,5}$/;

/** Limits from a service's labels; undefined where neither label is set, for then nobody scales it. */
export function scaleLimits(labels: Record<string, string>, prefix = 'com.df.'): ScaleLimits | undefined {
  const minimum = labels[`${prefix}scaleMin`];
  const maximum = labels[`${prefix}scaleMax`];
  if (minimum === undefined && maximum === undefined) return undefined;
  const low = minimum !== undefined && count.test(minimum) ? Number(minimum) : 1;
  const high = maximum !== undefined && count.test(maximum) ? Number(maximum) : Math.max(5, low);
  return { minimum: low, maximum: Math.max(low, high) };
}

/**
 * Replicas a deploy gives a service: the live count is carried over, within the limits, so that a deploy never undoes
 * what the autoscaler or a person did; a new service gets what the file says.
 */
export function replicasFor(written: number, live: number | undefined, limits: ScaleLimits | undefined): number {
  const wanted = live ?? written;
  return limits ? Math.min(Math.max(wanted, limits.minimum), limits.maximum) : wanted;
}
