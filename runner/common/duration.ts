import { fail } from './errors';

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const shape = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** Milliseconds of a duration such as `90s`, `1m30s`, `500ms`, or undefined when it is not one. A bare number is seconds. */
export function parseDuration(text: string | number): number | undefined {
  if (typeof text === 'number' || /^\d+(\.\d+)?$/.test(text)) return whole(Number(text) * 1000);
  if (!shape.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) total += Number(amount) * units[unit!]!;
  return whole(total);
}

const whole = (milliseconds: number) =>
  Number.isSafeInteger(Math.round(milliseconds)) && milliseconds >= 0 ? Math.round(milliseconds) : undefined;

/** Milliseconds of a duration option; a wrong one is a usage error that names the option. */
export function requireDuration(key: string, text: string | number): number {
  return (
    parseDuration(text) ??
    fail('USAGE_INVALID', `${key} is '${text}', which is not a duration`, {
      remedy: 'Write for example 90s, 1m30s or 500ms.',
    })
  );
}

/** A duration for people: `850ms`, `12.3s`, `2m05s`. */
export function formatDuration(milliseconds: number): string {
  if (Math.round(milliseconds) < 1000) return `${Math.round(milliseconds)}ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)}s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
}
