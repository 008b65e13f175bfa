import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { isJobName } from '../common/job-path';
import { didYouMean } from '../common/suggest';
import type { Problem } from '../common/yaml-file';
import { plainBranches } from '../common/repository';

type Mapping = Record<string, unknown>;
const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const entries = (value: unknown) => (isMapping(value) ? Object.entries(value) : []);

const onlyForPipelines = ['branches', 'deployKey', 'knownHosts', 'gitTimeout'];
/** Names that Jenkins gives a meaning of its own in the address. */
const takenParameters = ['delay', 'token'];

/**
 * What a schema cannot say of jobs.yml: keys that need or exclude each other, names, and files that must be readable.
 * Works on the file as it was read, so that these problems are told together with those of the schema.
 */
export function relationProblems(file: unknown, folder: string, commands: readonly string[]): Problem[] {
  if (!isMapping(file)) return [];
  const problems = [...fileProblems(file.webhooks, ['webhooks'], ['githubSecretFile', 'giteaSecretFile'], folder)];
  for (const [name, job] of entries(file.jobs)) {
    const at = ['jobs', name];
    if (!isJobName(name)) {
      const message = 'is not a job name; use letters, digits, . _ -, a letter or digit first, at most 63';
      problems.push({ path: at, message });
    }
    if (isMapping(job)) problems.push(...jobProblems(job, at, folder, commands));
  }
  return problems;
}

function jobProblems(job: Mapping, at: string[], folder: string, commands: readonly string[]): Problem[] {
  const problems = fileProblems(job, at, ['deployKey', 'knownHosts'], folder);
  const pipeline = job.repository !== undefined;
  if (pipeline === (job.command !== undefined))
    problems.push({ path: at, message: 'needs either repository (a pipeline job) or command (a command job)' });
  if (!pipeline) {
    for (const key of onlyForPipelines.filter((each) => each in job))
      problems.push({ path: [...at, key], message: 'is only for jobs with a repository' });
  } else if (job.parameters !== undefined) {
    problems.push({ path: [...at, 'parameters'], message: 'is only for jobs with a command' });
  }
  if (typeof job.command === 'string' && !commands.includes(job.command)) {
    const message = `is '${job.command}', which is no homeostat command${didYouMean(job.command, commands)}; use one of ${commands.join(', ')}`;
    problems.push({ path: [...at, 'command'], message });
  }
  if (Array.isArray(job.branches) && plainBranches(job.branches.map(String)).length === 0)
    problems.push({ path: [...at, 'branches'], message: 'needs one name without *, for builds that name no branch' });
  for (const [name, value] of entries(job.environment)) {
    const where = [...at, 'environment', name];
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) problems.push({ path: where, message: 'is not a variable name' });
    problems.push(...fileProblems(value, where, ['file'], folder));
  }
  for (const [name, value] of entries(job.parameters)) problems.push(...parameterProblems(name, value, at));
  return problems;
}

function parameterProblems(name: string, value: unknown, at: string[]): Problem[] {
  const where = [...at, 'parameters', name];
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(name) || takenParameters.includes(name))
    return [
      { path: where, message: `is not a parameter name (letters, digits, _ -; not ${takenParameters.join(', ')})` },
    ];
  if (!isMapping(value) || !Array.isArray(value.choices) || value.default === undefined) return [];
  if (value.choices.includes(value.default)) return [];
  const message = `is '${String(value.default)}', which is not one of ${value.choices.join(', ')}`;
  return [{ path: [...where, 'default'], message }];
}

function fileProblems(value: unknown, at: string[], keys: string[], folder: string): Problem[] {
  if (!isMapping(value)) return [];
  return keys.flatMap((key) => {
    const name = value[key];
    if (typeof name !== 'string' || name === '' || isReadable(path.resolve(folder, name))) return [];
    return [{ path: [...at, key], message: `the file ${path.resolve(folder, name)} cannot be read` }];
  });
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
