import { spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { access, constants, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { connectEngine, request } from '../common/engine';
import { fail } from '../common/errors';
import { run } from '../common/process';
import { addToState, including } from './state';

/** A program that is needed, and the Debian package that brings it. */
export interface Need {
  program: string;
  package: string;
}

export const engineNeeds: Need[] = [
  { program: 'dockerd', package: 'docker.io' },
  { program: 'docker', package: 'docker-cli' },
  { program: 'iptables', package: 'iptables' },
  { program: 'git', package: 'git' },
  { program: 'debootstrap', package: 'debootstrap' },
];

/** Packages of those needs whose program is not on the path. */
export async function missingPackages(needs: Need[], context: Context): Promise<string[]> {
  const missing: string[] = [];
  for (const need of needs) if (!(await isInstalled(need.program, context))) missing.push(need.package);
  return [...new Set(missing)];
}

export async function isInstalled(program: string, { env }: Context): Promise<boolean> {
  const folders = [...(env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin'].filter(Boolean);
  for (const folder of folders) {
    const found = await access(path.join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/**
 * Installs Debian packages with apt.
 * @throws INSTALL_FAILED elsewhere, without root, or when apt fails
 */
export async function installPackages(packages: string[], folder: string, context: Context): Promise<void> {
  if (packages.length === 0) return;
  const manual = `Install ${packages.join(', ')} by hand, then try again.`;
  if (!(await isInstalled('apt-get', context)))
    fail('INSTALL_FAILED', `${packages.join(', ')} cannot be installed`, {
      cause: 'this machine has no apt-get',
      remedy: manual,
    });
  context.log.info(`installing ${packages.join(', ')} with apt-get`);
  const env = { ...context.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { env, signal: context.signal, timeout: 600_000 };
  const apt = async (...args: string[]) => {
    const result = await run('apt-get', args, options);
    if (result.code === 0) return;
    const lines = `${result.stdout}\n${result.stderr}`.split('\n').filter((line) => /^(E:|Err)/.test(line));
    fail('INSTALL_FAILED', `apt-get ${args[0]} failed`, {
      cause: lines[0] ?? `exit code ${result.code}`,
      evidence: lines.slice(1, 5),
      remedy: `Run as root, check the network and apt’s sources. ${manual}`,
    });
  };
  await apt('update', '-q');
  const known = await Promise.all(packages.map((name) => knownPackage(name, context)));
  await addToState(folder, (state) => ({ ...state, packages: including(state.packages, ...known) }));
  await apt('install', '-y', '-q', '--no-install-recommends', ...new Set(known));
}

/** Debian 13 has the docker client in a package of its own; elsewhere it comes with the Engine. */
const otherwise: Record<string, string> = { 'docker-cli': 'docker.io' };

async function knownPackage(name: string, context: Context): Promise<string> {
  const other = otherwise[name];
  if (!other) return name;
  const found = await run('apt-cache', ['show', name], { env: context.env, signal: context.signal, timeout: 30_000 });
  return found.code === 0 ? name : other;
}

const startLimit = 60_000;

/** Whether the Engine answers. */
export async function engineAnswers(context: Context): Promise<boolean> {
  return request(connectEngine(context), 'GET', '/version', { signal: context.signal, limit: 5000 }).then(
    () => true,
    () => false,
  );
}

/** Whether systemd runs this machine (sd_booted(3)). */
export const systemdRuns = (): boolean => existsSync('/run/systemd/system');

/**
 * Starts the Engine: by systemd where it runs, else as a background process with a pid file and a log.
 * @throws ENGINE_UNREACHABLE with the end of its log when it does not come up
 */
export async function startEngine(folder: string, context: Context): Promise<void> {
  const log = path.join(folder, 'dockerd.log');
  if (systemdRuns()) {
    context.log.info('starting Docker with systemd');
    await addToState(folder, (state) => ({ ...state, engine: { by: 'systemd' } }));
    await run('systemctl', ['enable', '--now', 'docker'], {
      env: context.env,
      signal: context.signal,
      timeout: startLimit,
    });
  } else {
    await mkdir(folder, { recursive: true });
    const output = openSync(log, 'a');
    const env = { ...context.env, PATH: `${context.env.PATH}:/usr/sbin:/sbin` };
    const child = spawn('dockerd', [], { detached: true, stdio: ['ignore', output, output], env });
    child.on('error', () => undefined);
    child.unref();
    if (child.pid !== undefined) {
      const { pid } = child;
      context.log.info(`starting dockerd as a background process (pid ${pid}, log ${log})`);
      await writeFile(path.join(folder, 'dockerd.pid'), `${pid}\n`);
      await addToState(folder, (state) => ({ ...state, engine: { by: 'process', pid } }));
    }
  }
  const start = context.clock.monotonic();
  while (!(await engineAnswers(context))) {
    if (context.clock.monotonic() - start > startLimit) {
      const lines = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').slice(-5);
      fail('ENGINE_UNREACHABLE', `Docker did not answer within ${startLimit / 1000} s of its start`, {
        evidence: lines,
      });
    }
    await context.clock.sleep(200, context.signal);
  }
}
