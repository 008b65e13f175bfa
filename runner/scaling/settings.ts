import type { Environment } from '../common/context';
import { fail } from '../common/errors';
import { SettingsReader } from '../common/settings-reader';
import type { ServiceLabels } from './limits';
import type { Direction } from './model';

/** Settings of scaling. Times are milliseconds. */
export interface ScalingSettings {
  /** Names and patterns with `*` of services that may be scaled; undefined: those that have a scaling label. */
  services?: string[] | undefined;
  cooldown: Record<Direction, number>;
  stabilization: Record<Direction, number>;
  flapWindow: number;
  /** Time that a change of the nodes needs to show in the load. */
  nodeCooldown: number;
  /** Address of Alertmanager, which is asked for silences and for whether an alert still fires. */
  alertmanager?: string | undefined;
  /** Time that a question at a limit stays open. */
  questionExpires: number;
  labels: ServiceLabels;
}

const defaults = {
  cooldown: { up: 30_000, down: 300_000 },
  flapWindow: 3_600_000,
  nodeCooldown: 600_000,
  questionExpires: 1_800_000,
};

const pattern = /^[A-Za-z0-9_.*-]{1,64}$/;

/** Docker Flow's names for the defaults of labels. */
const labelDefaults: Record<string, string> = {
  DEFAULT_MIN_REPLICAS: 'scaleMin',
  DEFAULT_MAX_REPLICAS: 'scaleMax',
  DEFAULT_SCALE_SERVICE_UP_BY: 'scaleUpBy',
  DEFAULT_SCALE_SERVICE_DOWN_BY: 'scaleDownBy',
};

/**
 * The settings from the environment (`HOMEOSTAT_SCALE_*`, `HOMEOSTAT_ALERTMANAGER`, and docker-scaler's defaults).
 * @throws USAGE_INVALID listing every variable that is wrong
 */
export function scalingSettings(env: Environment, prefix: string): ScalingSettings {
  const reader = new SettingsReader(env);
  const url = reader.text('HOMEOSTAT_ALERTMANAGER');
  if (url !== undefined && !/^https?:\/\/[^\s?#]+$/.test(url))
    reader.refuse('HOMEOSTAT_ALERTMANAGER', url, 'an address such as http://alertmanager:9093');
  const settings: ScalingSettings = {
    services: reader.matching('HOMEOSTAT_SCALE_SERVICES', pattern, 'names of services, * standing for any letters'),
    cooldown: {
      up: reader.duration('HOMEOSTAT_SCALE_COOLDOWN_UP', 0) ?? defaults.cooldown.up,
      down: reader.duration('HOMEOSTAT_SCALE_COOLDOWN_DOWN', 0) ?? defaults.cooldown.down,
    },
    stabilization: {
      up: reader.duration('HOMEOSTAT_SCALE_STABILIZATION_UP', 0) ?? 0,
      down: reader.duration('HOMEOSTAT_SCALE_STABILIZATION_DOWN', 0) ?? 0,
    },
    flapWindow: reader.duration('HOMEOSTAT_SCALE_FLAP_WINDOW', 0) ?? defaults.flapWindow,
    nodeCooldown: reader.duration('HOMEOSTAT_SCALE_NODE_COOLDOWN', 0) ?? defaults.nodeCooldown,
    alertmanager: url?.replace(/\/+$/, ''),
    questionExpires: reader.duration('HOMEOSTAT_SCALE_QUESTION_EXPIRES', 1000) ?? defaults.questionExpires,
    labels: {
      prefix: prefix.endsWith('.') ? prefix : `${prefix}.`,
      defaults: Object.fromEntries(
        Object.entries(labelDefaults).flatMap(([variable, label]) => {
          const value = reader.whole(variable, 0, 10_000);
          return value === undefined ? [] : [[label, String(value)]];
        }),
      ),
    },
  };
  if (reader.problems.length > 0)
    fail('USAGE_INVALID', 'the settings of scaling are wrong', {
      evidence: reader.problems.map(({ message }) => message),
      remedy: 'Correct the variables named; docs/scaling.md explains each.',
    });
  return settings;
}
