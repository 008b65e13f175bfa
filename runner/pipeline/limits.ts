import { limitsOfLabels } from '../labels/scale';

/** Limits within which a service may be scaled. */
export interface ScaleLimits {
  minimum: number;
  maximum: number;
}

/** Limits from a service's labels; undefined where neither label is set, for then nobody scales it. */
export function scaleLimits(labels: Record<string, string>, prefix = 'com.df.'): ScaleLimits | undefined {
  return limitsOfLabels(labels, { prefix });
}

/**
 * Replicas a deploy gives a service: the live count is carried over, within the limits, so that a deploy never undoes
 * what the autoscaler or a person did; a new service gets what the file says.
 */
export function replicasFor(written: number, live: number | undefined, limits: ScaleLimits | undefined): number {
  const wanted = live ?? written;
  return limits ? Math.min(Math.max(wanted, limits.minimum), limits.maximum) : wanted;
}
