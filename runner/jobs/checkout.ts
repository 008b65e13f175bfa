import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fail, HomeostatError } from '../common/errors';
import type { Git } from './git';
import type { PipelineJob, Revision } from './model';
import { branchMatches, plainBranches } from '../common/repository';

export interface Checkout {
  branch: string;
  commit: string;
}

/** The heads of the branches that the job may build. @throws GIT_FAILED */
export async function listHeads(git: Git, job: PipelineJob): Promise<Map<string, string>> {
  const output = await git(['ls-remote', '--heads', '--', job.repository], { quiet: true });
  const heads = [...output.matchAll(/^([0-9a-f]+)\trefs\/heads\/(.+)$/gm)].map(
    ([, commit, branch]) => [branch!, commit!] as const,
  );
  return new Map(heads.filter(([branch]) => branchMatches(branch, job.branches)));
}

/** The branch that is built when none is named. */
export const defaultBranch = (job: PipelineJob) => plainBranches(job.branches)[0]!;

/**
 * Puts exactly the wanted commit into the workspace, which is kept from build to build. A workspace that git cannot work
 * with (a build was killed, files were damaged) is made anew once.
 * @throws GIT_FAILED
 */
export async function checkOut(git: Git, job: PipelineJob, workspace: string, revision: Revision): Promise<Checkout> {
  // Asked first: when the remote side is the trouble, the workspace is left alone.
  const heads = await listHeads(git, job);
  const branch = revision.branch ?? (revision.commit ? undefined : defaultBranch(job));
  if (branch !== undefined && !heads.has(branch))
    fail('GIT_FAILED', `the branch '${branch}' does not exist, or is none that the job ${job.name} may build`, {
      remedy: `Push it; branches of the job are ${job.branches.join(', ')}.`,
    });
  const work = () => fetchAndReset(git, job, workspace, revision.commit, branch, heads);
  if (existsSync(path.join(workspace, '.git'))) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HomeostatError) || error.code !== 'GIT_FAILED' || error.data.final) throw error;
    }
  }
  await rm(workspace, { recursive: true, force: true });
  await mkdir(workspace, { recursive: true });
  await git(['init', '--quiet', '--', workspace]);
  return work();
}

async function fetchAndReset(
  git: Git,
  job: PipelineJob,
  workspace: string,
  commit: string | undefined,
  branch: string | undefined,
  heads: Map<string, string>,
): Promise<Checkout> {
  const here = (...args: string[]) => git(['-C', workspace, ...args]);
  await here('config', 'remote.origin.url', job.repository);
  await here(
    'fetch',
    '--quiet',
    '--force',
    '--prune',
    '--tags',
    '--no-recurse-submodules',
    '--',
    job.repository,
    '+refs/heads/*:refs/remotes/origin/*',
  );
  const chosen = commit ? await findCommit(here, job, commit, branch, heads) : await headOf(here, branch!);
  await here('checkout', '--quiet', '--force', '--detach', chosen.commit);
  await here('reset', '--quiet', '--hard', chosen.commit);
  await here('clean', '--quiet', '-ffdx');
  return chosen;
}

type Here = (...args: string[]) => Promise<string>;

async function headOf(here: Here, branch: string): Promise<Checkout> {
  const commit = await here('rev-parse', '--verify', '--quiet', `refs/remotes/origin/${branch}^{commit}`);
  return { branch, commit: commit.trim() };
}

/** A commit is built only when it belongs to a branch of the job: its filter cannot be passed by naming a commit. */
async function findCommit(
  here: Here,
  job: PipelineJob,
  commit: string,
  wanted: string | undefined,
  heads: Map<string, string>,
): Promise<Checkout> {
  const containing = await here(
    'for-each-ref',
    '--format=%(refname:lstrip=3)',
    `--contains=${commit}`,
    'refs/remotes/origin/',
  ).catch(() => '');
  const branches = containing.split('\n').filter((branch) => heads.has(branch));
  const branch = wanted ?? [defaultBranch(job), ...branches].find((each) => branches.includes(each));
  if (branch === undefined || !branches.includes(branch)) {
    const place = wanted === undefined ? 'a branch that the job may build' : `the branch '${wanted}'`;
    fail('GIT_FAILED', `the commit ${commit} is not on ${place}`, { data: { final: true } });
  }
  return { branch, commit };
}
