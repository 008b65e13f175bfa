import { fail } from '../common/errors';

/** An image name, parsed once (grammar: https://pkg.go.dev/github.com/distribution/reference). */
export interface ImageReference {
  /** Host and port; Docker Hub is `docker.io`. */
  registry: string;
  /** Path without registry, as `library/debian`. */
  path: string;
  tag?: string;
  /** `sha256:` and 64 hexadecimal digits. */
  digest?: string;
}

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const host =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const tagShape = /^\w[\w.-]{0,127}$/;
const digestShape = /^sha256:[0-9a-f]{64}$/;
export const hubRegistry = 'docker.io';

/** The first part of a name is a registry when it could not be a part of a path. */
const isRegistry = ([first, ...rest]: string[]): boolean =>
  rest.length > 0 && (/[.:A-Z]/.test(first!) || first === 'localhost');

/** The reference, or what is wrong with it. */
export function readImage(text: string): ImageReference | string {
  if (text.length > 512) return 'it is longer than 512 characters';
  if (/\s/.test(text)) return 'it contains white space';
  const [withTag, digest, ...more] = text.split('@');
  if (more.length > 0) return 'it has more than one @';
  if (digest !== undefined && !digestShape.test(digest)) return 'the digest is not sha256: and 64 hexadecimal digits';
  const colon = withTag!.lastIndexOf(':');
  const tagged = colon > withTag!.lastIndexOf('/');
  const name = tagged ? withTag!.slice(0, colon) : withTag!;
  const tag = tagged ? withTag!.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagShape.test(tag))
    return `the tag '${tag.slice(0, 40)}' has more than 128 characters, starts with . or -, or has others than letters, digits, . _ -`;
  const [first, ...rest] = name.split('/');
  const hasRegistry = isRegistry([first!, ...rest]);
  if (hasRegistry && !host.test(first!)) return `'${first}' is not a registry host`;
  const components = hasRegistry ? rest : [first!, ...rest];
  const wrong = components.find((each) => !component.test(each));
  if (wrong !== undefined)
    return wrong === ''
      ? 'a part of the path is empty'
      : `'${wrong.slice(0, 40)}' is not a legal part of a path (lower-case letters and digits, with single . _ - between)`;
  const registry = hasRegistry ? (first === 'index.docker.io' ? hubRegistry : first!) : hubRegistry;
  const path = registry === hubRegistry && components.length === 1 ? `library/${components[0]}` : components.join('/');
  if (path.length > 255) return 'the path is longer than 255 characters';
  return { registry, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/**
 * Parses an image name; `key` names where it came from.
 * @throws IMAGE_INVALID
 */
export function parseImage(text: string, key = 'image'): ImageReference {
  const read = readImage(text);
  if (typeof read !== 'string') return read;
  return fail('IMAGE_INVALID', `${key} '${text.slice(0, 80)}' is not an image name`, { cause: read });
}

/** Registry and path, as Docker writes it: Docker Hub is left out where the rest cannot be mistaken for a registry. */
export function repositoryOf(image: ImageReference): string {
  const { registry, path } = image;
  if (registry !== hubRegistry || isRegistry(path.split('/'))) return `${registry}/${path}`;
  return path.replace(/^library\/([^/]+)$/, '$1');
}

/** The whole reference: repository, then tag, then digest. */
export function formatImage(image: ImageReference): string {
  return repositoryOf(image) + (image.tag ? `:${image.tag}` : '') + (image.digest ? `@${image.digest}` : '');
}

/** The same repository under that tag. */
export const withTag = ({ registry, path }: ImageReference, tag: string): ImageReference => ({ registry, path, tag });

/** The same repository at exactly that digest; the identity of what was pushed. */
export const withDigest = ({ registry, path }: ImageReference, digest: string): ImageReference => ({
  registry,
  path,
  digest,
});

/** @throws IMAGE_INVALID when it is not a legal tag */
export function requireTag(text: string, key = 'tag'): string {
  if (tagShape.test(text)) return text;
  return fail('IMAGE_INVALID', `${key} '${text.slice(0, 80)}' is not a legal tag`, {
    cause: 'a tag has 1 to 128 letters, digits, . _ -, and starts with a letter, digit or _',
  });
}
