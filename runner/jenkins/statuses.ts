/** What a status says, and what to do: as a Jenkins LTS answers. */
const meanings: Record<number, { cause: string; remedy: string }> = {
  400: {
    cause: 'the job takes no parameters, or takes some and was given none',
    remedy:
      'Declare the parameters in the job; a new Jenkins job has to run once before it knows those of its Jenkinsfile.',
  },
  401: {
    cause: 'user and token do not belong together',
    remedy: 'Make a new API token for this user, and use it here.',
  },
  403: { cause: 'this user may not do that', remedy: 'Give the user Job/Read and Job/Build for this job.' },
  404: { cause: 'there is no such job, or the user may not see it', remedy: 'Check its name, with its folders.' },
  405: { cause: 'the address wants another method', remedy: 'Check that the address is that of Jenkins.' },
  409: { cause: 'the job is disabled', remedy: 'Enable it in Jenkins.' },
};

const crumb = {
  cause: 'Jenkins wants a crumb, as it does of who comes with a password',
  remedy: 'Use an API token of the user in place of the password.',
};

/** Why Jenkins did not do it, and what to do. */
export function complaintOf(status: number, body: unknown, fromJenkins: boolean): { cause: string; remedy?: string } {
  const text = typeof body === 'string' ? body : '';
  if (status === 403 && /no valid crumb/i.test(text)) return crumb;
  const known = meanings[status];
  const who = fromJenkins ? '' : ', and it is not said that Jenkins answers there';
  return known
    ? { cause: `status ${status}: ${known.cause}${who}`, remedy: known.remedy }
    : { cause: `status ${status}${who}` };
}
