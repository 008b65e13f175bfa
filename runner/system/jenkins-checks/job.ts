import { failed, ok, unknown, warning, type Finding } from '../checks/check';
import type { Inside } from './administrator';
import type { JenkinsFacts } from './facts';

/** What `homeostat scale` is told; Jenkins drops what a job does not declare. */
const needed = ['service', 'scale', 'by', 'id', 'at'];

const notSeen = ({ access, document, job }: JenkinsFacts): Finding => {
  if (!access.user || !access.token) return unknown('nobody asks', 'Give --user, and his API token with --token-file.');
  const { cause, remedy } = document.complaint ?? { cause: `status ${document.status}` };
  return document.status === 404
    ? failed(`${job}: ${cause}`, `Make the job, or name it with --job. ${remedy ?? ''}`.trim())
    : unknown(`${job}: ${cause}`, remedy ?? 'Ask again.');
};

/** Whether the job is there, may be built, and takes what an alert sends. */
export function judgeJob(facts: JenkinsFacts): Finding {
  const {
    document: { document },
    job,
  } = facts;
  if (!document) return notSeen(facts);
  const has = (document.property ?? []).flatMap(({ parameterDefinitions = [] }) =>
    parameterDefinitions.map(({ name }) => name),
  );
  if (document.disabled === true || !document.buildable) return failed(`${job} is disabled`, 'Enable it in Jenkins.');
  const missing = needed.filter((name) => !has.includes(name));
  if (missing.length > 0)
    return failed(
      `${job} has no parameter ${missing.join(', ')}`,
      `Declare it as a string parameter of the job: ${needed.join(', ')} are needed, and Jenkins drops what is not declared.`,
    );
  return ok(`${job} with ${needed.join(', ')}`);
}

/** Whether one service waits for another, or an alert ends the build of another one. */
export function judgeConcurrency(facts: JenkinsFacts): Finding {
  const { document, inside, job } = facts;
  if (!document.document) return notSeen(facts);
  if (inside.document?.job?.abortsPrevious)
    return failed(
      `${job} aborts the build before when another one comes`,
      'Untick “Abort previous builds”: a change that is half done is worse than one that comes late.',
    );
  if (document.document.concurrentBuild === false)
    return warning(
      `${job} builds one after the other, so that one service waits for another`,
      'Untick “Do not allow concurrent builds”: two builds for the same service are kept apart by the lease of its stack.',
    );
  if (!inside.document)
    return unknown(
      `builds run beside each other; whether they abort each other only an administrator may know`,
      'Give the API token of an administrator with --user and --token-file.',
    );
  return ok('builds run beside each other');
}

export const judgeQuietPeriod = (found: NonNullable<Inside['job']> | null, { job }: JenkinsFacts): Finding => {
  if (!found) return unknown(`there is no job ${job}`, 'Make the job, or name it with --job.');
  if (found.quietPeriod === 0) return ok('0 s');
  return warning(
    `${job} waits ${found.quietPeriod} s before each build`,
    'Set the quiet period of the job to 0: Alertmanager has waited already.',
  );
};
