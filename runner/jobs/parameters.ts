import type { Parameter } from './model';

/** An environment variable holds at most 128 KiB on Linux; the parameters travel in one. */
const mostBytes = 100_000;

/**
 * The values of the declared parameters from what a request gave, with defaults; undeclared ones are dropped, as Jenkins
 * does (SECURITY-170).
 * @returns the values, or what is wrong with them
 */
export function chooseParameters(
  declared: ReadonlyMap<string, Parameter>,
  given: URLSearchParams,
): { values: Record<string, string> } | { problem: string } {
  const values: Record<string, string> = {};
  for (const [name, parameter] of declared) {
    const all = given.getAll(name);
    if (all.length > 1) return { problem: `the parameter ${name} is given ${all.length} times` };
    const value = all[0] ?? parameter.default;
    if (value.includes('\0')) return { problem: `the parameter ${name} contains a NUL character` };
    if (all.length === 1 && parameter.choices && !parameter.choices.includes(value))
      return { problem: `the parameter ${name} must be one of: ${parameter.choices.join(', ')}` };
    values[name] = value;
  }
  if (Buffer.byteLength(JSON.stringify(values)) > mostBytes)
    return { problem: `the parameters are longer than ${mostBytes} bytes` };
  return { values };
}

/** What the command gets: an empty value is Jenkins' way to say that a parameter was not given. */
export const withoutEmpty = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));

/** Milliseconds of Jenkins' `delay`: `5sec`, `5secs` or `5`. Undefined when it is none of these. */
export function parseDelay(text: string): number | undefined {
  const seconds = /^(\d{1,8})(secs?)?$/.exec(text)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
