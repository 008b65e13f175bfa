import { HomeostatError } from '../../runner/common/errors';
import { JenkinsClient } from '../../runner/jenkins/client';
import { patience } from '../../runner/jenkins/requests';
import { realContext } from '../lab/context';
import type { JenkinsServer } from './jenkins-server';

/** A client of the stand-in that does not wait for long. */
export const clientOf = (
  server: JenkinsServer,
  user?: string,
  more: { authority?: string; signal?: AbortSignal; answer?: number } = {},
) =>
  new JenkinsClient(
    { ...server.access(user), ...(more.authority ? { authority: more.authority } : {}) },
    realContext(more.signal ? { signal: more.signal } : {}),
    { ...patience, answer: more.answer ?? 400, away: 1500 },
  );

/** The error that the work ends with; it always says what to do. */
export const failureOf = async (work: Promise<unknown>): Promise<HomeostatError> =>
  work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => {
      if (!(error instanceof HomeostatError) || error.remedy === '') throw error;
      return error;
    },
  );
