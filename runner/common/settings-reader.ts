import { hasControlCharacter } from './text';

export interface SettingProblem {
  variable: string;
  message: string;
}

/** Reads variables of an environment; every wrong value is a problem, and the default stays. */
export class SettingsReader {
  readonly problems: SettingProblem[] = [];

  constructor(private readonly env: Record<string, string | undefined>) {}

  /** The value, unless it is absent or empty. */
  text(variable: string): string | undefined {
    const value = Object.hasOwn(this.env, variable) ? this.env[variable]?.trim() : undefined;
    if (!value) return undefined;
    if (!hasControlCharacter(value)) return value;
    return this.refuse(variable, value, 'a text of one line');
  }

  /** Several lines; `\\n` stands for a line break, since stack files rarely hold one. */
  lines(variable: string): string[] {
    const value = Object.hasOwn(this.env, variable) ? (this.env[variable] ?? '') : '';
    const lines = value
      .replaceAll('\\n', '\n')
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
    if (!lines.some(hasControlCharacter)) return lines;
    this.refuse(variable, value, 'lines without control characters');
    return [];
  }

  list(variable: string, separator = ','): string[] {
    return (this.text(variable) ?? '')
      .split(separator)
      .map((item) => item.trim())
      .filter(Boolean);
  }

  flag(variable: string): boolean | undefined {
    const value = this.text(variable);
    if (value === undefined) return undefined;
    if (/^(?:true|1|yes|on)$/i.test(value)) return true;
    if (/^(?:false|0|no|off)$/i.test(value)) return false;
    return this.refuse(variable, value, 'true or false');
  }

  whole(variable: string, least: number, most: number): number | undefined {
    const value = this.text(variable);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (/^\d{1,10}$/.test(value) && number >= least && number <= most) return number;
    return this.refuse(variable, value, `a whole number from ${least} to ${most}`);
  }

  /** Milliseconds, from seconds as a plain number or a number with its unit. */
  duration(variable: string, least = 1): number | undefined {
    const value = this.text(variable);
    if (value === undefined) return undefined;
    const [, digits, unit = 's'] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(value) ?? [];
    const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit]!;
    const milliseconds = Math.round(Number(digits) * factor);
    if (digits !== undefined && milliseconds >= least && milliseconds <= 24 * 86_400_000) return milliseconds;
    return this.refuse(
      variable,
      value,
      `a time from ${least}ms to 24d: seconds as a plain number, or 500ms, 20s, 5m, 1h`,
    );
  }

  choice<Value extends string>(variable: string, values: readonly Value[]): Value | undefined {
    const value = this.text(variable);
    if (value === undefined) return undefined;
    return values.find((each) => each === value) ?? this.refuse(variable, value, `one of ${values.join(', ')}`);
  }

  /** Items that all match, or a problem and none. */
  matching(variable: string, pattern: RegExp, allowed: string, separator = ','): string[] | undefined {
    const items = this.list(variable, separator);
    const wrong = items.find((item) => !pattern.test(item));
    if (wrong === undefined) return items.length > 0 ? items : undefined;
    return this.refuse(variable, wrong, allowed);
  }

  refuse(variable: string, value: string, allowed: string): undefined {
    const shown = /PASS|USERS/.test(variable) ? 'wrong' : `'${value.slice(0, 80)}'`;
    this.problems.push({ variable, message: `${variable} is ${shown}; allowed is ${allowed}` });
    return undefined;
  }
}
