import { createReadStream } from 'node:fs';
import { lstat, opendir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import dockerignore from '@balena/dockerignore';
import { pack, type Pack } from 'tar-stream';
import { fail, HomeostatError, messageOf } from '../common/errors';

export interface ContextPlan {
  /** Absolute path of the context folder. */
  folder: string;
  /** Path of the Dockerfile inside the archive. */
  dockerfile: string;
  /** Absolute path of the Dockerfile when it lies outside the folder; it is then added under `dockerfile`. */
  outsideDockerfile?: string;
  ignore: (file: string) => boolean;
  /** With a `!` pattern, something inside an ignored folder may be wanted. */
  hasExceptions: boolean;
}

/**
 * What is sent to the builder: the folder without what `<Dockerfile>.dockerignore`, else `.dockerignore`, leaves out.
 * @throws CONFIG_INVALID when the folder or the Dockerfile is missing
 */
export async function planContext(cwd: string, folderName: string, dockerfileName: string): Promise<ContextPlan> {
  const folder = path.resolve(cwd, folderName);
  const info = await stat(folder).catch(() => undefined);
  if (!info?.isDirectory())
    fail('CONFIG_INVALID', `build.context '${folderName}' is not a folder`, {
      cause: `looked for ${folder}`,
      remedy: 'Name the folder with build.context (relative to the folder of homeostat.yml) or --context.',
    });
  const dockerfilePath = path.resolve(folder, dockerfileName);
  const there = await stat(dockerfilePath).catch(() => undefined);
  if (!there?.isFile()) {
    fail('CONFIG_INVALID', `build.dockerfile '${dockerfileName}' ${there ? 'is not a file' : 'does not exist'}`, {
      cause: `looked for ${dockerfilePath}`,
      remedy: 'Create the Dockerfile, or name it with build.dockerfile (relative to build.context).',
    });
  }
  const relative = path.relative(folder, dockerfilePath);
  const outside = relative.startsWith('..') || path.isAbsolute(relative);
  const dockerfile = outside ? '.homeostat.Dockerfile' : relative;
  const text =
    (await readIgnoreFile(`${dockerfilePath}.dockerignore`)) ??
    (await readIgnoreFile(path.join(folder, '.dockerignore'))) ??
    '';
  const patterns = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'));
  const matcher = dockerignore().add(patterns);
  return {
    folder,
    dockerfile,
    ...(outside ? { outsideDockerfile: await realpath(dockerfilePath) } : {}),
    ignore: (file) => file !== dockerfile && file !== '.dockerignore' && matcher.ignores(file),
    hasExceptions: patterns.some((pattern) => pattern.startsWith('!')),
  };
}

async function readIgnoreFile(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    return fail('CONFIG_INVALID', `${file} cannot be read`, { cause: messageOf(error) });
  });
}

type EntryHeader = Parameters<Pack['entry']>[0];

/**
 * The context as a tar stream, read file by file: never in memory as a whole. The stream fails with BUILD_FAILED when
 * something in the folder cannot be read.
 */
export function streamContext(plan: ContextPlan): Readable {
  const archive = pack();
  const fill = async () => {
    await addFolder(archive, plan, '');
    if (plan.outsideDockerfile) await addFile(archive, plan.outsideDockerfile, plan.dockerfile);
    archive.finalize();
  };
  fill().catch((error: Error) => archive.destroy(error));
  return Readable.from(archive, { objectMode: false });
}

async function addFolder(archive: Pack, plan: ContextPlan, relative: string): Promise<void> {
  const names: string[] = [];
  for await (const entry of await opendir(path.join(plan.folder, relative))) names.push(entry.name);
  // Sorted, so that the same folder gives the same stream.
  for (const name of names.sort()) {
    const file = relative ? `${relative}/${name}` : name;
    await addEntry(archive, plan, file).catch((error: unknown) => unreadable(file, error));
  }
}

async function addEntry(archive: Pack, plan: ContextPlan, file: string): Promise<void> {
  const info = await lstat(path.join(plan.folder, file));
  const ignored = plan.ignore(file);
  if (info.isDirectory()) {
    if (ignored && !plan.hasExceptions && !plan.dockerfile.startsWith(`${file}/`)) return;
    if (!ignored) await addHeader(archive, { name: `${file}/`, type: 'directory', mode: info.mode, mtime: info.mtime });
    await addFolder(archive, plan, file);
  } else if (!ignored) {
    await addFile(archive, path.join(plan.folder, file), file);
  }
}

function unreadable(file: string, error: unknown): never {
  if (error instanceof HomeostatError) throw error;
  return fail('BUILD_FAILED', `'${file}' of the build context could not be read whole`, {
    cause: messageOf(error),
    remedy: 'Let it be readable and unchanged during the build, or leave it out by .dockerignore.',
  });
}

async function addFile(archive: Pack, source: string, name: string): Promise<void> {
  const info = await lstat(source);
  const header: EntryHeader = { name, mode: info.mode, mtime: info.mtime };
  if (info.isSymbolicLink())
    return addHeader(archive, { ...header, type: 'symlink', linkname: await readlink(source) });
  if (!info.isFile()) return;
  if (info.size === 0) return addHeader(archive, { ...header, size: 0 });
  const entry = archive.entry({ ...header, size: info.size });
  await pipeline(contentOf(source, name, info.size), entry);
}

/** The first bytes of a file, as many as were announced: one that grows while it is read would break the archive. */
async function* contentOf(source: string, name: string, size: number): AsyncGenerator<Buffer> {
  let read = 0;
  try {
    for await (const chunk of createReadStream(source, { end: size - 1 })) {
      read += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
    if (read < size) throw new Error(`its size was ${size} bytes, and is ${read} now`);
  } catch (error) {
    unreadable(name, error);
  }
}

function addHeader(archive: Pack, header: EntryHeader): Promise<void> {
  return new Promise((resolve, reject) => {
    // Without content, though it be empty, a file would be waited for.
    archive.entry({ ...header, size: 0 }, '', (error) => (error ? reject(error) : resolve()));
  });
}
