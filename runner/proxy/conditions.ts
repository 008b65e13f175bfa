import type { Destination, Domain, PathType } from '../labels/description';
import { compare } from './admit';
import type { Route } from './places';
import { argument, condition, endMarker, marker, quote } from './text';

const hostMatch: Record<Domain['match'], string> = {
  exact: 'str',
  suffix: 'end',
  prefix: 'beg',
  contains: 'sub',
  domain: 'dom',
  regex: 'reg',
};

const pathMatch: Record<PathType, string> = {
  path: 'path -m str',
  path_beg: 'path -m beg',
  path_dir: 'path -m dir',
  path_dom: 'path -m dom',
  path_end: 'path -m end',
  path_len: 'path,length -m int',
  path_reg: 'path -m reg',
  path_sub: 'path -m sub',
};

/**
 * Routes with conditions, as rules behind the look-up in the maps: the least specific first, so that of those that fit
 * the last one, and with it the most specific, wins; each only over what is not more specific than itself.
 */
export function conditionalRules(routes: Route[], value: (route: Route) => string): string[] {
  const sorted = routes.filter(({ conditional }) => conditional).sort(leastFirst);
  return sorted.flatMap((route, index) => {
    const { name } = route.service.description;
    const { lines, names } = conditionsOf(route, `r${index}`);
    return [
      marker(name),
      ...lines,
      `http-request set-var(txn.backend) str(${value(route)}) if { var(txn.specificity) -m int le ${route.specificity} }${names.map((each) => ` ${each}`).join('')}`,
      ...(index === sorted.length - 1 ? [endMarker] : []),
    ];
  });
}

const leastFirst = (a: Route, b: Route): number =>
  a.specificity - b.specificity ||
  compare(b.service.description.aclName, a.service.description.aclName) ||
  compare(b.service.description.name, a.service.description.name) ||
  compare(b.key, a.key);

/** Named conditions of a route, all of which have to hold. */
function conditionsOf(route: Route, prefix: string): { lines: string[]; names: string[] } {
  const lines: string[] = [];
  const names: string[] = [];
  const add = (criterion: string, patterns: string[], negated = false) => {
    const name = `${prefix}_${names.length}`;
    lines.push(...condition(name, criterion, patterns));
    names.push(negated ? `!${name}` : name);
  };
  const { host, pathType, path, destination } = route;
  if (host) add(`var(txn.host) -m ${hostMatch[host.match]}${host.match === 'regex' ? ' -i' : ''}`, [host.value]);
  if (path !== '/' || pathType !== 'path_beg') add(pathMatch[pathType], [path]);
  if (destination.excludedPaths.length > 0) add(pathMatch[pathType], destination.excludedPaths, true);
  for (const header of destination.headers) add(`${quote(`req.hdr(${argument(header.name)})`)} -m sub`, [header.value]);
  if (destination.userAgents.length > 0) add('req.fhdr(user-agent) -i -m sub', destination.userAgents);
  return { lines, names };
}

/** Networks as a named condition; `local` is the node itself, which the agent knows. */
export function networksCondition(name: string, networks: string[]): string[] {
  const others = networks.filter((network) => network !== 'local');
  return [
    ...(networks.includes('local') ? [`acl ${name} src -f ${localNetworks}`] : []),
    ...condition(name, 'src', others),
  ];
}

/** File with the networks that `local` stands for. */
export const localNetworks = 'maps/local.lst';

/** Methods as a named condition. */
export const methodsCondition = (name: string, methods: Destination['allowedMethods']): string[] =>
  condition(name, 'method', methods);
