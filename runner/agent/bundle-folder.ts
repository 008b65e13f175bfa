import { mkdir, open, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Bundle } from '../common/bundle';

/** How many configurations are kept, the current one among them. */
const keep = 3;
const revisionShape = /^[0-9a-f]{16}$/;
/** The bundle as it came: names of its files cannot begin with a dot. */
const record = '.bundle.json';

/** `bundles/<revision>/` for each configuration and the link `current` to the one in force, in a folder that survives. */
export class BundleFolder {
  constructor(private readonly folder: string) {}

  pathOf(revision: string): string {
    return path.join(this.folder, 'bundles', revision);
  }

  /** Puts a bundle there whole: under its name are either all of its files or none. */
  async write(bundle: Bundle, files: Record<string, string>): Promise<string> {
    const target = this.pathOf(bundle.revision);
    const part = path.join(this.folder, 'bundles', '.part');
    try {
      await this.fill(part, bundle, files);
      await rm(target, { recursive: true, force: true });
      await rename(part, target);
      return target;
    } catch (error) {
      await rm(part, { recursive: true, force: true });
      throw error;
    }
  }

  private async fill(part: string, bundle: Bundle, files: Record<string, string>): Promise<void> {
    await rm(part, { recursive: true, force: true });
    await mkdir(part, { recursive: true, mode: 0o700 });
    for (const folder of new Set(Object.keys(files).map((name) => path.dirname(name))))
      await mkdir(path.join(part, folder), { recursive: true, mode: 0o700 });
    for (const [name, text] of Object.entries(files))
      await writeFile(path.join(part, name), text, { mode: 0o600, flag: 'wx' });
    // Only this has to outlast a power cut: the other files are written again from it.
    const handle = await open(path.join(part, record), 'wx', 0o600);
    try {
      await handle.writeFile(JSON.stringify(bundle));
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** Revision that the link leads to; undefined before the first. */
  async current(): Promise<string | undefined> {
    const target = await readlink(path.join(this.folder, 'current')).catch(() => '');
    const revision = path.basename(target);
    return revisionShape.test(revision) ? revision : undefined;
  }

  /** Makes the link lead to this one, in one step. */
  async use(revision: string): Promise<void> {
    if ((await this.current()) === revision) return;
    const part = path.join(this.folder, '.current');
    await rm(part, { force: true });
    await symlink(path.join('bundles', revision), part);
    await rename(part, path.join(this.folder, 'current'));
    const handle = await open(this.folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** What was kept of bundles as text, the one in force first, then the newest. */
  async kept(): Promise<{ revision: string; text: string }[]> {
    const current = await this.current();
    const revisions = (await this.revisions()).sort((a, b) => Number(b === current) - Number(a === current));
    const texts = revisions.map(async (revision) => ({
      revision,
      text: await readFile(path.join(this.pathOf(revision), record), 'utf8').catch(() => ''),
    }));
    return Promise.all(texts);
  }

  async remove(revision: string): Promise<void> {
    await rm(this.pathOf(revision), { recursive: true, force: true });
  }

  /** Removes all but the current one and the newest others. */
  async clean(): Promise<void> {
    const current = await this.current();
    const others = (await this.revisions()).filter((revision) => revision !== current);
    for (const revision of others.slice(keep - 1)) await this.remove(revision);
  }

  /** The newest first. */
  private async revisions(): Promise<string[]> {
    const names = await readdir(path.join(this.folder, 'bundles')).catch(() => []);
    const times = await Promise.all(
      names
        .filter((name) => revisionShape.test(name))
        .map(async (name) => ({ name, time: (await stat(this.pathOf(name))).mtimeMs })),
    );
    return times.sort((a, b) => b.time - a.time).map(({ name }) => name);
  }
}
