import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { fail } from '../common/errors';
import { run } from '../common/process';
import { debianMirrors, type DebianMirrors } from './debian-mirror';

const suite = 'trixie';
/** About half a minute is usual; a slow mirror may take its time. */
const limit = 15 * 60_000;

/** What is taken away, as in the slim images: documentation (licences stay), caches and what names this machine. */
const removed = [
  'usr/share/man',
  'usr/share/info',
  'usr/share/groff',
  'usr/share/lintian',
  'usr/share/linda',
  'usr/share/locale',
  'var/cache/apt',
  'var/cache/debconf',
  'var/cache/ldconfig',
  'var/lib/apt/lists',
  'var/log',
  'etc/hostname',
  'etc/resolv.conf',
];
const emptied = ['var/cache/debconf', 'var/cache/apt/archives/partial', 'var/lib/apt/lists/partial', 'var/log'];

/** Settings of the image: no documentation of later packages, no service starts, no apt caches. */
const settings: Record<string, string> = {
  'etc/machine-id': '',
  'etc/dpkg/dpkg.cfg.d/slim': [
    'path-exclude /usr/share/doc/*',
    'path-include /usr/share/doc/*/copyright',
    'path-exclude /usr/share/man/*',
    'path-exclude /usr/share/info/*',
    'path-exclude /usr/share/groff/*',
    'path-exclude /usr/share/lintian/*',
    'path-exclude /usr/share/locale/*',
    '',
  ].join('\n'),
  'etc/apt/apt.conf.d/slim': [
    'APT::Install-Recommends "false";',
    'APT::AutoRemove::SuggestsImportant "false";',
    'Acquire::Languages "none";',
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };',
    '',
  ].join('\n'),
  'usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n',
};

/** Changes whenever the recipe does, so that a kept file of an older recipe is not used. */
const recipe = createHash('sha256')
  .update(JSON.stringify([suite, removed, emptied, settings]))
  .digest('hex')
  .slice(0, 12);

export interface DebootstrapOptions {
  /** Folder in which the finished file is kept and looked for. */
  cache: string;
  /** apt's configuration of this machine. */
  aptFolder?: string | undefined;
}

/**
 * The path of a tar file with a small Debian, made with debootstrap from the machine's own Debian mirror.
 * @throws BASE_IMAGE_FAILED, CLI_MISSING
 */
export async function debianRootfs(context: Context, options: DebootstrapOptions): Promise<string> {
  const file = path.join(options.cache, `debian-${suite}-${recipe}.tar`);
  if (existsSync(file)) return file;
  await requireDebootstrap(context);
  await mkdir(options.cache, { recursive: true });
  const work = await mkdtemp(path.join(options.cache, 'debootstrap-'));
  try {
    const root = path.join(work, 'root');
    const mirrors = await configuredMirrors(options.aptFolder ?? '/etc/apt');
    await bootstrap(context, root, mirrors);
    await trim(root);
    await writeSources(context, root, mirrors);
    const packed = path.join(work, 'root.tar');
    const tar = ['--create', '--file', packed, '--sort=name', '--numeric-owner', '--xattrs', '--directory', root];
    const { code, stderr } = await run(
      'tar',
      [...tar, '--exclude=./dev/*', '--exclude=./proc/*', '--exclude=./sys/*', '.'],
      context,
    );
    if (code !== 0) fail('BASE_IMAGE_FAILED', 'the Debian base image could not be packed', { cause: stderr.trim() });
    await rename(packed, file);
    return file;
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
  }
}

/** Mirrors of the machine, when it is a Debian. */
async function configuredMirrors(aptFolder: string): Promise<DebianMirrors | undefined> {
  const parts = path.join(aptFolder, 'sources.list.d');
  const names = existsSync(parts) ? (await readdir(parts)).filter((name) => /\.(list|sources)$/.test(name)).sort() : [];
  const files = [path.join(aptFolder, 'sources.list'), ...names.map((name) => path.join(parts, name))];
  return debianMirrors(files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8')));
}

async function bootstrap(context: Context, root: string, mirrors: DebianMirrors | undefined): Promise<void> {
  const archive = mirrors ? [mirrors.archive] : [];
  // Inside, apt cannot use such a mirror without certificates.
  const include = mirrors?.archive.startsWith('https:') ? ['--include=ca-certificates'] : [];
  // In a mount namespace of its own, so that nothing of it stays mounted when it is stopped halfway.
  const apart = ['--mount', '--propagation', 'private', 'debootstrap'];
  const { code, stdout, stderr } = await run(
    'unshare',
    [...apart, '--variant=minbase', ...include, suite, root, ...archive],
    { env: { ...context.env, ...(await aptProxy(context)) }, signal: context.signal, timeout: limit },
  );
  if (code !== 0) {
    fail('BASE_IMAGE_FAILED', 'debootstrap failed', {
      cause: `exit code ${code}, mirror ${mirrors?.archive ?? 'of debootstrap'}`,
      evidence: `${stdout}\n${stderr}`.trim().split('\n').slice(-5),
    });
  }
}

async function requireDebootstrap(context: Context): Promise<void> {
  const user = await run('id', ['-u'], context);
  if (user.stdout.trim() !== '0') {
    fail('BASE_IMAGE_FAILED', 'debootstrap needs root', {
      remedy: 'Run the command as root (sudo), or load the image by hand (`docker load`).',
    });
  }
  const found = await run('sh', ['-c', 'command -v debootstrap'], context);
  if (found.code !== 0) {
    fail('CLI_MISSING', 'debootstrap is not installed', {
      remedy:
        'Install it (`apt-get install debootstrap` on Debian and Ubuntu), or load the image by hand (`docker load`).',
    });
  }
}

/** debootstrap does not ask apt for its proxy. */
async function aptProxy(context: Context): Promise<Record<string, string>> {
  const { stdout } = await run('sh', ['-c', "apt-config dump --format '%v%n' Acquire::http::Proxy"], context);
  const proxy = stdout.trim();
  return /^https?:/.test(proxy) && !context.env.http_proxy ? { http_proxy: proxy } : {};
}

async function trim(root: string): Promise<void> {
  for (const name of removed) await rm(path.join(root, name), { recursive: true, force: true });
  for (const name of emptied) await mkdir(path.join(root, name), { recursive: true });
  const documents = path.join(root, 'usr/share/doc');
  for (const name of await readdir(documents)) {
    for (const entry of await readdir(path.join(documents, name)))
      if (entry !== 'copyright') await rm(path.join(documents, name, entry), { recursive: true, force: true });
  }
  for (const [name, text] of Object.entries(settings)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
  }
}

/** Updates and security fixes, where the mirrors have them: a suite that is missing would break every `apt-get update`. */
async function writeSources(context: Context, root: string, mirrors: DebianMirrors | undefined): Promise<void> {
  if (!mirrors) return;
  const lines = [`deb ${mirrors.archive} ${suite} main`];
  const more = [
    [mirrors.archive, `${suite}-updates`],
    [mirrors.security, `${suite}-security`],
  ] as const;
  for (const [uri, name] of more) {
    if (!uri) continue;
    const look = await run(
      'wget',
      ['--quiet', '--spider', '--tries=1', '--timeout=10', `${uri}/dists/${name}/InRelease`],
      context,
    );
    if (look.code === 0) lines.push(`deb ${uri} ${name} main`);
  }
  await writeFile(path.join(root, 'etc/apt/sources.list'), `${lines.join('\n')}\n`);
}
