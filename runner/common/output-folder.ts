import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fail } from './errors';

/** Names what was written, so that the next time nothing else is touched. */
const list = '.homeostat-files';

/**
 * Writes files into a folder of their own in place of those written there before.
 * @throws USAGE_INVALID where the folder has anything else in it
 */
export async function writeFolder(folder: string, files: Record<string, string>): Promise<void> {
  const there = await lstat(folder).catch(() => undefined);
  if (there && !there.isDirectory()) fail('USAGE_INVALID', `${folder} is no folder`);
  const before = there ? await readFile(path.join(folder, list), 'utf8').catch(() => '') : '';
  const own = new Set([...before.split('\n').filter(Boolean), list]);
  const found = there ? await filesIn(folder) : [];
  const foreign = found.filter((name) => !own.has(name));
  if (foreign.length > 0)
    fail('USAGE_INVALID', `${folder} has files that were not written by this command`, {
      evidence: foreign.slice(0, 10),
      remedy: 'Name a new or an empty folder.',
    });
  await mkdir(folder, { recursive: true });
  // First the list: what is left by a run that was stopped is known the next time.
  await writeFile(
    path.join(folder, list),
    [...new Set([...found, ...Object.keys(files)])].map((name) => `${name}\n`).join(''),
  );
  for (const name of found) if (!(name in files) && name !== list) await rm(path.join(folder, name));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text, { mode: 0o600 });
  }
  await writeFile(
    path.join(folder, list),
    Object.keys(files)
      .map((name) => `${name}\n`)
      .join(''),
  );
}

/** Paths of all that is below a folder and is no folder. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}
