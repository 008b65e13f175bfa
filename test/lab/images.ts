import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { baseImage, ensureBaseImage } from '../../runner/system/base-image';
import { realContext } from './context';

const run = promisify(execFile);
const cache = path.join(__dirname, '../../.cache/lab');

/**
 * Images for tests: the system's Debian base; the same with Node.js and git; that with HAProxy, tini and what tests ask
 * it with; and one of 2 MB with only busybox.
 */
export type ImageName = 'base' | 'node' | 'proxy' | 'busybox';

const tags: Record<ImageName, string> = {
  base: baseImage,
  node: 'homeostat-lab/node:latest',
  proxy: 'homeostat-lab/proxy:latest',
  busybox: 'homeostat-lab/busybox:latest',
};

const dockerfile = (base: string, packages: string) => `FROM ${base}
RUN apt-get update && apt-get install -y --no-install-recommends ${packages} && rm -rf /var/lib/apt/lists/*
CMD ["node"]
`;

/** Images that are built, and what they are built on. */
const built = {
  node: { base: 'base', dockerfile: dockerfile(baseImage, 'nodejs git ca-certificates') },
  proxy: { base: 'node', dockerfile: dockerfile(tags.node, 'haproxy tini socat curl') },
} as const;

/** Sees to it that the Engine has the image, and answers with its tag. What it takes long to make is kept in .cache/lab. */
export async function provideImage(engine: Docker, name: ImageName): Promise<string> {
  const tag = tags[name];
  if (await isPresent(engine, tag)) return tag;
  await mkdir(cache, { recursive: true });
  if (name === 'base') await ensureBaseImage(engine, realContext(), { pull: false, cache });
  if (name === 'node' || name === 'proxy') await provideBuilt(engine, name);
  if (name === 'busybox') await provideBusybox(engine, tag);
  return tag;
}

const isPresent = (engine: Docker, tag: string) =>
  engine
    .getImage(tag)
    .inspect()
    .then(
      () => true,
      () => false,
    );

async function provideBuilt(engine: Docker, name: keyof typeof built): Promise<void> {
  const { base, dockerfile } = built[name];
  const file = path.join(cache, `${name}-${createHash('sha256').update(dockerfile).digest('hex').slice(0, 12)}.tar`);
  if (existsSync(file)) return follow(engine, await engine.loadImage(createReadStream(file)));
  await provideImage(engine, base);
  const context = pack();
  context.entry({ name: 'Dockerfile' }, dockerfile);
  context.finalize();
  await follow(engine, await engine.buildImage(context as unknown as NodeJS.ReadableStream, { t: tags[name] }));
  await keep(file, async (temporary) =>
    pipeline((await engine.getImage(tags[name]).get()) as NodeJS.ReadableStream, createWriteStream(temporary)),
  );
}

async function provideBusybox(engine: Docker, tag: string): Promise<void> {
  const file = path.join(cache, 'busybox.tar');
  if (!existsSync(file)) await keep(file, packBusybox);
  const [repo, version] = tag.split(':');
  const options = { repo, tag: version, changes: ['CMD ["sh"]'] };
  await follow(engine, await engine.importImage(createReadStream(file), options));
}

/** A root file system of Debian's busybox-static: one program under many names. */
async function packBusybox(file: string): Promise<void> {
  const work = await mkdtemp(path.join(cache, 'busybox-'));
  const root = path.join(work, 'root');
  const bin = path.join(root, 'bin');
  try {
    const download = () => run('apt-get', ['download', '-q', 'busybox-static'], { cwd: work });
    await download().catch(async () => {
      await run('apt-get', ['update', '-q']);
      await download();
    });
    const archive = (await readdir(work)).find((name) => name.endsWith('.deb'));
    await run('dpkg-deb', ['--extract', archive!, 'package'], { cwd: work });
    const program = ['bin', 'usr/bin'].map((folder) => path.join(work, 'package', folder, 'busybox')).find(existsSync);
    for (const folder of ['bin', 'etc', 'tmp', 'root', 'proc', 'sys', 'dev']) {
      await mkdir(path.join(root, folder), { recursive: true });
    }
    await rename(program!, path.join(bin, 'busybox'));
    const { stdout } = await run(path.join(bin, 'busybox'), ['--list']);
    const applets = stdout.split('\n').filter((applet) => applet && applet !== 'busybox');
    await Promise.all(applets.map((applet) => symlink('busybox', path.join(bin, applet))));
    await writeFile(
      path.join(root, 'etc/passwd'),
      'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
    );
    await writeFile(path.join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
    await run('tar', ['--create', '--file', file, '--directory', root, '.']);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Makes a file under another name first, so that two test files at the same time never see half of it. */
async function keep(file: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    await make(temporary);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Waits for the end of an Engine's progress stream; an error in it is thrown. */
const follow = (engine: Docker, stream: NodeJS.ReadableStream) =>
  new Promise<void>((resolve, reject) => {
    engine.modem.followProgress(stream, (error: Error | null, events: { error?: string }[]) => {
      const problem = error ?? events.find((event) => event.error);
      if (problem) reject(problem instanceof Error ? problem : new Error(problem.error));
      else resolve();
    });
  });
