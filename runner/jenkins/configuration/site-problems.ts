import type { JenkinsSite } from '../model';
import { registryCredentials } from './credentials';
import { hookSecret, machineUsers } from './machine-users';

/** Names that Jenkins gives a meaning of its own. */
const namesOfJenkins = ['anonymous', 'authenticated', 'system', 'unknown'];

/** Names that no person may have. Jenkins does not tell upper from lower case there. */
export const reservedUsers: readonly string[] = [...namesOfJenkins, ...machineUsers.map(({ name }) => name)];

/** Secrets that the system makes itself. */
export const reservedSecrets: readonly string[] = [...machineUsers.map(({ secret }) => secret), hookSecret];

/** What Jenkins would refuse, or silently take for something else, each in words that follow "jenkins: ". */
export function siteProblems(site: JenkinsSite): string[] {
  const { people, git, jobs, registry, agents, library } = site;
  const jobNames = jobs.map(({ name }) => name);
  const ids = [registryCredentials, ...git.map(({ id }) => id)];
  const used = [library, ...jobs].flatMap((each) => ('credentials' in each ? [each.credentials] : []));
  const secrets = [registry, ...people, ...git].map(({ secret }) => secret);
  return [
    ...repeated(people.map(({ name }) => name.toLowerCase())).map((name) => `there are two people named ${name}`),
    ...people
      .filter(({ name }) => reservedUsers.includes(name.toLowerCase()))
      .map(({ name }) => `nobody can be named ${name}: Jenkins or the system has a user of that name`),
    ...people.flatMap(({ name, jobs: limited = [] }) =>
      limited.filter((job) => !jobNames.includes(job)).map((job) => `${name} has rights at ${job}, which is no job`),
    ),
    ...(people.some(({ role, jobs: limited }) => role === 'administer' && !limited) ? [] : ['nobody administers it']),
    ...secrets
      .filter((name) => !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) || reservedSecrets.includes(name))
      .map((name) => `${JSON.stringify(name)} cannot be the name of a secret`),
    ...repeated(ids).map((id) => `two credentials have the id ${id}`),
    ...used
      .filter((id) => id !== undefined && !ids.includes(id))
      .map((id) => `there are no credentials with the id ${id}`),
    ...repeated(jobNames).map((name) => `there are two jobs named ${name}`),
    ...(/^[A-Za-z0-9._-]+$/.test(agents.label) ? [] : [`${JSON.stringify(agents.label)} is not one label of agents`]),
  ];
}

const repeated = (names: string[]) => [...new Set(names.filter((name, index) => names.indexOf(name) < index))];
