import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { isJobName } from '../common/job-path';
import { plainBranches } from '../common/repository';
import type { Problem } from '../common/yaml-file';
import { reservedUsers } from '../jenkins/configuration/site-problems';
import { administrator } from './administrator';
import { exampleName } from './example';
import { scaleJob } from './scale-job';

/** Name of a repository's job: as it says, else as its address ends. */
export const jobNameOf = ({ url, name }: { url: string; name?: string | undefined }): string =>
  name ??
  url
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .replace(/^.*[/:]/, '');

type Mapping = Record<string, unknown>;
const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const rows = (value: unknown): [number, Mapping][] =>
  (Array.isArray(value) ? value : []).flatMap((row, index) => (isMapping(row) ? [[index, row]] : []));

/**
 * What the schema of system.yml cannot say: names that meet, keys that need each other, files that cannot be read.
 * @param ports those that hold where the file names none
 */
export function systemRelations(value: unknown, folder: string, ports: Record<string, number>): Problem[] {
  if (!isMapping(value)) return [];
  return [
    ...repositoryProblems(value.repositories),
    ...gitHostProblems(value.gitHosts),
    ...personProblems(value.people, value.repositories),
    ...portProblems(value.ports, ports),
    ...unreadable(value, [], folder),
  ];
}

function repositoryProblems(value: unknown): Problem[] {
  const seen = new Set([scaleJob, exampleName]);
  return rows(value).flatMap(([index, row]) => {
    if (typeof row.url !== 'string') return [];
    const at = ['repositories', index];
    const name = jobNameOf(row as { url: string; name?: string });
    const problems: Problem[] = [];
    if (seen.has(name))
      problems.push({ path: at, message: `has the name '${name}', which another job has; give it another with name` });
    if (!isJobName(name) && row.name === undefined)
      problems.push({ path: at, message: `needs a name: '${name.slice(0, 80)}' cannot be one of a job` });
    if (Array.isArray(row.branches) && plainBranches(row.branches.map(String)).length === 0)
      problems.push({ path: [...at, 'branches'], message: 'needs one name without *, for builds that name no branch' });
    seen.add(name);
    return problems;
  });
}

function gitHostProblems(value: unknown): Problem[] {
  const seen = new Set<unknown>();
  return rows(value).flatMap(([index, row]) => {
    const at = ['gitHosts', index];
    const problems: Problem[] = [];
    if (seen.has(row.host)) problems.push({ path: [...at, 'host'], message: `is there twice: ${String(row.host)}` });
    if ((row.passwordFile === undefined) === (row.keyFile === undefined))
      problems.push({ path: at, message: 'needs either passwordFile (for https) or keyFile (for ssh)' });
    if (row.passwordFile !== undefined && row.user === undefined)
      problems.push({ path: at, message: 'needs user beside passwordFile' });
    if (row.keyFile !== undefined && row.knownHostsFile === undefined)
      problems.push({
        path: at,
        message: 'needs knownHostsFile beside keyFile: a host that is not known is not talked to',
      });
    seen.add(row.host);
    return problems;
  });
}

/** Users that the system makes itself. */
const ownUsers = [administrator, 'git', ...reservedUsers];

function personProblems(value: unknown, repositories: unknown): Problem[] {
  const jobs = [
    scaleJob,
    ...rows(repositories).flatMap(([, row]) =>
      typeof row.url === 'string' ? [jobNameOf(row as { url: string; name?: string })] : [],
    ),
  ];
  const seen = new Set<unknown>(ownUsers);
  return rows(value).flatMap(([index, row]) => {
    const at = ['people', index];
    // Jenkins does not tell upper from lower case there.
    const name = String(row.name).toLowerCase();
    const problems: Problem[] = [];
    if (ownUsers.includes(name))
      problems.push({
        path: [...at, 'name'],
        message: `is '${String(row.name)}', which is a user of the system itself`,
      });
    else if (seen.has(name)) problems.push({ path: [...at, 'name'], message: `is there twice: ${String(row.name)}` });
    for (const job of Array.isArray(row.jobs) ? row.jobs.map(String) : [])
      if (!jobs.includes(job))
        problems.push({ path: [...at, 'jobs'], message: `names '${job}', which is none of ${jobs.join(', ')}` });
    if (row.role === 'administer' && row.jobs !== undefined)
      problems.push({ path: [...at, 'jobs'], message: 'cannot limit who may administer everything' });
    seen.add(name);
    return problems;
  });
}

function portProblems(value: unknown, defaults: Record<string, number>): Problem[] {
  const given = isMapping(value) ? value : {};
  const ports = { ...defaults, ...given };
  const users = new Map<unknown, string>();
  return Object.entries(ports).flatMap(([name, number]) => {
    const other = users.get(number);
    users.set(number, name);
    if (other === undefined) return [];
    const at = name in given ? name : other;
    return [{ path: ['ports', at], message: `is ${String(number)}, as ${at === name ? other : name} is` }];
  });
}

function unreadable(value: unknown, at: (string | number)[], folder: string): Problem[] {
  if (Array.isArray(value)) return value.flatMap((each, index) => unreadable(each, [...at, index], folder));
  if (!isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (!key.endsWith('File') || typeof inner !== 'string') return unreadable(inner, [...at, key], folder);
    try {
      accessSync(path.resolve(folder, inner), constants.R_OK);
      return [];
    } catch {
      return [{ path: [...at, key], message: `names a file that cannot be read: ${inner.slice(0, 200)}` }];
    }
  });
}
