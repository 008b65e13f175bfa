import { unknown, type Finding } from '../checks/check';
import type { Inside } from './administrator';
import type { JenkinsFacts } from './facts';

const asAdministrator = 'Give the API token of an administrator with --user and --token-file: only he may know.';

/** Judges a part of what only an administrator may know; without one it is not known. */
export function inside<Part extends keyof Inside>(
  part: Part,
  judge: (found: Exclude<Inside[Part], undefined>, facts: JenkinsFacts) => Finding,
): (facts: JenkinsFacts) => Finding {
  return (facts) => {
    const { document, complaint, status } = facts.inside;
    if (!document)
      return status === 403 || status === 401
        ? unknown('only an administrator may know', asAdministrator)
        : unknown(
            complaint?.cause ?? `status ${status}`,
            complaint?.remedy ?? 'Ask again; then read the log of Jenkins.',
          );
    const found = document[part];
    if (found !== undefined) return judge(found as Exclude<Inside[Part], undefined>, facts);
    return unknown(
      `could not be read: ${document.problems[part] ?? 'no reason is told'}`,
      'Look whether the plugins are there, then ask again.',
    );
  };
}
