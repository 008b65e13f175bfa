import type { Build, Keep } from './model';

const day = 86_400_000;

type Described = Pick<Build, 'number' | 'result' | 'started' | 'cleanup'>;

/** Jenkins' names for builds, in the order of a job's JSON. */
export const permalinks = [
  'lastBuild',
  'lastCompletedBuild',
  'lastFailedBuild',
  'lastStableBuild',
  'lastSuccessfulBuild',
  'lastUnstableBuild',
  'lastUnsuccessfulBuild',
] as const;

/** The build that a number or a name such as `lastSuccessfulBuild` stands for. */
export function resolveBuild<T extends Described>(builds: readonly T[], which: string): T | undefined {
  if (/^[1-9]\d{0,9}$/.test(which)) return builds.find((build) => build.number === Number(which));
  switch (which) {
    case 'lastBuild':
      return builds.at(-1);
    case 'lastCompletedBuild':
      return builds.findLast((build) => build.result !== undefined);
    case 'lastStableBuild':
    case 'lastSuccessfulBuild':
      return builds.findLast((build) => build.result === 'SUCCESS');
    case 'lastFailedBuild':
      return builds.findLast((build) => build.result === 'FAILURE');
    case 'lastUnsuccessfulBuild':
      return builds.findLast((build) => build.result !== undefined && build.result !== 'SUCCESS');
    default:
      return undefined;
  }
}

/**
 * Builds to remove, by count and age. What runs, what still needs a clean-up, the newest and the last successful one
 * always stay.
 */
export function discardable<T extends Described>(builds: readonly T[], keep: Keep, now: number): T[] {
  const kept = new Set([builds.at(-1), resolveBuild(builds, 'lastSuccessfulBuild')]);
  return builds.filter(
    (build, index) =>
      build.result !== undefined &&
      build.cleanup === undefined &&
      !kept.has(build) &&
      (index < builds.length - keep.builds || now - build.started > keep.days * day),
  );
}

/** The ball that Jenkins shows beside a job. */
export function colourOf(builds: readonly Described[]): string {
  const result = resolveBuild(builds, 'lastCompletedBuild')?.result;
  const colour = result === undefined ? 'notbuilt' : { SUCCESS: 'blue', FAILURE: 'red', ABORTED: 'aborted' }[result];
  return builds.some((build) => build.result === undefined) ? `${colour}_anime` : colour;
}
