import type { Context } from '../common/context';
import { fail } from '../common/errors';
import type { JenkinsClient } from '../jenkins/client';
import type { BuildEnd } from '../jenkins/documents';
import { Pauses } from '../jenkins/pauses';

export interface BuildResult {
  number: number;
  result: BuildEnd | null;
  /** What the runner wrote as its result, or its error; only the embedded job server tells it. */
  document: Record<string, unknown>;
  /** The end of its log. */
  log: string;
}

/** Characters of the log that are kept. */
const kept = 20_000;

/**
 * Waits for a build after that number, shows its log as it comes, and answers with its result.
 * @param limit milliseconds until it begins
 * @throws JOB_FAILED when none begins by then
 */
export async function followNext(
  client: JenkinsClient,
  job: string,
  after: number,
  show: (text: string) => void,
  limit: number,
  { clock, signal }: Context,
): Promise<BuildResult> {
  const start = clock.monotonic();
  const pauses = new Pauses();
  let number = after;
  while (number === after) {
    if (clock.monotonic() - start > limit)
      fail('JOB_FAILED', `no build of ${job} began within ${limit / 1000} s`, {
        cause: 'the push did not reach the job server',
      });
    await clock.sleep(pauses.next(), signal);
    number = await client.lastBuild(job);
  }
  let log = '';
  const { result, homeostat } = await client.follow(job, number, (text) => {
    log = (log + text).slice(-kept);
    show(text);
  });
  return { number, result, document: homeostat ?? {}, log };
}
