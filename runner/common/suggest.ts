import { closest, distance } from 'fastest-levenshtein';

/** The known word nearest to what was written, in any case, when it is near enough to be a slip. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const written = word.toLowerCase();
  const lowered = known.map((each) => each.toLowerCase());
  const candidate = lowered.length > 0 ? closest(written, lowered) : undefined;
  if (candidate === undefined || distance(written, candidate) > Math.max(2, Math.ceil(written.length / 3)))
    return undefined;
  return known[lowered.indexOf(candidate)];
}

/** ` (did you mean 'x'?)`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const match = nearest(word, known);
  return match ? ` (did you mean '${match}'?)` : '';
}
