import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { fail } from '../common/errors';
import { git } from './example';
import type { SystemSettings } from './services';

/** Where Jenkins takes the shared library from; the version is a branch, tag or commit. */
export interface Library {
  repository: string;
  version: string;
}

/** The copy that Jenkins and its agents see under the same path. */
const copyOf = (folder: string) => path.join(folder, 'git', 'homeostat.git');

/** The checkout that this runner belongs to; undefined where it was copied to somewhere else. */
function checkoutOf({ runnerFile }: Context): string | undefined {
  const root = path.resolve(path.dirname(runnerFile), '../..');
  return existsSync(path.join(root, '.git')) && existsSync(path.join(root, 'vars')) ? root : undefined;
}

/**
 * The library that Jenkins is given: the one of system.yml, else the commit of the checkout that this runner belongs to, so
 * that steps and runner are of one version.
 * @throws USAGE_INVALID where there is neither
 */
export async function jenkinsLibrary({ folder, system }: SystemSettings, context: Context): Promise<Library> {
  if (system.jenkins.library) return system.jenkins.library;
  const root = checkoutOf(context);
  if (root === undefined)
    return fail('USAGE_INVALID', 'it is not known where Jenkins is to take the shared library from', {
      cause: 'this runner is not in a checkout of its repository',
      remedy: 'Name it in system.yml: jenkins.library.repository and jenkins.library.version.',
    });
  return { repository: `file://${copyOf(folder)}`, version: await git(root, ['rev-parse', 'HEAD'], context) };
}

/** Copies the checkout to where Jenkins reads it; a copy that has the commit stays as it is. */
export async function copyLibrary(settings: SystemSettings, { version }: Library, context: Context): Promise<void> {
  const root = checkoutOf(context);
  if (settings.system.jenkins.library || root === undefined) return;
  const copy = copyOf(settings.folder);
  const known = await git(copy, ['cat-file', '-e', `${version}^{commit}`], context).then(
    () => true,
    () => false,
  );
  if (known) return;
  await mkdir(path.dirname(copy), { recursive: true });
  await rm(`${copy}.new`, { recursive: true, force: true });
  await git(root, ['clone', '-q', '--bare', '--no-hardlinks', root, `${copy}.new`], context);
  // A commit that no branch holds, as of a checkout of a tag, would not travel.
  await git(`${copy}.new`, ['fetch', '-q', root, version], context);
  await git(`${copy}.new`, ['branch', '-f', 'installed', version], context);
  await rm(copy, { recursive: true, force: true });
  await rename(`${copy}.new`, copy);
}
