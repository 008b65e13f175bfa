import { defaultLabelSettings, type LabelSettings } from '../labels/description';
import { readLabels } from '../labels/reader';
import { scaleOf } from '../labels/scale';
import type { Limits } from './model';
import type { ScalingSettings } from './settings';

export type ServiceLabels = Pick<LabelSettings, 'prefix' | 'defaults'>;

/** What a service's labels say of its scaling; `forbidden` tells why it may not be scaled at all. */
export interface LabelLimits {
  limits: Limits;
  forbidden?: string;
}

const one = { amount: 1, unit: 'replicas' } as const;

/** The limits of a service from its labels and the settings. */
export function limitsFor(service: string, labels: Record<string, string>, settings: ScalingSettings): LabelLimits {
  const read = readLabels(labels, { ...defaultLabelSettings, ...settings.labels });
  const described = scaleOf(read);
  const { minimum, maximum } = described ?? { minimum: read.get('scaleMin') ?? 1, maximum: read.get('scaleMax') ?? 5 };
  const wrong = read.problems.find(({ severity, label }) => severity === 'error' && isScaling(label, settings));
  const forbidden = wrong ? wrong.message : unlisted(service, described !== undefined, settings);
  return {
    limits: {
      minimum,
      maximum: Math.max(minimum, maximum),
      upBy: described?.upBy ?? read.get('scaleUpBy') ?? one,
      downBy: described?.downBy ?? read.get('scaleDownBy') ?? one,
      stepLimit: described?.stepLimit,
      cooldown: {
        up: described?.cooldownUp ?? settings.cooldown.up,
        down: described?.cooldownDown ?? settings.cooldown.down,
      },
      stabilization: {
        up: described?.stabilizationUp ?? settings.stabilization.up,
        down: described?.stabilizationDown ?? settings.stabilization.down,
      },
      flapWindow: settings.flapWindow,
      paused: described?.paused ?? 'none',
    },
    ...(forbidden === undefined ? {} : { forbidden }),
  };
}

const isScaling = (label: string, { labels: { prefix } }: ScalingSettings) => label.startsWith(`${prefix}scale`);

/** Why the service is not among those that may be scaled. */
function unlisted(service: string, labelled: boolean, { services, labels }: ScalingSettings): string | undefined {
  if (services) {
    if (services.some((each) => matches(each, service))) return undefined;
    return `HOMEOSTAT_SCALE_SERVICES does not name it (${services.join(', ')})`;
  }
  return labelled ? undefined : `it has no label that says so, such as ${labels.prefix}scaleMax`;
}

const matches = (pattern: string, name: string) =>
  new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(name);
