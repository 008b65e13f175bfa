import { fail } from '../common/errors';
import { isJobName } from '../common/job-path';
import { didYouMean } from '../common/suggest';

export const rightNames = ['read', 'build', 'stop'] as const;
export type Right = (typeof rightNames)[number];
/** Rights by job name; `*` stands for every job. */
export type Rights = Record<string, Right[]>;

/**
 * Rights written as `job:right+right,…`, for example `service-scale:build,*:read`.
 * @throws USAGE_INVALID
 */
export function parseRights(list: string): Rights {
  const rights: Rights = {};
  for (const part of list.split(',').map((each) => each.trim())) {
    const [job = '', names = '', ...rest] = part.split(':');
    if (rest.length > 0 || (job !== '*' && !isJobName(job)))
      fail('USAGE_INVALID', `--rights: '${part}' is not job:right, such as service-scale:build or *:read`);
    const chosen = names.split('+') as Right[];
    for (const name of chosen) {
      if (!rightNames.includes(name))
        fail('USAGE_INVALID', `--rights: '${name}' in '${part}' is no right${didYouMean(name, rightNames)}`, {
          remedy: `Use ${rightNames.join(', ')}, joined by +.`,
        });
    }
    rights[job] = [...new Set([...(Object.hasOwn(rights, job) ? rights[job]! : []), ...chosen])];
  }
  return rights;
}

/** Whether these rights allow that. Who may build or stop a job may also read it: Jenkins answers 404 otherwise. */
export function allows(rights: Rights, job: string, right: Right): boolean {
  const held = ['*', job].flatMap((name) => (Object.hasOwn(rights, name) ? rights[name]! : []));
  return held.includes(right) || (right === 'read' && held.length > 0);
}
