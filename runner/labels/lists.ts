import { z } from 'zod';
import { refused, Refusal, type Form } from './definition';
import type { HeaderValue, NamedValue } from './description';
import { problemOfExpression, refuse } from './forms';

/** Items without blanks around them; empty ones are left out. */
export const itemsOf = (text: string, separator: string): string[] =>
  text
    .split(separator)
    .map((item) => item.trim())
    .filter(Boolean);

/** A list whose items all match. */
export function listOf<Item = string>(
  name: string,
  allowed: string,
  read: (item: string) => Item | Refusal,
): Form<Item[]> {
  return {
    name,
    allowed,
    read(text, separator) {
      const items: Item[] = [];
      for (const item of itemsOf(text, separator)) {
        const value = read(item);
        if (value instanceof Refusal) return value.reason ? value : refuse(`has '${item.slice(0, 80)}'`);
        items.push(value);
      }
      return items.length > 0 ? items : refused;
    },
  };
}

/** Characters of RFC 9110, section 5.6.2. */
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;

export const texts = listOf('list', 'a list of texts', (item) => item);

export const methods = listOf('list of methods', 'a list of HTTP methods, such as GET,POST', (item) =>
  /^[A-Za-z-]{1,32}$/.test(item) ? item.toUpperCase() : refused,
);

export const headerNames = listOf(
  'list of header names',
  'a list of header names, such as Server,X-Powered-By',
  (item) => (headerName.test(item) ? item : refused),
);

const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

export const networks = listOf(
  'list of networks',
  'a list of addresses and networks, such as 10.0.0.0/8,192.0.2.7,2001:db8::/32, and `local` for the node itself',
  (item) => (item === 'local' || network.safeParse(item).success ? item : refused),
);

const host = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** A host name or address to send requests to. */
export const hostName: Form<string> = {
  name: 'host',
  allowed: 'a host name or an IP address',
  read: (text) => (host.test(text) || z.ipv6().safeParse(text).success ? text : refused),
};

/** Names that a certificate is asked for. */
export const hosts = listOf('list of hosts', 'a list of full host names, such as shop.example.com', (item) =>
  host.test(item) && item.includes('.') ? item.toLowerCase() : refused,
);

/** Request headers to match: `name:value`, cut at the first colon. */
export const headerMatches = listOf<NamedValue>(
  'list of name:value',
  'a list of header:value, such as X-Version:3,X-Client:mobile',
  (item) => {
    const at = item.indexOf(':');
    const [name, value] = [item.slice(0, at).trim(), item.slice(at + 1).trim()];
    return at > 0 && headerName.test(name) && value !== '' ? { name, value } : refused;
  },
);

/** Where HAProxy would read a condition, and the only test in one that can be honoured. */
const condition = /\s(if|unless)\s+(!?)\s*\{(?: *(ssl_fc) *\}$)?/;

function readHeader(item: string): HeaderValue | Refusal {
  const [, name, rest] = /^([^\s:]+)(?:\s*:\s*|\s+)(\S.*)$/s.exec(item) ?? [];
  if (name === undefined || !headerName.test(name)) return refuse('has an item that is no header with its value');
  const found = condition.exec(rest!);
  if (found && !found[3])
    return refuse(`has a condition for ${name} that cannot be honoured (only if { ssl_fc } and if !{ ssl_fc } can)`);
  const written = found ? rest!.slice(0, found.index).trim() : rest!;
  const value = /^"[^"]*"$/.test(written) ? written.slice(1, -1) : written;
  if (value === '') return refuse(`has no value for ${name}`);
  if (!found) return { name, value };
  return { name, value, when: (found[1] === 'if') === (found[2] === '') ? 'tls' : 'plain' };
}

/**
 * Headers to add or set: `Name value`, as HAProxy writes it, or `Name: value`. A separator within a value is taken for
 * part of it where what follows is one word, for a header cannot be that short.
 */
