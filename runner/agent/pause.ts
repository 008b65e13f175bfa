/**
 * Milliseconds to wait after so many failures in a row: doubled each time up to the longest, and spread over half to one
 * and a half of that, so that many who failed together do not come back together.
 */
export function pauseAfter(failures: number, first: number, longest: number, random: number): number {
  return Math.min(first * 2 ** Math.min(failures - 1, 30), longest) * (0.5 + random);
}
