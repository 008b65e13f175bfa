import { stringify } from 'yaml';
import { SecretValue } from './secret-value';

export type Value = string | number | boolean | SecretValue | Value[] | { [key: string]: Value };

/**
 * Configuration as the plugin Configuration as Code reads it. Each text is quoted, so that no YAML version takes it for
 * something else.
 */
export function yamlText(configuration: Value): string {
  const text = stringify(plain(configuration), {
    aliasDuplicateObjects: false,
    defaultKeyType: 'PLAIN',
    defaultStringType: 'QUOTE_DOUBLE',
    lineWidth: 0,
  });
  return text.replace(unprintable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** What YAML does not allow as it is, or takes for the end of a line, though JSON does not. */
const unprintable = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

function plain(value: Value): unknown {
  if (value instanceof SecretValue) return value.reference;
  if (typeof value === 'string') return literal(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  return value;
}

/**
 * The text by which Jenkins comes to just this value. It takes `${…}` for a variable unless a `^` stands before it, and
 * takes that `^` away again only where there is a `}` further on.
 */
function literal(value: string): string {
  const end = value.lastIndexOf('}');
  return value.replaceAll('${', (begin, position: number) => (position < end ? `^${begin}` : begin));
}
