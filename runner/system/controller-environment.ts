import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { alertingSettings } from '../alerting/settings';
import { fail, messageOf } from '../common/errors';
import { monitorSettings } from '../monitor/settings';
import { peopleSettings } from '../people/settings';
import { proxySettings } from '../proxy/settings';
import type { SystemSettings } from './services';
import type { System } from './system-file';

/** The operator's settings of controller, proxy, monitor and alerting, which every `up` takes over. */
export const settingsFile = ({ folder }: SystemSettings): string => path.join(folder, 'settings.env');

/** Where the system's services find Alertmanager. */
export const alertmanagerAddress = 'http://homeostat-alertmanager:9093';

/** Where they find the engine of jobs, whichever it is. */
export const jobsAddress = 'http://homeostat-jobs:8080';

/** What the parts of the system have to know of each other. */
const ownSettings = ({ alertmanagerPort, system }: SystemSettings): Record<string, string> => ({
  HOMEOSTAT_PROXY_NETWORKS: 'homeostat,proxy',
  HOMEOSTAT_PROXY_CONTROLLER: 'https://homeostat-controller:7080',
  HOMEOSTAT_ALERTING_JOB_URL: jobsAddress,
  HOMEOSTAT_ALERTING_JOB_USER: 'alertmanager',
  HOMEOSTAT_ALERTING_JOB_TOKEN_FILE: '/run/secrets/jobs-token',
  HOMEOSTAT_ALERTMANAGER: alertmanagerAddress,
  HOMEOSTAT_ALERTING_EXTERNAL_URL: `http://127.0.0.1:${alertmanagerPort}`,
  ...peopleOf(system),
  ...(system.engine === 'jenkins' ? { HOMEOSTAT_JENKINS_URL: jobsAddress, HOMEOSTAT_JENKINS_USER: 'homeostat' } : {}),
});

/** Who decides, and under which name Slack knows people. */
function peopleOf({ people }: System): Record<string, string> {
  const deciders = people.filter(({ decides }) => decides).map(({ name }) => name);
  const groups = people.flatMap(({ name, slack }) => (slack === undefined ? [] : `${name}=${name},${slack}`));
  return {
    ...(deciders.length > 0 ? { HOMEOSTAT_DECIDERS: deciders.join(',') } : {}),
    ...(groups.length > 0 ? { HOMEOSTAT_GROUPS: groups.join(';') } : {}),
  };
}

/**
 * The controller's environment, as an environment file of Docker: the system's own settings, and those of settings.env,
 * which win.
 * @throws USAGE_INVALID listing everything that is wrong in settings.env
 */
export async function controllerEnvironment(
  settings: SystemSettings,
  more: Record<string, string> = {},
): Promise<string> {
  const file = settingsFile(settings);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? '' : fail('USAGE_INVALID', `${file} cannot be read`, { cause: messageOf(error) }),
  );
  const { values, problems } = parseSettings(text);
  const environment = { ...ownSettings(settings), ...more, ...values };
  const readers = [proxySettings, monitorSettings, alertingSettings, peopleSettings];
  // The token of Jenkins is a secret of the controller, and no part of its environment.
  const whole = {
    ...(settings.system.engine === 'jenkins' ? { HOMEOSTAT_JENKINS_TOKEN: 'kept' } : {}),
    ...environment,
  };
  const wrong = [...problems, ...readers.flatMap((read) => read(whole).problems.map(({ message }) => message))];
  if (wrong.length > 0)
    fail('USAGE_INVALID', `${file} has settings that are wrong`, {
      evidence: wrong,
      remedy:
        'Correct them; docs/routing.md, docs/metrics-and-alerts.md, docs/alert-routing.md and docs/people.md explain each.',
    });
  return Object.entries(environment)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Reads `NAME=value` lines; blank lines and those that begin with # say nothing. A later line wins. */
export function parseSettings(text: string): { values: Record<string, string>; problems: string[] } {
  const values = new Map<string, string>();
  const problems: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, value] = /^\s*([A-Za-z_][A-Za-z0-9_-]*)=(.*)$/.exec(line) ?? [];
    if (name === undefined) problems.push(`line ${index + 1} is not NAME=value: '${line.slice(0, 40)}'`);
    else values.set(name, value!.trim());
  }
  return { values: Object.fromEntries(values), problems };
}
