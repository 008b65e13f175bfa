import { failed, ok, type Finding } from '../checks/check';
import { versionOf } from './answers';
import type { JenkinsFacts } from './facts';
import { reaches } from './versions';

/** From this version on Java 21 is needed. */
const java21 = '2.555.1';

export function judgeJava(java: string, facts: JenkinsFacts): Finding {
  const major = Number(/^(?:1\.)?(\d+)/.exec(java)?.[1] ?? 0);
  const version = versionOf(facts) ?? '';
  const needed = reaches(version, java21) ? 21 : 17;
  if (major < needed)
    return failed(`Java ${java}; Jenkins ${version} needs ${needed}`, `Run Jenkins on Java ${needed}.`);
  return ok(major < 21 ? `${java}; from Jenkins ${java21} on it has to be 21` : java);
}
