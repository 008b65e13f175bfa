import type { Destination, Domain, PathType } from '../labels/description';
import type { ProxiedService } from './model';

/** One way to a service: a host, a path, and conditions. Where it leads depends on how the request came in. */
export interface Route {
  service: ProxiedService;
  destination: Destination;
  /** Undefined stands for every host. */
  host?: Domain;
  pathType: PathType;
  path: string;
  /** More than a host and a path decide, so that it becomes a rule and not a line of a map. */
  conditional: boolean;
  /** The higher one wins. */
  specificity: number;
  /** Where conditions are the same, so is this text. */
  key: string;
  /** Redirects to the service's own domain, and does nothing else. */
  redirect: boolean;
}

const longest = 9999;
const hostClass = { exact: 1000, suffix: 400, pattern: 100, any: 0 };

/**
 * How specific a route is, so that of all that fit a request the highest wins: a whole host before the longest suffix
 * before other patterns before any host, and then the longest path.
 */
export function specificityOf(host: Domain | undefined, pathType: PathType, path: string): number {
  // Certificates are got through it, whatever the domain, and Docker Flow has it first.
  if (path.startsWith('/.well-known')) return 2000 * 10_000 + Math.min(longest, path.length);
  const length = Math.min(255, host?.value.length ?? 0);
  const ofHost =
    host === undefined
      ? hostClass.any
      : host.match === 'exact'
        ? hostClass.exact
        : (host.match === 'suffix' ? hostClass.suffix : hostClass.pattern) + length;
  const ofPath = pathType === 'path_len' ? 0 : 2 * path.length + (pathType === 'path' ? 1 : 0);
  return ofHost * 10_000 + Math.min(longest, ofPath);
}

/** What a map can look up: a whole host, a suffix or any, and a path or its begin, without a blank that would end the key. */
const mappable = (host: Domain | undefined, pathType: PathType, path: string): boolean =>
  (host === undefined || ((host.match === 'exact' || host.match === 'suffix') && /^[^\s#/]+$/.test(host.value))) &&
  (pathType === 'path_beg' || pathType === 'path') &&
  /^\/[^\s#]*$/.test(path) &&
  !(host === undefined && path.startsWith('/.well-known'));

/** The ways to one service, as its labels say. */
export function routesOf(service: ProxiedService): Route[] {
  return service.description.destinations.flatMap((destination) => {
    if (destination.mode !== 'http') return [];
    const { headers, userAgents, excludedPaths, pathType } = destination;
    const conditions = headers.length > 0 || userAgents.length > 0 || excludedPaths.length > 0;
    const detail = conditions ? JSON.stringify([headers, userAgents, excludedPaths]) : '';
    const hosts: (Domain | undefined)[] = destination.domains.length > 0 ? destination.domains : [undefined];
    const routes = hosts.flatMap((host) =>
      destination.paths.map((path): Route => ({
        service,
        destination,
        ...(host ? { host: lower(host) } : {}),
        pathType,
        path,
        conditional: conditions || !mappable(host, pathType, path),
        specificity: specificityOf(host, pathType, path),
        key: keyOf(host, pathType, path, detail),
        redirect: false,
      })),
    );
    return [...routes, ...redirectsOf(service, destination)];
  });
}

function redirectsOf(service: ProxiedService, destination: Destination): Route[] {
  if (!redirectTarget(destination)) return [];
  return destination.redirectFrom.map((host): Route => ({
    service,
    destination,
    host: lower(host),
    pathType: 'path_beg',
    path: '/',
    conditional: !mappable(host, 'path_beg', '/'),
    specificity: specificityOf(host, 'path_beg', '/'),
    key: keyOf(host, 'path_beg', '/', ''),
    redirect: true,
  }));
}

/** The first whole domain: where its other domains are redirected to. */
export const redirectTarget = ({ domains }: Destination): string | undefined =>
  domains.find(({ match }) => match === 'exact')?.value;

const lower = (host: Domain): Domain =>
  host.match === 'regex' ? host : { match: host.match, value: host.value.toLowerCase() };

const keyOf = (host: Domain | undefined, pathType: PathType, path: string, detail: string) =>
  `${host ? `${host.match}:${host.value.toLowerCase()}` : '*'} ${pathType} ${path}${detail}`;

/** A route as a person reads it. */
export function placeOf(route: Pick<Route, 'host' | 'path' | 'pathType'>): string {
  const { host, path, pathType } = route;
  const stars = { exact: '', suffix: '*', prefix: '', contains: '*', domain: '', regex: '~' } as const;
  const name = host
    ? `${stars[host.match]}${host.value}${['prefix', 'contains'].includes(host.match) ? '*' : ''}`
    : '*';
  return `${name}${pathType === 'path_beg' ? path : pathType === 'path' ? `${path} (exactly)` : ` ${pathType} ${path}`}`;
}
