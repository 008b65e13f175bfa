import { ownedPrefix } from './model';

/**
 * The services that a message of `amtool check-config` or of Alertmanager is about, by the receivers and lines it names;
 * sorted, and empty where it is about none: then the fault is in the operator's own parts.
 * @param config alertmanager.yml as `renderAlerting` wrote it
 */
export function guiltyServices(config: string, message: string): string[] {
  const guilty = new Set<string>();
  const blame = (text: string) => {
    for (const [, service] of text.matchAll(named)) guilty.add(service!);
  };
  blame(message);
  const lines = config.split('\n');
  for (const [, number] of message.matchAll(/\bline (\d+)\b/g)) blame(itemAround(lines, Number(number) - 1));
  return [...guilty].sort();
}

const named = new RegExp(`${ownedPrefix}scale/([\\w.-]+)/(?:up|down)\\b`, 'g');

/** The item of a list that a line is in, among the receivers or the routes. */
function itemAround(lines: string[], index: number): string {
  const begins = (line: string | undefined) => /^(?: {2}| {4}| {8})- \w+:(?: |$)/.test(line ?? '');
  let first = index < lines.length ? index : 0;
  while (first > 0 && !begins(lines[first])) first--;
  if (!begins(lines[first])) return '';
  let last = first + 1;
  while (last < lines.length && !begins(lines[last]) && !/^\S/.test(lines[last]!)) last++;
  return lines.slice(first, last).join('\n');
}
