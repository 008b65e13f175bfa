import type { SystemJob } from '../jenkins/model';
import { accessOf, jobList } from './job-list';
import type { SystemSettings } from './services';

/** Where the job server finds a secret of the Swarm. */
export const secretFolder = '/run/secrets';

/** The configuration of the embedded job server: jobs.yml. JSON is YAML. */
export function jobsFile(settings: SystemSettings): string {
  const { limits } = settings.system;
  const jobs = Object.fromEntries(jobList(settings).map((job) => [job.name, entryOf(job, settings)]));
  const file = { executors: limits.builds, keep: { builds: limits.keepBuilds }, jobs };
  return `${JSON.stringify(file, null, 2)}\n`;
}

function entryOf(job: SystemJob, settings: SystemSettings): object {
  const timeout = `${settings.system.limits.timeout}ms`;
  if (job.kind === 'pipeline') {
    const access = accessOf(settings.system, job.repository);
    return {
      description: job.description,
      repository: job.repository,
      branches: job.branches,
      timeout,
      ...(access?.kind === 'key' ? { deployKey: `${secretFolder}/${access.secret}` } : {}),
      ...(access?.knownHostsFile === undefined ? {} : { knownHosts: `${secretFolder}/${access.secret}-known-hosts` }),
    };
  }
  const parameters = Object.entries(job.parameters).map(([name, description]) => [name, { description }]);
  return {
    description: job.description,
    command: job.command,
    quietPeriod: '0s',
    timeout,
    environment: job.environment,
    parameters: Object.fromEntries(parameters) as object,
  };
}
