import type { JenkinsSite, Person, Role, SystemJob } from '../model';
import { alertmanagerUser, machineUsers } from './machine-users';

/** What a user may do, in Jenkins' names for it. */
export interface Right {
  user: string;
  permissions: string[];
}

/** What a role may do with a job. Who administers single jobs cannot change their settings: the seed would undo it. */
const withJobs: Record<Role, string[]> = {
  administer: ['Job/Read', 'Job/Build', 'Job/Cancel'],
  deploy: ['Job/Read', 'Job/Build', 'Job/Cancel'],
  watch: ['Job/Read'],
};

function everywhere({ role, jobs }: Person): string[] {
  if (jobs) return ['Overall/Read'];
  return role === 'administer' ? ['Overall/Administer'] : ['Overall/Read', ...withJobs[role]];
}

/** The rights that hold everywhere. Nobody else is listed, so nobody else may anything. */
export const globalRights = ({ people }: JenkinsSite): Right[] => [
  ...people.map((person) => ({ user: person.name, permissions: everywhere(person) })),
  ...machineUsers.map(({ name, permissions }) => ({ user: name, permissions })),
];

/** The rights that are given at this job. */
export const rightsAt = (job: SystemJob, { people }: JenkinsSite): Right[] => [
  ...people
    .filter(({ jobs }) => jobs?.includes(job.name))
    .map(({ name, role }) => ({ user: name, permissions: withJobs[role] })),
  ...(isScaling(job) ? [{ user: alertmanagerUser.name, permissions: ['Job/Read', 'Job/Build'] }] : []),
];

const isScaling = (job: SystemJob) => job.kind === 'command' && job.command === 'scale';
