import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { administrator } from './administrator';
import { exampleName } from './example';
import { jobsTokenFile } from './monitor';
import { scaleJob } from './scale-job';
import { controllerFolder, type SystemSettings } from './services';
import type { System } from './system-file';

/** A user of the job server or of Jenkins, who signs in with the token in the file. */
export interface JobUser {
  name: string;
  /** As the embedded job server writes them: `job:right+right,…`. */
  rights: string;
  file: string;
}

/** The form that Jenkins wants: the version of the format, and 32 hexadecimal digits. */
const tokenShape = /^11[0-9a-f]{32}$/;
const newToken = () => `11${randomBytes(16).toString('hex')}`;

const rightsOf = { administer: 'read+build+stop', deploy: 'read+build+stop', watch: 'read' } as const;

/** The system itself: `up` follows builds, and the controller answers inputs that people decided elsewhere. */
export const homeostatUser = 'homeostat';
export const homeostatTokenName = 'homeostat-token';
export const homeostatTokenFile = (folder: string): string => path.join(controllerFolder(folder), homeostatTokenName);
/** File with the token of the hook that tells of pushes. */
export const gitTokenFile = (folder: string): string => path.join(folder, 'git-token');

const peopleFolder = (folder: string) => path.join(folder, 'people');
/** File with a person's token for the embedded job server, or password for Jenkins. */
export const personFile = (folder: string, name: string, what: 'token' | 'password'): string =>
  path.join(peopleFolder(folder), `${name}-${what}`);

/** Those who ask the engine of jobs, machines first. */
export function jobUsers({ folder, system }: SystemSettings): JobUser[] {
  return [
    { name: homeostatUser, rights: '*:read+build+stop', file: homeostatTokenFile(folder) },
    { name: 'alertmanager', rights: `${scaleJob}:build`, file: jobsTokenFile(folder) },
    { name: 'git', rights: `${hookRights(system)},${scaleJob}:read`, file: gitTokenFile(folder) },
    ...system.people.map(({ name, role, jobs = ['*'] }) => ({
      name,
      rights: jobs.map((job) => `${job}:${rightsOf[role]}`).join(','),
      file: personFile(folder, name, 'token'),
    })),
  ];
}

/** Pushes start the jobs of all repositories. */
const hookRights = ({ repositories }: System) =>
  repositories.length === 0 ? `${exampleName}:read+build` : '*:read+build';

/** The token of a user, made once; it is made known to the masker. */
export async function tokenOf({ file }: Pick<JobUser, 'file'>, { masker }: Context): Promise<string> {
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  const token = tokenShape.test(kept) ? kept : newToken();
  masker.add(token);
  if (token === kept) return token;
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${token}\n`, { mode: 0o600 });
  return token;
}

/** Names of people who had a token and are in system.yml no more; their files are removed. */
export async function formerPeople({ folder, system }: SystemSettings): Promise<string[]> {
  const files = await readdir(peopleFolder(folder)).catch(() => []);
  const known = new Set([administrator, ...system.people.map(({ name }) => name)]);
  const gone = files
    .flatMap((file) => /^(.+)-(?:token|password)$/.exec(file)?.[1] ?? [])
    .filter((name) => !known.has(name));
  for (const name of gone)
    for (const what of ['token', 'password'])
      await rm(path.join(peopleFolder(folder), `${name}-${what}`), { force: true });
  return [...new Set(gone)];
}
