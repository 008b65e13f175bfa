import type { Destination, Domain, DomainMatch } from './description';
import { readDomain, readPath } from './match';
import type { Labels } from './reader';
import type { LabelName } from './table';

export type Matching = Pick<Destination, 'paths' | 'pathType' | 'excludedPaths' | 'domains'>;

/** Which requests of a mode a route takes by path and domain. */
export function matchingOf(labels: Labels, index: number, mode: Destination['mode']): Matching {
  const type = labels.get('pathType', index) ?? { kind: 'path', type: 'path_beg' };
  const algorithm = labels.get('serviceDomainMatchAll') ? 'domain' : 'exact';
  const written = domainsOf(labels, 'serviceDomain', index, labels.get('serviceDomainAlgo') ?? algorithm);
  if (mode === 'http') {
    if (type.kind === 'path')
      return {
        pathType: type.type,
        paths: pathsOf(labels, 'servicePath', index, type.type),
        excludedPaths: pathsOf(labels, 'servicePathExclude', index, type.type),
        domains: written,
      };
    labels.error('pathType', index, 'compares the server name of TLS, which is for reqMode sni only');
  }
  const none: Matching = { pathType: 'path_beg', paths: [], excludedPaths: [], domains: written };
  if (type.kind === 'server name')
    return { ...none, domains: [...written, ...domainsOf(labels, 'servicePath', index, type.match)] };
  if (labels.own('servicePath', index) ?? (mode === 'sni' && labels.get('servicePath', index)))
    labels.warn('servicePath', index, `has no effect: a connection in mode ${mode} has no path`);
  return none;
}

/** The domains of a label; empty where there are none or one of them is `*`. */
export function domainsOf(labels: Labels, name: LabelName, index: number, match: DomainMatch): Domain[] {
  const found: Domain[] = [];
  let any = false;
  for (const item of (labels.get(name, index) as string[] | undefined) ?? []) {
    const domain = readDomain(item, match);
    if (Array.isArray(domain)) labels.error(name, index, `has a wrong item: ${domain[0]}`);
    else if (domain === 'any') any = true;
    else if (!found.some((each) => each.match === domain.match && each.value === domain.value)) found.push(domain);
  }
  return any ? [] : found;
}

function pathsOf(
  labels: Labels,
  name: 'servicePath' | 'servicePathExclude',
  index: number,
  type: Destination['pathType'],
): string[] {
  const found = new Set<string>();
  for (const item of labels.get(name, index) ?? []) {
    const path = readPath(item, type);
    if (typeof path === 'string') labels.error(name, index, `has a wrong item: ${path}`);
    else {
      if (path.mended) labels.warn(name, index, `has an item to mend: ${path.mended}`);
      found.add(path.path);
    }
  }
  return [...found];
}
