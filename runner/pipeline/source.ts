import type { Context } from '../common/context';
import { run } from '../common/process';

/** Where the code comes from: what goes into image labels, tags and the release record. */
export interface Source {
  revision?: string;
  branch?: string;
  url?: string;
  /** Time of the commit, so that the same commit gives the same image. */
  created?: string;
  /** The checkout differs from the commit. */
  dirty: boolean;
}

/** What git knows of the folder; nothing outside a git checkout. Jenkins' own variables win for the branch. */
export async function readSource(folder: string, context: Context): Promise<Source> {
  const git = async (...args: string[]) => {
    // A checkout that belongs to another user (a mounted workspace) is read all the same: nothing of it is executed.
    const config = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' };
    const result = await run('git', ['-C', folder, ...args], {
      env: { ...context.env, ...config },
      signal: context.signal,
      timeout: 20_000,
    }).catch(() => undefined);
    if (context.signal.aborted) throw context.signal.reason;
    return result?.code === 0 ? result.stdout.trim() : undefined;
  };
  const [commit, branch, url, status] = await Promise.all([
    git('log', '-1', '--format=%H %cI'),
    git('rev-parse', '--abbrev-ref', 'HEAD'),
    git('remote', 'get-url', 'origin'),
    git('status', '--porcelain', '--untracked-files=no'),
  ]);
  if (!commit) return { dirty: false };
  const [revision, created] = commit.split(' ');
  const named = context.env.BRANCH_NAME ?? context.env.GIT_BRANCH ?? (branch === 'HEAD' ? undefined : branch);
  return {
    revision: revision!,
    created: created!,
    ...(named ? { branch: named.replace(/^origin\//, '') } : {}),
    ...(url ? { url: withoutCredentials(url) } : {}),
    dirty: Boolean(status),
  };
}

/** A URL without user and password: it is written into labels that everybody can read. */
export const withoutCredentials = (url: string): string => url.replace(/^([\w+.-]+:\/\/)[^/?#]*@/, '$1');

/** OCI labels of an image (https://github.com/opencontainers/image-spec/blob/main/annotations.md). */
export function ociLabels(source: Source, name: string, version: string): Record<string, string> {
  const labels = { title: name, version, revision: source.revision, source: source.url, created: source.created };
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) => (value ? [[`org.opencontainers.image.${key}`, value]] : [])),
  );
}
