import { parseDuration } from '../common/duration';
import { refused, Refusal, type Form } from './definition';
import type { Step } from './description';

/** Any text. */
export const text: Form<string> = { name: 'text', allowed: 'text', read: (value) => value };

/** What becomes part of names elsewhere. */
export const token: Form<string> = {
  name: 'name',
  allowed: 'a name of letters, digits, dots, dashes and underscores (at most 128)',
  pattern: '[A-Za-z0-9][A-Za-z0-9._-]{0,127}',
  read: (value) => (/^[A-Za-z0-9][\w.-]{0,127}$/.test(value) ? value : refused),
};

/** As Go's strconv.ParseBool takes it, in any case, for that is what Docker Flow uses. */
export const boolean: Form<boolean> = {
  name: 'boolean',
  allowed: 'true or false',
  pattern: '[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[TtFf10]',
  read: (value) => (/^(?:1|t|true)$/i.test(value) ? true : /^(?:0|f|false)$/i.test(value) ? false : refused),
};

export function integer(least: number, most: number, name = 'whole number'): Form<number> {
  return {
    name,
    allowed: `a whole number from ${least} to ${most}`,
    pattern: '\\d{1,9}',
    read(value) {
      const number = Number(value);
      return /^\d{1,9}$/.test(value) && number >= least && number <= most ? number : refused;
    },
  };
}

export const port = integer(1, 65_535, 'port');

export function choice<const Value extends string>(...values: Value[]): Form<Value> {
  return {
    name: 'word',
    allowed: values.length === 1 ? `'${values[0]}'` : `one of ${values.join(', ')}`,
    pattern: values.map((value) => value.replaceAll('.', '\\.')).join('|'),
    read: (value) => values.find((each) => each === value) ?? refused,
  };
}

/** Numbers with a meaning, such as status codes. */
export function numberOf<const Value extends number>(...values: Value[]): Form<Value> {
  return {
    name: 'number',
    allowed: `one of ${values.join(', ')}`,
    pattern: values.join('|'),
    read: (value) => values.find((each) => String(each) === value) ?? refused,
  };
}

/** The longest time that HAProxy takes: a signed number of milliseconds in 32 bits. */
const longestTime = 24 * 86_400_000;

/** Milliseconds; a number without unit is seconds, as Docker Flow writes them. */
export const duration: Form<number> = {
  name: 'duration',
  allowed: 'a time from 1ms to 24d: seconds as a plain number, or with unit, such as 500ms, 20s, 5m, 1h',
  pattern: '(?:\\d+(?:\\.\\d+)?(?:ms|s|m|h|d)?)+',
  read(value) {
    const milliseconds = parseDuration(value);
    return milliseconds && milliseconds <= longestTime ? milliseconds : refused;
  },
};

const longestHsts = 10 * 366 * 86_400_000;

/** Seconds, for what lasts for months. */
export const longDuration: Form<number> = {
  name: 'duration',
  allowed: 'a time from 1s to ten years: seconds as a plain number, or with unit, such as 180d',
  pattern: duration.pattern!,
  read(value) {
    const milliseconds = parseDuration(value);
    return milliseconds && milliseconds >= 1000 && milliseconds <= longestHsts
      ? Math.floor(milliseconds / 1000)
      : refused;
  },
};

/** https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations */
const prometheusTime =
  /^(?=\d)(?:\d{1,6}y)?(?:\d{1,6}w)?(?:\d{1,6}d)?(?:\d{1,6}h)?(?:\d{1,6}m)?(?:\d{1,6}s)?(?:\d{1,6}ms)?$/;

/** Prometheus' own form; a plain number is seconds. */
export const prometheusDuration: Form<string> = {
  name: 'duration',
  allowed: 'a time as Prometheus writes it, such as 30s, 5m or 1h30m',
  pattern: '(?:\\d+(?:ms|[smhdwy])?)+',
  read: (value) => (/^\d{1,9}$/.test(value) ? `${value}s` : prometheusTime.test(value) ? value : refused),
};

/** Replicas, or a share of those that run. */
export const step: Form<Step> = {
  name: 'number or percentage',
  allowed: 'a number of replicas from 1 to 10000, or a percentage from 1% to 1000%',
  pattern: '\\d{1,5}%?',
  read(value) {
    const [, digits, percent] = /^(\d{1,5})(%?)$/.exec(value) ?? [];
    const amount = Number(digits);
    if (digits === undefined || amount < 1 || amount > (percent ? 1000 : 10_000)) return refused;
    return { amount, unit: percent ? 'percent' : 'replicas' };
  },
};

/** Requests within a period: `100/10s`, `100/s`. */
export const rate: Form<{ requests: number; period: number }> = {
  name: 'rate',
  allowed: 'requests/time, from 1 to 1000000 within 1s to 1h, such as 100/10s or 20/s',
  pattern: '\\d{1,7} ?/ ?(?:\\d+)?(?:ms|s|m|h)',
  read(value) {
    const [, digits, time] = /^(\d{1,7})\s*\/\s*(\S+)$/.exec(value) ?? [];
    if (digits === undefined) return refused;
    const requests = Number(digits);
    const period = parseDuration(/^\d/.test(time!) ? time! : `1${time}`);
    if (requests < 1 || requests > 1_000_000 || !period || period < 1000 || period > 3_600_000) return refused;
    return { requests, period };
  },
};

const longestExpression = 500;

/** Why a text is no regular expression; undefined where it is one. Inline flags are PCRE's, which JavaScript lacks. */
export function problemOfExpression(expression: string): string | undefined {
  if (expression.length > longestExpression) return `has more than ${longestExpression} characters`;
  try {
    new RegExp(expression.replace(/^\(\?[imsx]{1,4}\)/, ''));
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^Invalid regular expression: \/.*\/[a-z]*: /s, '').toLowerCase();
  }
}

export const refuse = (reason: string) => new Refusal(reason);
