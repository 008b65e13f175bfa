import axios from 'axios';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';

/** A Jenkins and a user who may answer inputs. */
export interface JenkinsAccess {
  /** With a slash at its end. */
  url: string;
  user: string;
  token: string;
}

const timeout = 10_000;
/** `job/<name>/<number>`, in folders as well; nothing that could lead elsewhere. */
const buildPath = /^(?:job\/[^/?#]+\/)+\d{1,9}$/;

/** The path of a build below its Jenkins, from BUILD_URL; undefined where it is none. */
export function buildPathOf(buildUrl: string | undefined): string | undefined {
  const path = /(?<=\/)job\/.+$/.exec(buildUrl ?? '')?.[0].replace(/\/$/, '');
  return path !== undefined && isBuildPath(path) ? path : undefined;
}

export const isBuildPath = (path: string): boolean =>
  buildPath.test(path) && !path.split('/').some((part) => /^(?:\.|%2e){1,2}$/i.test(part) || /%2f/i.test(part));

/** The id that the step `approval` gives to the input of a question: Jenkins makes a first letter a capital. */
export const inputId = (question: string): string => `Approval-${question}`;

/**
 * Answers the input of a build (https://plugins.jenkins.io/pipeline-input-step/). One that is not there (any more) is fine:
 * somebody was faster, or the build has not come to it.
 * @returns whether there was such an input
 * @throws JENKINS_FAILED
 */
export async function answerInput(
  { url, user, token }: JenkinsAccess,
  build: string,
  id: string,
  answer: 'proceed' | 'abort',
  context: Context,
): Promise<boolean> {
  if (!isBuildPath(build)) return fail('JENKINS_FAILED', `'${build.slice(0, 80)}' is not the path of a build`);
  const address = `${url}${build}/input/${id}/${answer === 'proceed' ? 'proceedEmpty' : 'abort'}`;
  const response = await axios
    .post(address, '', {
      auth: { username: user, password: token },
      ...{ timeout, proxy: false, maxRedirects: 0, signal: context.signal, validateStatus: () => true },
    })
    .catch((error: unknown) => fail('JENKINS_FAILED', 'Jenkins gives no answer', { cause: messageOf(error) }));
  if (response.status === 404) return false;
  if (response.status < 400) return true;
  return fail('JENKINS_FAILED', `Jenkins did not take the answer to ${id}`, {
    cause: `status ${response.status} for ${build}`,
  });
}
