/**
 * How texts from outside get into PromQL and into templates. What a service says reaches a rule through one of these
 * functions, or after it was parsed.
 */

/** A string of PromQL, whatever is in it. */
export const quoted = (text: string): string =>
  `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;

/** A text that matches only itself, as a regular expression of RE2. */
export const exactly = (text: string): string =>
  text.replace(/[^\w-]/g, (character) => (character === '\\' ? '\\\\' : `[${character === '^' ? '\\^' : character}]`));

/** Text in which a template of Prometheus would find nothing to fill in. */
export const literal = (text: string): string => text.replaceAll('{{', '{{"{{"}}');
