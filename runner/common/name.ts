import { fail } from './errors';

const nameShape = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/**
 * A service or stack name: it becomes part of DNS names, labels and paths.
 * @throws NAME_INVALID naming the key and the value
 */
export function requireName(text: string, key: string): string {
  if (nameShape.test(text)) return text;
  return fail('NAME_INVALID', `${key} '${text.slice(0, 80)}' is not a legal name`);
}

export const isName = (text: string): boolean => nameShape.test(text);
