import { userInfo } from 'node:os';
import type { Options } from 'yargs';
import type { Context } from '../common/context';
import { requireDuration } from '../common/duration';
import { fail } from '../common/errors';
import type { DeploySettings } from '../pipeline/deploy';
import type { Values } from './command';

/** The value of an option, as text. */
export const text = (values: Values, name: string): string | undefined => values[name] as string | undefined;

export const list = (values: Values, name: string): string[] => (values[name] as string[] | undefined) ?? [];

export const flag = (values: Values, name: string): boolean => values[name] === true;

/** Who runs this: the person or job that Jenkins names, else the user of the machine. */
export const actor = ({ env }: Context): string =>
  env.BUILD_USER ?? env.JOB_NAME ?? env.SUDO_USER ?? env.USER ?? env.LOGNAME ?? accountName();

/** A user without an entry in the machine's list of accounts has no name. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

export const stackOption: Record<string, Options> = {
  stack: { type: 'string', describe: 'Name of the stack (default: as homeostat.yml says)' },
};

export const deployOptions: Record<string, Options> = {
  deadline: { type: 'string', describe: 'The rollout has to have converged by then, such as 5m' },
  monitor: { type: 'string', describe: 'It then has to stay good for this long, such as 15s' },
  policy: {
    type: 'string',
    choices: ['warn', 'strict', 'off'],
    describe: 'What to do when the stack is not safe to roll',
  },
};

export const defaultSettings: DeploySettings = { deadline: 300_000, monitor: 15_000, policy: 'warn', keep: 10 };

/** The settings of a deploy with what the options change. */
export function overrideSettings(settings: DeploySettings, values: Values): DeploySettings {
  const deadline = text(values, 'deadline');
  const monitor = text(values, 'monitor');
  return {
    ...settings,
    ...(deadline === undefined ? {} : { deadline: requireDuration('--deadline', deadline) }),
    ...(monitor === undefined ? {} : { monitor: requireDuration('--monitor', monitor) }),
    ...(values.policy ? { policy: values.policy as DeploySettings['policy'] } : {}),
  };
}

/** `KEY=value` pairs as an object. */
export function pairs(option: string, values: string[]): Record<string, string> {
  return Object.fromEntries(
    values.map((each) => {
      const at = each.indexOf('=');
      if (at < 1)
        fail('USAGE_INVALID', `--${option} is '${each.slice(0, 80)}'`, { remedy: `Write --${option} KEY=value.` });
      return [each.slice(0, at), each.slice(at + 1)];
    }),
  );
}

/** A plan as a person reads it. */
export const renderPlan = (plan: object): string => `plan (nothing was changed):\n${JSON.stringify(plan, null, 2)}`;

/**
 * An address to listen on.
 * @throws USAGE_INVALID
 */
export function parseListen(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65_535)
    fail('USAGE_INVALID', `--listen is '${text}', which is not HOST:PORT`, {
      remedy: 'For example 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080.',
    });
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port };
}
