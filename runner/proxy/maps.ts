import { compare } from './admit';
import type { Route } from './places';

/** Map files of one set of routes, and what has to be looked up in them. */
export interface Maps {
  /** Host with begin of path, `*suffix` with begin of path, or begin of path alone: the longest one that fits wins. */
  begins: string[];
  /** The same keys with whole paths. */
  whole: string[];
  /** Suffixes, the longest first. */
  suffixes: string[];
  /** Classes of hosts for which there are routes at all. */
  has: Record<'host' | 'suffix' | 'any', { begins: boolean; whole: boolean }>;
}

type Tree = Map<string, { route: Route; path: string }>;
interface Trees {
  begins: Tree;
  whole: Tree;
}

/**
 * Routes without further conditions as map files.
 * @param value what a route's line says
 */
export function mapsOf(routes: Route[], value: (route: Route) => string): Maps {
  const none = () => ({ begins: false, whole: false });
  const has = { host: none(), suffix: none(), any: none() };
  const begins: string[] = [];
  const whole: string[] = [];
  const bySuffix = new Map<string, Trees>();
  for (const route of routes) {
    if (route.conditional) continue;
    const { host, path } = route;
    const kind = route.pathType === 'path' ? 'whole' : 'begins';
    has[host === undefined ? 'any' : host.match === 'suffix' ? 'suffix' : 'host'][kind] = true;
    if (host?.match === 'suffix') treesOf(bySuffix, host.value)[kind].set(path, { route, path });
    else (kind === 'whole' ? whole : begins).push(`${host?.value ?? ''}${path} ${value(route)}`);
  }
  const suffixes = [...bySuffix.keys()].sort((a, b) => b.length - a.length || compare(a, b));
  for (const suffix of suffixes) {
    const trees = withShorterSuffixes(suffix, suffixes, bySuffix);
    for (const { route, path } of trees.begins.values()) begins.push(`*${suffix}${path} ${value(route)}`);
    for (const { route, path } of trees.whole.values()) whole.push(`*${suffix}${path} ${value(route)}`);
  }
  return {
    begins: begins.sort(),
    whole: whole.sort(),
    suffixes: suffixes.map((suffix) => `${suffix} *${suffix}`),
    has,
  };
}

function treesOf(bySuffix: Map<string, Trees>, suffix: string): Trees {
  const known = bySuffix.get(suffix);
  if (known) return known;
  const trees = { begins: new Map(), whole: new Map() };
  bySuffix.set(suffix, trees);
  return trees;
}

/**
 * A suffix's own paths, and of each shorter suffix that also fits those which none of its own hides: HAProxy finds the
 * longest suffix only, so that one has to know the others' paths.
 */
function withShorterSuffixes(suffix: string, suffixes: string[], bySuffix: Map<string, Trees>): Trees {
  const own = bySuffix.get(suffix)!;
  const all: Trees = { begins: new Map(own.begins), whole: new Map(own.whole) };
  for (const shorter of suffixes) {
    if (shorter.length >= suffix.length || !suffix.endsWith(shorter)) continue;
    const hidden = new Set(all.begins.keys());
    const hides = (path: string) => {
      for (let length = path.length; length > 0; length--) if (hidden.has(path.slice(0, length))) return true;
      return false;
    };
    const inherited = bySuffix.get(shorter)!;
    const whole = [...inherited.whole].filter(([path]) => !all.whole.has(path) && !hides(path));
    for (const [path, entry] of inherited.begins) if (!hides(path)) all.begins.set(path, entry);
    for (const [path, entry] of whole) all.whole.set(path, entry);
  }
  return all;
}
