import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { fail } from '../common/errors';
import { run } from '../common/process';
import { resourcesBelow } from '../common/resources';

/** The example's repository on this machine: a bare one that the job server clones, and a checkout to work in. */
export interface ExampleRepository {
  bare: string;
  checkout: string;
  url: string;
}

export const exampleName = 'greeter';

export const exampleRepository = (folder: string): ExampleRepository => {
  const bare = path.join(folder, 'git', `${exampleName}.git`);
  return { bare, checkout: path.join(folder, 'example', exampleName), url: `file://${bare}` };
};

/** Runs git in the example's checkout. @throws GIT_FAILED */
export async function git(folder: string, args: string[], context: Context): Promise<string> {
  const identity = {
    GIT_AUTHOR_NAME: 'Homeostat',
    GIT_AUTHOR_EMAIL: 'homeostat@localhost',
    GIT_COMMITTER_NAME: 'Homeostat',
    GIT_COMMITTER_EMAIL: 'homeostat@localhost',
  };
  const result = await run('git', ['-C', folder, ...args], {
    env: { ...context.env, ...identity, GIT_TERMINAL_PROMPT: '0' },
    signal: context.signal,
    timeout: 60_000,
  });
  if (result.code !== 0)
    fail('GIT_FAILED', `git ${args[0]} failed in ${folder}`, {
      cause: result.stderr.trim().split('\n').pop() ?? `exit code ${result.code}`,
    });
  return result.stdout.trim();
}

/**
 * Makes the example's repository with a hook that tells the job server of each push, as a git server would; one that is
 * there keeps its history.
 */
export async function prepareExample(folder: string, registry: string, context: Context): Promise<ExampleRepository> {
  const repository = exampleRepository(folder);
  await mkdir(repository.bare, { recursive: true });
  await mkdir(repository.checkout, { recursive: true });
  await git(repository.bare, ['init', '-q', '--bare', '-b', 'main'], context);
  await git(repository.checkout, ['init', '-q', '-b', 'main'], context);
  const remotes = await git(repository.checkout, ['remote'], context);
  if (!remotes.split('\n').includes('origin'))
    await git(repository.checkout, ['remote', 'add', 'origin', repository.bare], context);
  if ((await head(repository, context)) === undefined) await writeExample(repository.checkout, registry);
  return repository;
}

/** The commit the checkout stands on; undefined before the first. */
export async function head(repository: ExampleRepository, context: Context): Promise<string | undefined> {
  return git(repository.checkout, ['rev-parse', '--verify', '-q', 'HEAD'], context).catch(() => undefined);
}

async function writeExample(folder: string, registry: string): Promise<void> {
  for (const [name, text] of Object.entries(resourcesBelow(`examples/${exampleName}`))) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text.replaceAll('127.0.0.1:5000', registry));
  }
}

/** The hook that tells the job server of a push by git/notifyCommit; the token lies beside it, readable by its owner only. */
export async function writeHook(repository: ExampleRepository, jobs: string, token: string): Promise<void> {
  const hooks = path.join(repository.bare, 'hooks');
  await mkdir(hooks, { recursive: true });
  await writeFile(path.join(hooks, 'token'), `${token}\n`, { mode: 0o600 });
  const script = `#!/usr/bin/env node
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const token = readFileSync(join(__dirname, 'token'), 'utf8').trim();
const pushed = readFileSync(0, 'utf8').trim().split('\\n').map((line) => line.split(' '));
const tell = async ([, commit, ref]) => {
  if (!ref?.startsWith('refs/heads/') || /^0+$/.test(commit)) return;
  const query = new URLSearchParams({ url: ${JSON.stringify(repository.url)}, branches: ref.slice(11), sha1: commit, token });
  const answer = await fetch(\`${jobs}/git/notifyCommit?\${query}\`, { method: 'POST' });
  console.log(\`homeostat: \${answer.status} \${(await answer.text()).trim()}\`);
};
Promise.all(pushed.map(tell)).catch((error) => console.error(\`homeostat: the job server does not answer: \${error.message}\`));
`;
  await writeFile(path.join(hooks, 'post-receive'), script);
  await chmod(path.join(hooks, 'post-receive'), 0o755);
}

/** Changes a file of the checkout by replacing a text, which must be there. */
export async function edit(repository: ExampleRepository, file: string, from: RegExp, to: string): Promise<void> {
  const full = path.join(repository.checkout, file);
  const text = await readFile(full, 'utf8');
  if (!from.test(text))
    fail('STORY_FAILED', `the example's ${file} is not as it was made`, {
      remedy: `Restore it in ${repository.checkout}, or remove that folder and run homeostat up again.`,
    });
  await writeFile(full, text.replace(from, to));
}

/** Commits all changes and pushes; the hook does the rest. */
export async function commitAndPush(repository: ExampleRepository, message: string, context: Context): Promise<string> {
  await git(repository.checkout, ['add', '-A'], context);
  await git(repository.checkout, ['commit', '-q', '-m', message], context);
  await git(repository.checkout, ['push', '-q', 'origin', 'main'], context);
  return git(repository.checkout, ['rev-parse', 'HEAD'], context);
}

/** Trailer of commits that must not stay: they show what happens to a bad change. */
export const badTrailer = 'Homeostat-Story: bad';

/** Reverts a bad commit that an earlier run, stopped half-way, left as the last one. */
export async function undoBadCommit(repository: ExampleRepository, context: Context): Promise<void> {
  const last = await git(repository.checkout, ['log', '-1', '--format=%B'], context).catch(() => '');
  await git(repository.checkout, ['reset', '-q', '--hard'], context).catch(() => '');
  if (last.includes(badTrailer) && !last.startsWith('Revert'))
    await git(repository.checkout, ['revert', '--no-edit', 'HEAD'], context);
}
