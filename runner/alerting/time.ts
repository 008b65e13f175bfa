/** A duration as Prometheus and Alertmanager write it: the largest unit in which it is a whole number. */
export function time(milliseconds: number): string {
  const whole = Math.max(1, Math.round(milliseconds));
  for (const [unit, size] of units) if (whole % size === 0) return `${whole / size}${unit}`;
  return `${whole}ms`;
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** Whether a text is a duration that Alertmanager takes: `1h30m`, in this order of units. */
export const isTime = (text: string): boolean =>
  /^(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?$/.test(text) && /[1-9]/.test(text);
