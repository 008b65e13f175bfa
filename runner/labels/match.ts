import { refused, type Form } from './definition';
import type { Domain, DomainMatch, PathType } from './description';
import { problemOfExpression } from './forms';

/** How paths are compared; with SNI there are none, and Docker Flow has the server name compared in their place. */
export type PathMatch = { kind: 'path'; type: PathType } | { kind: 'server name'; match: DomainMatch };

const pathTypes: PathType[] = [
  'path',
  'path_beg',
  'path_dir',
  'path_dom',
  'path_end',
  'path_len',
  'path_reg',
  'path_sub',
];

const serverNameMatches: Record<string, DomainMatch> = {
  str: 'exact',
  beg: 'prefix',
  end: 'suffix',
  sub: 'contains',
  dom: 'domain',
  reg: 'regex',
};

export const pathMatch: Form<PathMatch> = {
  name: 'match',
  allowed: `one of ${pathTypes.join(', ')}, or for SNI req_ssl_sni -i -m (${Object.keys(serverNameMatches).join(', ')})`,
  pattern: `${pathTypes.join('|')}|req[._]ssl_sni( .*)?`,
  read(text) {
    const type = pathTypes.find((each) => each === text);
    if (type) return { kind: 'path', type };
    const [, method = 'str'] = /^req[._]ssl_sni(?:\s+-i)?(?:\s+-m\s+(\w+))?(?:\s+-i)?$/.exec(text) ?? [undefined, ''];
    const match = Object.hasOwn(serverNameMatches, method) ? serverNameMatches[method] : undefined;
    return match ? { kind: 'server name', match } : refused;
  },
};

const domainMatches: Record<string, DomainMatch> = {
  hdr: 'exact',
  hdr_beg: 'prefix',
  hdr_end: 'suffix',
  hdr_dom: 'domain',
  hdr_sub: 'contains',
  hdr_reg: 'regex',
};

/** HAProxy's own words, as Docker Flow hands them on: `hdr_dom(host)`, `req.ssl_sni`. */
export const domainMatch: Form<DomainMatch> = {
  name: 'match',
  allowed: `one of ${Object.keys(domainMatches)
    .map((each) => `${each}(host)`)
    .join(', ')}, req.ssl_sni`,
  pattern: '(hdr|hdr_beg|hdr_end|hdr_dom|hdr_sub|hdr_reg)\\((host)?\\)( -i)?|req[._]ssl_sni( -i)?',
  read(text) {
    if (/^req[._]ssl_sni(?:\s+-i)?$/.test(text)) return 'exact';
    const [, method = ''] = /^(hdr\w*)\((?:host)?\)(?:\s+-i)?$/i.exec(text) ?? [];
    const match = Object.hasOwn(domainMatches, method) ? domainMatches[method] : undefined;
    return match ?? refused;
  },
};

const plainDomain = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/;
const partOfDomain = /^[a-z0-9._-]{1,253}$/;

/** A domain, or why it is none. `*` alone stands for every domain and gives nothing to compare. */
export function readDomain(written: string, match: DomainMatch): Domain | 'any' | string[] {
  if (match === 'regex' && !written.startsWith('*')) {
    const problem = unsafe.test(written) ? 'it has blanks or quotes' : problemOfExpression(written);
    return problem ? [`'${shown(written)}' is no regular expression: ${problem}`] : { match, value: written };
  }
  const lower = written.toLowerCase();
  if (lower === '*') return 'any';
  const star = lower.startsWith('*');
  // A port says nothing about the domain: it is not compared.
  const value = (star ? lower.slice(1) : lower).replace(/:\d{1,5}$/, '');
  if (star) return partOfDomain.test(value) ? { match: 'suffix', value } : [notADomain(written)];
  const legal = match === 'exact' ? plainDomain.test(value) && value.length <= 253 : partOfDomain.test(value);
  return legal ? { match, value: match === 'exact' ? value.replace(/\.$/, '') : value } : [notADomain(written)];
}

const shown = (value: string) => value.slice(0, 80);

const notADomain = (written: string) =>
  `'${shown(written)}' is no domain: letters, digits, dots and dashes are allowed, and a star at the begin (international names as xn--…)`;

/** A blank, quote or control character would end the word in a configuration file. */
const unsafe = /[\s"'\u0000-\u001f\u007f]/; // eslint-disable-line no-control-regex
/** What RFC 3986 allows in a path, but for the apostrophe. */
const plainPath = /^[A-Za-z0-9\-._~!$&()*+,;=:@%/]+$/;
const longestPath = 1000;

/** A path with what had to be mended, or why it is none. */
export function readPath(written: string, type: PathType): { path: string; mended?: string } | string {
  const name = `'${shown(written)}'`;
  if (written.length > longestPath) return `${name}… has more than ${longestPath} characters`;
  if (unsafe.test(written)) return `${name} has a blank, a quote or a control character, which no path has`;
  if (type === 'path_len') return /^\d{1,5}$/.test(written) ? { path: written } : `${name} is not a length`;
  if (type === 'path_reg') {
    const problem = problemOfExpression(written);
    return problem ? `${name} is no regular expression: ${problem}` : { path: written };
  }
  if (!plainPath.test(written))
    return `${name} has a character that no path has (letters, digits and -._~!$&()*+,;=:@%/ are allowed)`;
  if ((type === 'path' || type === 'path_beg') && !written.startsWith('/'))
    return { path: `/${written}`, mended: `${name} begins without a slash, so it is taken for '/${shown(written)}'` };
  return { path: written };
}
