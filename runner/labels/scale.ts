import { defaultLabelSettings, type LabelSettings, type ScaleDescription } from './description';
import { readLabels, type Labels } from './reader';
import type { LabelName } from './table';

/** Labels that let the service be scaled at all. */
const scalingLabels: LabelName[] = [
  'scaleMin',
  'scaleMax',
  'scaleUpBy',
  'scaleDownBy',
  'scaleCooldownUp',
  'scaleCooldownDown',
  'scaleStabilizationUp',
  'scaleStabilizationDown',
  'scaleStepLimit',
  'scalePaused',
];

const one = { amount: 1, unit: 'replicas' } as const;

/** How the service may be scaled; undefined where no label speaks of it. */
export function scaleOf(labels: Labels): ScaleDescription | undefined {
  if (!labels.has(scalingLabels)) return undefined;
  const { minimum, maximum } = limitsOf(labels);
  if (minimum > maximum) labels.error('scaleMin', 0, `is ${minimum}, more than scaleMax, which is ${maximum}`);
  const paused = labels.get('scalePaused') ?? 'false';
  return {
    minimum,
    maximum,
    upBy: labels.get('scaleUpBy') ?? one,
    downBy: labels.get('scaleDownBy') ?? one,
    reschedule: labels.get('reschedule') ?? false,
    cooldownUp: labels.get('scaleCooldownUp'),
    cooldownDown: labels.get('scaleCooldownDown'),
    stabilizationUp: labels.get('scaleStabilizationUp'),
    stabilizationDown: labels.get('scaleStabilizationDown'),
    stepLimit: labels.get('scaleStepLimit'),
    paused: paused === 'true' ? 'all' : paused === 'false' ? 'none' : paused,
  };
}

function limitsOf(labels: Labels): { minimum: number; maximum: number } {
  const minimum = labels.get('scaleMin') ?? 1;
  return { minimum, maximum: labels.get('scaleMax') ?? Math.max(5, minimum) };
}

/**
 * Limits of the replicas, also for a service that does not take part; undefined where neither is set. A wrong value
 * counts as absent, and a maximum below the minimum as the minimum: what runs must be kept within something.
 */
export function limitsOfLabels(
  labels: Record<string, string>,
  settings: Partial<LabelSettings> = {},
): { minimum: number; maximum: number } | undefined {
  const all = { ...defaultLabelSettings, ...settings };
  if (!['scaleMin', 'scaleMax'].some((name) => Object.hasOwn(labels, `${all.prefix}${name}`))) return undefined;
  const { minimum, maximum } = limitsOf(readLabels(labels, all));
  return { minimum, maximum: Math.max(minimum, maximum) };
}
