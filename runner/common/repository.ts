const schemes = /^(https|http|ssh|git|file):\/\//;
const scpLike = /^([A-Za-z0-9][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!\/\/|:)[^\s:][^\s]*$/;

/** Why git must not be given this URL, or undefined when it may. */
export function repositoryProblem(url: string): string | undefined {
  if (url.startsWith('-')) return 'starts with -, which git would read as an option';
  if (/[\u0000-\u0020\u007f]/.test(url)) return 'contains a space or a control character'; // eslint-disable-line no-control-regex
  if (!schemes.test(url) && !scpLike.test(url))
    return 'is not a git URL; write https://, http://, ssh://, git:// or file:///…, or user@host:path';
  const authority = /^https?:\/\/([^/]*)@/.exec(url)?.[1];
  if (authority?.includes(':')) return 'carries a password; put it into ~/.netrc of the server’s user';
  if (/^(ssh|git):\/\/([^/@]*@)?-/.test(url)) return 'has a host that starts with -';
  return undefined;
}

/**
 * Host and path by which two URLs of one repository are known to be the same: scheme, user, port, `.git`, slashes at the
 * end and the case of the host do not count, as in Jenkins (GitStatus.looselyMatches).
 */
export function repositoryKey(url: string): string {
  const match = /^[a-z][a-z0-9+.-]*:\/\/([^/]*)(\/.*)?$/i.exec(url);
  const [authority, path] = match ? [match[1]!, match[2] ?? ''] : splitScp(url);
  const host = authority.replace(/^.*@/, '').replace(/:\d*$/, '').toLowerCase();
  const trimmed = path
    .replace(/[?#].*$/, '')
    .replace(/^\/+/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .replace(/\/+$/, '');
  return `${host}/${trimmed}`;
}

function splitScp(url: string): [string, string] {
  const colon = url.indexOf(':');
  return colon < 0 ? ['', url] : [url.slice(0, colon), url.slice(colon + 1)];
}

/** Whether this can be the name of a branch; the rules of git-check-ref-format. */
export function isBranchName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 255 &&
    !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)/.test(name) && // eslint-disable-line no-control-regex
    !/^[-/.]|[/.]$/.test(name) &&
    name !== '@'
  );
}

/** Whether a branch is let through by patterns in which `*` stands for any text. */
export function branchMatches(branch: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`).test(branch);
  });
}

/** The branches of a filter that are named without `*`. */
export const plainBranches = (patterns: readonly string[]) => patterns.filter((pattern) => !pattern.includes('*'));

export const isCommit = (text: string) => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
