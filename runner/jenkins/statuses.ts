import type { AxiosResponse } from 'axios';
import { redirectionOf } from './redirection';

/** What was asked about: a status means something else for each. */
export type Subject = 'job' | 'input';

export interface Complaint {
  cause: string;
  remedy?: string;
}

/** What a status says, and what to do: as a Jenkins LTS answers. */
const meanings: Record<number, Required<Complaint>> = {
  400: {
    cause: 'the job takes no parameters, or takes some and was given none',
    remedy:
      'Declare the parameters in the job; a new Jenkins job has to run once before it knows those of its Jenkinsfile.',
  },
  401: {
    cause: 'user and token do not belong together, or the token was revoked',
    remedy: 'Make a new API token for this user, and use it here.',
  },
  403: { cause: 'this user may not do that', remedy: 'Give the user Job/Read and Job/Build for this job.' },
  404: {
    cause: 'there is no such job, or the user may not see it',
    remedy: 'Check its name, with its folders: it may have been renamed. The user needs Overall/Read and Job/Read.',
  },
  405: { cause: 'the address wants another method', remedy: 'Check that the address is that of Jenkins.' },
  409: { cause: 'the job is disabled', remedy: 'Enable it in Jenkins.' },
  500: {
    cause: 'Jenkins met an error of its own',
    remedy: 'Read its log; a parameter with choices takes none but these.',
  },
};

const ofInputs: typeof meanings = {
  400: {
    cause: 'this user may not answer the input',
    remedy: 'Give the user Job/Build, or name it as submitter of the input.',
  },
};

const crumb = {
  cause: 'Jenkins wants a crumb, as it does of who comes with a password',
  remedy: 'Use an API token of the user in place of the password.',
};

const login = (where: string): Complaint => ({
  cause: `who asks is sent to a login page${where}`,
  remedy:
    'Use the address under which Jenkins itself answers, or let requests with an API token (the header Authorization) pass the login of the proxy before it.',
});

const looksLikeLogin =
  /j_spring_security_check|j_username|type=["']?password|SAMLRequest|<title>[^<]*(?:sign|log) ?in/i;

/** Why Jenkins did not do it, and what to do. */
export function complaintOf(answer: AxiosResponse, subject: Subject = 'job'): Complaint {
  const { status, data, headers } = answer;
  const text = typeof data === 'string' ? data : '';
  if (status === 403 && /no valid crumb/i.test(text)) return crumb;
  const redirection = redirectionOf(answer);
  if (redirection?.kind === 'login') return login(` at ${redirection.host}`);
  if (redirection?.kind === 'moved')
    return { cause: `it has moved to ${redirection.to}`, remedy: 'Use that address as the one of Jenkins.' };
  if (status < 300 && looksLikeLogin.test(text)) return login(', with status 200');
  const who = headers['x-jenkins'] === undefined ? ', and it is not said that Jenkins answers there' : '';
  if (status < 300)
    return {
      cause: `status ${status} with something other than what Jenkins answers${/^\s*</.test(text) ? ', a page' : ''}${who}`,
      remedy: 'Check that the address is that of Jenkins, with its path, and what the proxy before it does.',
    };
  if (status === 302)
    return {
      cause: 'a plugin of Jenkins keeps it from the queue',
      remedy: 'Look at the log of Jenkins for which one.',
    };
  const known = (subject === 'input' ? ofInputs[status] : undefined) ?? meanings[status];
  return known
    ? { cause: `status ${status}: ${known.cause}${who}`, remedy: known.remedy }
    : { cause: `status ${status}${who}` };
}
