import { failed, ok, unknown, warning, type Finding } from '../checks/check';
import type { JenkinsFacts } from './facts';
import { reaches } from './versions';

/** Whether it answers, and is a Jenkins. */
export function judgeAnswer(facts: JenkinsFacts): Finding {
  const { login, root, access } = facts;
  if (versionOf(facts) !== undefined) return ok(access.url);
  const { cause, remedy } = root.complaint ?? login.complaint ?? { cause: 'it does not say that it is a Jenkins' };
  if (login.status === 0 && root.status === 0)
    return failed(
      `gives no answer: ${cause}`,
      remedy ?? 'Check the address, that Jenkins runs, and the proxy before it.',
    );
  return failed(
    `what answers at ${access.url} is no Jenkins, or not yet: ${cause}`,
    remedy ?? 'Check the address with its path, such as https://ci.example.com/jenkins/.',
  );
}

export const versionOf = ({ login, root, anonymous }: JenkinsFacts): string | undefined =>
  root.version ?? login.version ?? anonymous.version;

/** Whether user and token are known. */
export function judgeToken({ access, root }: JenkinsFacts): Finding {
  if (!access.user || !access.token) return unknown('nobody asks', 'Give --user, and his API token with --token-file.');
  if (root.status === 200 && root.document) return ok(`asks as ${access.user}`);
  const { cause, remedy } = root.complaint ?? { cause: `status ${root.status}` };
  return failed(`${access.user}: ${cause}`, remedy ?? 'Give the user Overall/Read.');
}

/** The oldest that is supported: Alertmanager is sent to a page that older ones do not have when an alert waits already. */
const oldest = '2.479.1';
const observed = '2.528.2';

export function judgeVersion(facts: JenkinsFacts): Finding {
  const version = versionOf(facts);
  if (version === undefined) return unknown('it tells none', 'Ask again.');
  if (!reaches(version, oldest))
    return failed(
      `${version} is too old`,
      `Upgrade Jenkins to an LTS of ${observed} or newer, and its plugins with it.`,
    );
  if (!reaches(version, observed))
    return warning(
      `${version}, older than ${observed}, which is known to do`,
      `Upgrade Jenkins to ${observed} or newer.`,
    );
  return ok(version);
}
