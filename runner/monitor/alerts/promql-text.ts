/** What a string of PromQL stands for, or why it is none. @param text with its quotes */
export function readString(text: string): { value: string } | { problem: string } {
  const quote = text.charAt(0);
  const inner = text.slice(1, -1);
  if (quote === '`') return { value: inner };
  if (/[\r\n]/.test(inner)) return { problem: 'a string ends with its line' };
  const escapes = /\\(x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^]|$)/g;
  let problem: string | undefined;
  const value = inner.replace(escapes, (whole: string, escaped: string) => {
    if (escaped === quote || escaped === '\\') return escaped;
    const simple = simpleEscapes[escaped];
    if (simple !== undefined) return simple;
    const code = /^[xuU][0-9a-fA-F]+$/.test(escaped)
      ? parseInt(escaped.slice(1), 16)
      : /^[0-7]{3}$/.test(escaped)
        ? parseInt(escaped, 8)
        : NaN;
    if (isCharacter(code)) return String.fromCodePoint(code);
    problem = `'${whole.slice(0, 12)}' is no escape sequence of a string (write \\\\ for a backslash)`;
    return '';
  });
  return problem === undefined ? { value } : { problem };
}

const simpleEscapes: Record<string, string> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const isCharacter = (code: number) => code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);

/** Why RE2 would refuse a regular expression, as far as can be told from here. */
export function problemOfRe2(text: string): string | undefined {
  if (/\(\?(?:[=!]|<[=!])/.test(text)) return 'look-ahead and look-behind are not known to Prometheus';
  if (/\\[1-9]/.test(text.replaceAll('\\\\', ''))) return 'back references are not known to Prometheus';
  for (const [, low, high] of text.matchAll(/\{(\d+)(?:,(\d*))?\}/g))
    if (Number(low) > 1000 || Number(high || 0) > 1000) return 'more than 1000 repetitions are not allowed';
  try {
    new RegExp(
      text
        .replace(/\(\?[imsU]{1,4}(?:-[imsU]{1,4})?([:)])/g, '(?:$1')
        .replaceAll('(?P<', '(?<')
        .replaceAll('(?::', '(?:')
        .replaceAll('(?:)', ''),
    );
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^Invalid regular expression: \/.*\/[a-z]*: /s, '').toLowerCase();
  }
}

/** Whether the expression, which RE2 takes, matches the empty text. */
export function matchesEmpty(text: string): boolean {
  try {
    return new RegExp(`^(?:${text})$`).test('');
  } catch {
    return false;
  }
}

const factors: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** Milliseconds of a duration as Prometheus writes it, such as `1h30m`; undefined where it is none. */
export function promDuration(text: string): number | undefined {
  if (!/^(?=\d)(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?$/.test(text)) return undefined;
  let sum = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) sum += Number(digits) * factors[unit!]!;
  return sum;
}

/** A duration as Prometheus writes it. */
export const promTime = (milliseconds: number): string =>
  milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${Math.round(milliseconds)}ms`;
