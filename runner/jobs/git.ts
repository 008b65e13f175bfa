import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '../common/context';
import { formatDuration } from '../common/duration';
import { fail, messageOf } from '../common/errors';
import { run } from '../common/process';
import { cookieVariable } from './environment';
import type { PipelineJob } from './model';

export interface Git {
  /** Runs git without a shell and answers what it printed. @throws GIT_FAILED */
  (args: string[], options?: { quiet?: boolean }): Promise<string>;
}

export interface GitOptions {
  env: Environment;
  /** Folder for the key and the configuration that git needs. */
  data: string;
  signal: AbortSignal;
  /** Value of BUILD_COOKIE, by which what git leaves running is found. */
  cookie?: string;
  onOutput?: (text: string) => void;
}

/** No code of the repository runs in git, and a server that says nothing for a minute is given up. */
const settings = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'gc.autoDetach=false',
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=60',
];

const passedOn = /^(PATH|HOME|LANG|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)$/;

/** git for one job: no prompt, no hooks, only the usual protocols, the job's own key. @throws GIT_FAILED */
export async function gitFor(job: PipelineJob, options: GitOptions): Promise<Git> {
  const env: Environment = {
    ...Object.fromEntries(Object.entries(options.env).filter(([name]) => passedOn.test(name))),
    ...(options.env.SSL_CERT_FILE ? { GIT_SSL_CAINFO: options.env.SSL_CERT_FILE } : {}),
    ...(options.cookie ? { [cookieVariable]: options.cookie } : {}),
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'https:http:ssh:git:file',
    GIT_CONFIG_GLOBAL: await writeConfiguration(job, options.data),
    GIT_SSH_VARIANT: 'ssh',
    GIT_SSH_COMMAND: sshCommand(job, await usableKey(job, options.data)),
  };
  const fixed = settings.flatMap((setting) => ['-c', setting]);
  return async (args, { quiet } = {}) => {
    const what = `git ${args.find((arg) => /^[a-z][a-z-]*$/.test(arg)) ?? ''} failed for the job ${job.name}`;
    // A signal and not the time limit of run(), which waits for helpers of git that hold its output open.
    const timeout = AbortSignal.timeout(job.gitTimeout);
    const { code, stdout, stderr } = await run('git', [...fixed, ...args], {
      env,
      signal: AbortSignal.any([options.signal, timeout]),
      ...(quiet || !options.onOutput ? {} : { onOutput: options.onOutput }),
    }).catch((error: unknown) => {
      if (!timeout.aborted || options.signal.aborted) throw error;
      return fail('GIT_FAILED', what, { cause: `it took longer than ${formatDuration(job.gitTimeout)}` });
    });
    return code === 0 ? stdout : fail('GIT_FAILED', what, { cause: lastLines(stderr) });
  };
}

const lastLines = (text: string) => text.trim().split('\n').slice(-5).join(' / ');

/** ssh with the key of the job and no other, no questions, and no host that is not known. */
function sshCommand(job: PipelineJob, key: string | undefined): string {
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ConnectTimeout=20', 'ServerAliveInterval=15'];
  if (job.knownHosts) options.push(`UserKnownHostsFile=${sshPath(job.knownHosts)}`, 'GlobalKnownHostsFile=/dev/null');
  if (key) options.push('IdentitiesOnly=yes', 'IdentityAgent=none');
  const words = ['ssh', ...(key ? ['-F', '/dev/null', '-i', key] : []), ...options.flatMap((option) => ['-o', option])];
  // git gives this text to a shell; it holds paths of jobs.yml only.
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

/** ssh splits the option at spaces and reads % as a placeholder. */
const sshPath = (file: string) => `"${file.replaceAll('%', '%%')}"`;

/** A copy of the deploy key that ssh accepts: it refuses one that others may read, as Docker's secrets are. */
async function usableKey(job: PipelineJob, data: string): Promise<string | undefined> {
  if (!job.deployKey) return undefined;
  const copy = path.join(data, 'keys', job.name);
  try {
    await mkdir(path.dirname(copy), { recursive: true, mode: 0o700 });
    const text = await readFile(job.deployKey, 'utf8');
    await rm(copy, { force: true });
    await writeFile(copy, text.endsWith('\n') ? text : `${text}\n`, { mode: 0o600, flag: 'wx' });
    return copy;
  } catch (error) {
    return fail('GIT_FAILED', `the deploy key of the job ${job.name} cannot be used`, { cause: messageOf(error) });
  }
}

/** git refuses local repositories of other owners unless they are named in a configuration file of the user. */
async function writeConfiguration(job: PipelineJob, data: string): Promise<string> {
  const folder = path.join(data, 'git');
  const file = path.join(folder, `${job.name}.config`);
  const lines = ['[include]', '\tpath = ~/.gitconfig'];
  if (job.repository.startsWith('file://')) {
    const local = decodeURIComponent(job.repository.slice('file://'.length)).replace(/\/+$/, '');
    const quoted = (name: string) => `"${name.replace(/[\\"]/g, '\\$&')}"`;
    lines.push('[safe]', ...['', '/.git', '.git'].map((end) => `\tdirectory = ${quoted(local + end)}`));
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}