export const headers: Form<HeaderValue[]> = {
  name: 'list of headers',
  allowed: 'a list of headers, each as `Name value` or `Name: value`',
  read(text, separator) {
    const items: string[] = [];
    for (const item of itemsOf(text, separator)) {
      if (items.length > 0 && !/[\s:]/.test(item)) items.push(`${items.pop()}${separator}${item}`);
      else items.push(item);
    }
    const values = items.map(readHeader);
    return values.find((value) => value instanceof Refusal) ?? (values as HeaderValue[]);
  },
};

/** `k=v` pairs, cut at the first `=`; an item without one belongs to the value before it. */
export const pairs: Form<Record<string, string>> = {
  name: 'list of key=value',
  allowed: 'a list of key=value with keys of letters, digits and underscores, such as severity=high,receiver=system',
  read(text, separator) {
    const found: [string, string][] = [];
    for (const piece of text.split(separator)) {
      const [, key, value] = /^\s*([A-Za-z_]\w{0,127})\s*=(.*)$/s.exec(piece) ?? [];
      if (key !== undefined) found.push([key, value!]);
      else if (found.length > 0) found.at(-1)![1] += `${separator}${piece}`;
      else return refused;
    }
    return Object.fromEntries(found.map(([key, value]) => [key, value.trim()]));
  },
};

/** `search,replace` pairs with `:` between them; HAProxy's flags may follow. */
export const rewrites: Form<{ search: string; replace: string; flags?: string }[]> = {
  name: 'list of search,replace',
  allowed: 'search,replace pairs with a colon between them, such as /old/,/new/:^/api/v1,/v1',
  read(text) {
    const found: { search: string; replace: string; flags?: string }[] = [];
    for (const pair of text.split(':')) {
      const [search, replace, flags, ...more] = pair.split(',').map((part) => part.trim());
      if (!search || replace === undefined || more.length > 0) return refuse(`has '${pair.slice(0, 80)}'`);
      if (flags !== undefined && !/^(?:g|i|gi|ig)$/.test(flags)) return refuse(`has the flags '${flags.slice(0, 80)}'`);
      const problem = problemOfExpression(search);
      if (problem) return refuse(`has '${search.slice(0, 80)}', which is no regular expression: ${problem}`);
      found.push({ search, replace, ...(flags === undefined ? {} : { flags }) });
    }
    return found;
  },
};

export interface WrittenUser {
  name: string;
  password?: string;
}

/** `name:password` items, cut at the first colon; the password may be left out. Lines count as items too. */
export const users: Form<WrittenUser[]> = {
  name: 'list of name:password',
  allowed: 'a list of name:password, with names of letters, digits, dots, dashes, @ and underscores',
  read(text, separator) {
    const found: WrittenUser[] = [];
    for (const item of text.split('\n').flatMap((line) => itemsOf(line, separator))) {
      const [, name, password] = /^([\w.@-]{1,128})\s*(?::\s*(\S.*))?$/.exec(item) ?? [];
      if (name === undefined) return refused;
      found.push(password === undefined ? { name } : { name, password });
    }
    return found.length > 0 ? found : refused;
  },
};

const algorithms = ['identity', 'gzip', 'deflate', 'raw-deflate'];
const wordsOf = (text: string, separator: string) => itemsOf(text.replaceAll(separator, ' '), ' ');

/** Words with blanks between them, as HAProxy writes lists, or with the separator. */
export const compressionAlgorithms: Form<string[]> = {
  name: 'list of words',
  allowed: `some of ${algorithms.join(', ')}`,
  read(text, separator) {
    const words = wordsOf(text, separator);
    return words.length > 0 && words.every((word) => algorithms.includes(word)) ? words : refused;
  },
};

export const mediaTypes: Form<string[]> = {
  name: 'list of media types',
  allowed: 'media types such as text/html application/json',
  read(text, separator) {
    const words = wordsOf(text, separator);
    return words.length > 0 && words.every((word) => /^[\w.+-]{1,64}\/[\w.+*-]{1,64}$/.test(word)) ? words : refused;
  },
};
