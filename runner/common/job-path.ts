/** The path of a job below its server, in Jenkins' form: `team/service-scale` is `job/team/job/service-scale`. */
export const jobPath = (job: string): string =>
  job
    .split('/')
    .filter((part) => part !== '')
    .map((part) => `job/${encodeURIComponent(part)}`)
    .join('/');

/** Whether a job may be called that: the embedded server's rule, which Jenkins allows as well. */
export const isJobName = (name: string) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name);
