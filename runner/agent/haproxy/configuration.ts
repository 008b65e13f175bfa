import { isIP } from 'node:net';

/** A line `server` or `server-template` of haproxy.cfg: names in a row that stand for what one host name leads to. */
export interface ServerLine {
  backend: string;
  /** Names of the servers, in order. */
  names: string[];
  host: string;
  port: number;
  tls: boolean;
  /** 0 where checks go to the port of the requests. */
  checkPort: number;
  /** Nothing about it changes: it has a fixed address, and is not checked. */
  constant: boolean;
  /** The host name is asked again and again. */
  resolved: boolean;
}

export interface ParsedConfiguration {
  servers: ServerLine[];
  /** Addresses of the name servers, `address:port`. */
  nameServers: string[];
}

/** What of a haproxy.cfg the state of its servers depends on. */
export function parseConfiguration(text: string): ParsedConfiguration {
  const servers: ServerLine[] = [];
  const nameServers: string[] = [];
  let section = { kind: '', name: '' };
  let shared: string[] = [];
  let defaults: string[] = [];
  for (const line of text.split('\n')) {
    const words = wordsOf(line);
    const [first = '', second = '', third = ''] = words;
    if (first === '') continue;
    if (sections.has(first)) {
      section = { kind: first, name: second };
      if (first === 'defaults') defaults = [];
      shared = [...defaults];
    } else if (section.kind === 'resolvers' && first === 'nameserver') {
      nameServers.push(third.replace(/^.*@/, ''));
    } else if (first === 'default-server') {
      shared.push(...words.slice(1));
      if (section.kind === 'defaults') defaults = [...shared];
    } else if (first === 'server-template') {
      const [host, port] = split(words[3] ?? '');
      servers.push(serverLine(section.name, namesOf(second, third), host, port, [...shared, ...words.slice(4)]));
    } else if (first === 'server') {
      const [host, port] = split(third);
      servers.push(serverLine(section.name, [second], host, port, [...shared, ...words.slice(3)]));
    }
  }
  // Several sections may name the same ones.
  return { servers, nameServers: [...new Set(nameServers)] };
}

const sections = new Set(
  'global defaults frontend backend listen resolvers userlist peers mailers cache program http-errors ring log-forward'
    .concat(' fcgi-app crt-store traces')
    .split(' '),
);

function serverLine(backend: string, names: string[], host: string, port: number, words: string[]): ServerLine {
  const resolved = words.includes('resolvers') && isIP(host) === 0 && /^[\w.-]+$/.test(host);
  return {
    ...{ backend, names, host, port, resolved },
    tls: words.includes('ssl'),
    checkPort: Number(words[words.lastIndexOf('port') + 1] ?? 0) || 0,
    constant: !resolved && words.includes('no-check'),
  };
}

/** Words of a line; a word in quotes is one, and `#` begins a comment. */
function wordsOf(line: string): string[] {
  const words = line.match(/"(?:\\.|[^"\\])*"|'[^']*'|#.*|[^\s#"']+/g) ?? [];
  const comment = words.findIndex((word) => word.startsWith('#'));
  return (comment === -1 ? words : words.slice(0, comment)).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'));
}

function namesOf(prefix: string, range: string): string[] {
  const [low, high] = range.includes('-') ? range.split('-').map(Number) : [1, Number(range)];
  const most = 10_000;
  if (!(low! >= 0) || !(high! - low! < most)) return [];
  return Array.from({ length: Math.max(0, high! - low! + 1) }, (_, index) => `${prefix}${low! + index}`);
}

function split(address: string): [string, number] {
  const at = address.lastIndexOf(':');
  return at === -1
    ? [address, 0]
    : [address.slice(0, at).replace(/^\[(.*)\]$/, '$1'), Number(address.slice(at + 1)) || 0];
}
