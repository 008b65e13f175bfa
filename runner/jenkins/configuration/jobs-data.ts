import { plainBranches } from '../../common/repository';
import type { CommandJob, JenkinsSite, PipelineJob, SystemJob } from '../model';
import { machineUsers } from './machine-users';
import { rightsAt, type Right } from './rights';

interface Common {
  name: string;
  description: string;
  keepBuilds: number;
  /** Given at this job, besides those that hold everywhere. */
  rights: Right[];
}

/** A job as jobs.groovy reads it. */
export type JobData = Common &
  (
    | { kind: 'branch'; repository: string; branch: string; script: string; credentials?: string }
    | { kind: 'branches'; repository: string; branches: string[]; script: string; credentials?: string }
    | {
        kind: 'command';
        step: string;
        agent: string;
        timeoutMinutes: number;
        environment: Record<string, string>;
        parameters: { name: string; description: string }[];
      }
  );

/** What the scripts of the image make: API tokens of users, and jobs. */
export const jobsData = (site: JenkinsSite): { tokens: { user: string; secret: string }[]; jobs: JobData[] } => ({
  tokens: machineUsers.map(({ name, secret }) => ({ user: name, secret })),
  jobs: site.jobs.map((job) => ({
    ...common(job, site),
    ...(job.kind === 'pipeline' ? pipeline(job) : command(job, site)),
  })),
});

const common = (job: SystemJob, site: JenkinsSite): Common => ({
  name: job.name,
  description: job.description,
  keepBuilds: site.keepBuilds,
  rights: rightsAt(job, site),
});

/** One branch is a job of its own, as a name alone needs no look at the others; more are found by Jenkins. */
function pipeline({ repository, branches, script, credentials }: PipelineJob) {
  const source = { repository, script, ...(credentials === undefined ? {} : { credentials }) };
  const [branch] = plainBranches(branches);
  return branch !== undefined && branches.length === 1
    ? { kind: 'branch' as const, ...source, branch }
    : { kind: 'branches' as const, ...source, branches };
}

const command = ({ step, environment, parameters }: CommandJob, { agents, timeoutMinutes }: JenkinsSite) => ({
  kind: 'command' as const,
  step,
  agent: agents.label,
  timeoutMinutes,
  environment,
  parameters: Object.entries(parameters).map(([name, description]) => ({ name, description })),
});
