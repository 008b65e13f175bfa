import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fail, messageOf } from '../common/errors';
import { readYaml } from '../common/yaml-file';
import type { Job, JobsConfiguration, Parameter } from './model';
import { relationProblems } from './relations';
import { jobsSchema, type JobEntry, type JobsFile } from './schema';

const defaults = {
  executors: 2,
  keep: { builds: 50, days: 365 },
  logMegabytes: 20,
  timeout: 4 * 3_600_000,
  gitTimeout: 600_000,
};

/**
 * Reads jobs.yml; paths in it are relative to its folder.
 * @param commands names of the commands that a job may run
 * @throws JOBS_INVALID listing every problem with line, column and key
 */
export function readConfiguration(file: string, commands: readonly string[]): JobsConfiguration {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    fail('JOBS_INVALID', `the jobs file ${file} cannot be read`, {
      cause: messageOf(error),
      remedy: 'Create it (docs/jobs.md has an example), or name another one with --jobs.',
    });
  }
  return parseConfiguration(text, file, commands);
}

/** The same for the text of a file. */
export function parseConfiguration(text: string, file: string, commands: readonly string[]): JobsConfiguration {
  const folder = path.dirname(path.resolve(file));
  const more = (value: unknown) => relationProblems(value, folder, commands);
  return configurationOf(readYaml(text, path.basename(file), jobsSchema, 'JOBS_INVALID', more), folder);
}

function configurationOf(file: JobsFile, folder: string): JobsConfiguration {
  const resolved = (name: string | undefined) => (name === undefined ? undefined : path.resolve(folder, name));
  return {
    url: file.url === undefined ? undefined : `${file.url.replace(/\/+$/, '')}/`,
    executors: file.executors ?? defaults.executors,
    logLimit: (file.logMegabytes ?? defaults.logMegabytes) * 1_000_000,
    githubSecretFile: resolved(file.webhooks?.githubSecretFile),
    giteaSecretFile: resolved(file.webhooks?.giteaSecretFile),
    jobs: new Map(Object.entries(file.jobs).map(([name, entry]) => [name, jobOf(name, entry, file, resolved)])),
  };
}

function jobOf(
  name: string,
  entry: JobEntry,
  file: JobsFile,
  resolved: (name: string | undefined) => string | undefined,
): Job {
  const common = {
    name,
    description: entry.description ?? '',
    parameters: new Map(Object.entries(entry.parameters ?? {}).map(([key, value]) => [key, parameterOf(value)])),
    environment: Object.fromEntries(
      Object.entries(entry.environment ?? {}).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : { file: resolved(value.file)! },
      ]),
    ),
    arguments: entry.arguments ?? [],
    quietPeriod: entry.quietPeriod ?? file.quietPeriod ?? 0,
    timeout: entry.timeout ?? defaults.timeout,
    keep: { ...defaults.keep, ...file.keep, ...entry.keep } as Job['keep'],
  };
  if (entry.command !== undefined) return { ...common, kind: 'command', command: entry.command };
  return {
    ...common,
    kind: 'pipeline',
    repository: entry.repository!,
    branches: entry.branches ?? ['main'],
    deployKey: resolved(entry.deployKey),
    knownHosts: resolved(entry.knownHosts),
    gitTimeout: entry.gitTimeout ?? defaults.gitTimeout,
  };
}

function parameterOf(
  value: { default?: string | undefined; description?: string | undefined; choices?: string[] | undefined } | null,
): Parameter {
  return {
    default: value?.default ?? value?.choices?.[0] ?? '',
    description: value?.description ?? '',
    choices: value?.choices,
  };
}
