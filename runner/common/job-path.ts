/** The path of a job below its server, in Jenkins' form: `team/service-scale` is `job/team/job/service-scale`. */
export const jobPath = (job: string): string =>
  job
    .split('/')
    .filter((part) => part !== '')
    .map((part) => `job/${encodeURIComponent(part)}`)
    .join('/');
