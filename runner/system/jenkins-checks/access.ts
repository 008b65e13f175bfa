import { withSlash } from '../../jenkins/connection';
import { ok, unknown, warning, type Finding } from '../checks/check';
import type { JenkinsFacts } from './facts';

/** Whether a web page that somebody else made can start something. */
export function judgeCrumbs({ crumbs, access }: JenkinsFacts): Finding {
  if (crumbs.status === 200 && crumbs.document) return ok('wanted of who comes with a password');
  if (crumbs.status === 404)
    return warning(
      'none are wanted',
      'Tick “Prevent Cross Site Request Forgery exploits” in Manage Jenkins → Security.',
    );
  return unknown(
    crumbs.complaint?.cause ?? `status ${crumbs.status}`,
    access.user ? 'Give the user Overall/Read.' : 'Give --user, and his API token with --token-file.',
  );
}

/** Whether hooks of git can be told from strangers. */
export const judgeHookTokens = (tokens: number): Finding =>
  tokens > 0
    ? ok(`${tokens} of git/notifyCommit`)
    : warning(
        'there is none: git/notifyCommit answers 401',
        'Make one in Manage Jenkins → Security → Git plugin notifyCommit access tokens, and give it to the hooks.',
      );

const place = 'Manage Jenkins → System → Jenkins URL';
const same = (a: string, b: string) => withSlash(new URL(a).href) === withSlash(new URL(b).href);

/** Whether Jenkins knows under which address it is reached: approvals find their build by it. */
export function judgeRootUrl({ access, root, inside }: JenkinsFacts): Finding {
  const { document } = inside;
  const told = document?.url ?? root.document?.url ?? undefined;
  if (document && !document.url && !document.problems.url)
    return warning('none is set', `Enter ${withSlash(access.url)} in ${place}: BUILD_URL is made of it.`);
  if (told === undefined) return unknown('it tells none', 'Give --user, and his API token with --token-file.');
  if (!URL.canParse(told) || !same(told, access.url))
    return warning(
      `Jenkins believes to be at ${told}, and answers at ${withSlash(access.url)}`,
      `Unless both lead to it, correct it in ${place}, and let the proxy pass Host, X-Forwarded-Host and X-Forwarded-Proto.`,
    );
  if (document) return ok(told);
  return unknown(
    `${told}; whether it is set only an administrator may know`,
    'Give the API token of an administrator with --user and --token-file.',
  );
}
