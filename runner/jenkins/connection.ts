import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { type AxiosInstance } from 'axios';
import { messageOf } from '../common/errors';
import type { JenkinsAccess } from './access';
import type { Complaint } from './statuses';

/** Bytes of an answer: ten thousand items of the queue are a tenth of it. */
const longestAnswer = 64 * 2 ** 20;

/**
 * Connections to one Jenkins, which neither follow redirections nor throw for a status. None is kept: Jenkins might close
 * it at the moment at which a build is asked for, and nobody would know whether it was heard.
 */
export const connect = ({ url, user, token, authority }: JenkinsAccess, timeout: number): AxiosInstance =>
  axios.create({
    baseURL: withSlash(url),
    ...(user ? { auth: { username: user, password: token } } : {}),
    httpAgent: new HttpAgent(),
    httpsAgent: new HttpsAgent(authority === undefined ? {} : { ca: authority }),
    // Answers are parsed here: axios would pass a page on in place of JSON.
    ...{ responseType: 'text', transformResponse: (data: unknown) => data },
    ...{ timeout, proxy: false, maxRedirects: 0, validateStatus: () => true, maxContentLength: longestAnswer },
  });

export const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? '';

const untrusted =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE)$/;
const unfit = /^(?:ERR_TLS_CERT_ALTNAME_INVALID|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/;

/** What is wrong with a connection that will not get better by trying again; undefined for others. */
export function lastingFault(error: unknown): Complaint | undefined {
  const code = codeOf(error);
  const cause = messageOf(error);
  if (untrusted.test(code))
    return {
      cause: `its certificate is of an authority that is not known here (${code})`,
      remedy: 'Name the file with the certificate of its authority with --ca-file, or in HOMEOSTAT_JENKINS_CA.',
    };
  if (unfit.test(code))
    return { cause, remedy: 'Renew the certificate of Jenkins, or use the name for which it was made.' };
  if (code === 'EPROTO')
    return { cause: `it does not speak TLS there (${cause.trim()})`, remedy: 'Write http:// or its TLS port.' };
  if (code === 'ERR_BAD_RESPONSE' && /maxContentLength/.test(cause))
    return { cause: `its answer is longer than ${longestAnswer} bytes`, remedy: 'Look at it in Jenkins.' };
  return undefined;
}
