import { failed, ok, unknown, warning, type Finding } from '../checks/check';
import type { Inside } from './administrator';
import type { JenkinsFacts } from './facts';

/** Whether the user of Alertmanager may build the one job, and nothing else. */
export function judgeCaller(user: NonNullable<Inside['user']> | null, { caller, job }: JenkinsFacts): Finding {
  if (!user)
    return failed(
      `there is no user ${caller}`,
      `Make the user ${caller} with an API token, or name another with --caller.`,
    );
  if (user.administers)
    return failed(
      `${caller} is an administrator`,
      `Give ${caller} Overall/Read only, and Job/Read and Job/Build at ${job}.`,
    );
  if (!user.builds)
    return failed(
      `${caller} may not build ${job}`,
      `Give ${caller} Overall/Read, and Job/Read and Job/Build at ${job}.`,
    );
  if (user.configures) return failed(`${caller} may configure ${job}`, `Take Job/Configure at ${job} from ${caller}.`);
  if (user.tokens === 0)
    return failed(
      `${caller} has no API token`,
      `Make one for ${caller}: with a password Jenkins wants a crumb as well.`,
    );
  if (user.seesMany > 0)
    return warning(
      `${caller} sees ${user.seesMany} other jobs, such as ${user.sees.join(', ')}`,
      `Give ${caller} Job/Read at ${job} only, not everywhere.`,
    );
  return ok(`${caller} may build ${job} and sees nothing else`);
}

/** Whether who has not logged in sees anything. */
export function judgeAnonymous({ anonymous }: JenkinsFacts): Finding {
  if (anonymous.status === 0) return unknown('gave no answer in time', 'Ask again.');
  if (anonymous.status !== 200 || !anonymous.document) return ok(`nobody reads without a login (${anonymous.status})`);
  return failed(
    'everybody reads without a login',
    'Take Overall/Read and all other rights from “Anonymous” in Manage Jenkins → Security.',
  );
}
