import { hasControlCharacter } from '../common/text';

export { hasControlCharacter };

/**
 * How texts from outside get into haproxy.cfg. A label's text reaches the file through one of these functions and in no
 * other way. Rules of quoting: https://docs.haproxy.org/3.0/configuration.html#2.2
 */

/** One word of a line, whatever is in it. */
export function quote(text: string): string {
  if (hasControlCharacter(text)) throw new Error('a control character cannot be quoted');
  return `"${text.replace(/[\\"$]/g, '\\$&')}"`;
}

/** Literal text where HAProxy expects a log format: `%` would start a variable. Not quoted yet. */
export const literal = (text: string): string => text.replaceAll('%', '%%');

/** One argument of a sample fetch or converter, where commas and parentheses would end it. Not quoted yet. */
export const argument = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A duration as HAProxy writes it. */
export const time = (milliseconds: number): string => `${Math.max(0, Math.round(milliseconds))}ms`;

/** HAProxy takes 64 words a line: long lists are written as several lines of the same name. */
const wordsPerLine = 40;

/** Lines of a named condition that holds when one of the patterns matches; no pattern can pass for a flag. */
export function condition(name: string, criterion: string, patterns: string[]): string[] {
  const lines: string[] = [];
  for (let start = 0; start < patterns.length; start += wordsPerLine) {
    const words = patterns.slice(start, start + wordsPerLine).map(quote);
    lines.push(`acl ${name} ${criterion} -- ${words.join(' ')}`);
  }
  return lines;
}

/** A section with its lines set in. */
export const section = (head: string, lines: string[]): string[] => [head, ...lines.map((line) => `    ${line}`), ''];

/** Line that tells from whom the lines below it come; `guiltyServices` reads it. */
export const marker = (service: string): string => `# service: ${service}`;

/** Line that ends what comes from a service within a section. */
export const endMarker = '# of the proxy itself';

/** A host name or an address, which may stand anywhere. */
export const isHost = (text: string): boolean => /^[\w.-]{1,253}$|^[0-9a-fA-F:.]{2,45}$/.test(text);

/** Names that HAProxy takes for sections, cookies and conditions. */
export const isPlainName = (name: string): boolean => /^[\w.-]{1,200}$/.test(name);
