import type { Destination } from './description';
import { domainsOf, matchingOf } from './matching';
import type { Labels } from './reader';
import { definitionOf, labelNames, mostRoutes, type LabelName } from './table';

/** Labels whose indexes are routes. */
const indexedRouteLabels = labelNames.filter((name) => {
  const { indexed, group } = definitionOf(name);
  return indexed && group !== 'alerts';
});

/** Labels that ask for a route. */
export const routingLabels: LabelName[] = ['servicePath', 'serviceDomain', 'port', 'httpsPort', 'srcPort', 'reqMode'];

/**
 * The routes of a service: one for each index that any label has, or else the one of the labels without index, which
 * otherwise only fill in what an index leaves out, as in Docker Flow.
 */
export function destinationsOf(labels: Labels): Destination[] {
  const indexes = labels.indexes(indexedRouteLabels).filter((index) => index > 0);
  for (const name of ['servicePath', 'serviceDomain'] as const) {
    const own = labels.indexes([name]);
    if (indexes.length > 0 && own.includes(0) && indexes.every((index) => own.includes(index)))
      labels.warn(name, 0, 'has no effect: where there are indexes all routes have one, and each has its own value');
  }
  const found = (indexes.length > 0 ? indexes : [0]).flatMap((index) => destinationOf(labels, index) ?? []);
  const routes = found.reduce(
    (sum, { paths, domains }) => sum + Math.max(1, paths.length) * Math.max(1, domains.length),
    0,
  );
  if (routes > mostRoutes)
    labels.error(
      labels.has(['servicePath']) ? 'servicePath' : 'serviceDomain',
      found[0]!.index,
      `belongs to ${routes} routes (paths, each with each domain); a service may have ${mostRoutes}`,
    );
  if (found.length === 0 && labels.get('isDefaultBackend'))
    labels.warn('isDefaultBackend', 0, 'has no effect without a port and servicePath or serviceDomain');
  return found;
}

function destinationOf(labels: Labels, index: number): Destination | undefined {
  const mode = labels.get('reqMode', index) ?? 'http';
  const matching = matchingOf(labels, index, mode);
  const ports = portsOf(
    labels,
    index,
    mode,
    matching.paths.length > 0 || labels.get('serviceDomain', index) !== undefined,
  );
  if (!ports) return undefined;
  if (mode === 'http' && matching.paths.length === 0) matching.paths.push('/');
  if (mode === 'sni' && matching.domains.length === 0)
    labels.error('serviceDomain', index, 'is missing: mode sni chooses by server name');
  return {
    index,
    mode,
    ...ports,
    ...matching,
    headers: labels.get('serviceHeader', index) ?? [],
    userAgents: labels.get('userAgent', index) ?? [],
    outboundHost: labels.get('outboundHostname', index),
    ...rulesOf(labels, index, matching.domains),
    timeouts: {
      server: labels.get('timeoutServer', index),
      tunnel: labels.get('timeoutTunnel', index),
      client: labels.get('timeoutClient', index),
    },
    checkTcp: labels.get('checkTcp', index) ?? false,
    keepAliveClient: labels.get('clitcpka', index) ?? false,
    group: labels.get('serviceGroup', index),
    balanceGroup: labels.get('balanceGroup', index),
    userDefined: labels.get('userDef', index),
  };
}

/** Where a route's traffic comes in and goes to; undefined where the labels ask for no route, or one is missing. */
function portsOf(labels: Labels, index: number, mode: Destination['mode'], matches: boolean) {
  const port = labels.get('port', index);
  const httpsPort = labels.get('httpsPort', index);
  const sourcePort = labels.get('srcPort', index);
  if (mode === 'http' && !matches) return undefined;
  if (port === undefined && httpsPort === undefined) {
    if (!wrong(labels, 'port', index)) labels.error('port', index, 'is missing: a route needs the port of the tasks');
    return undefined;
  }
  if (mode === 'tcp' && sourcePort === undefined) {
    if (!wrong(labels, 'srcPort', index))
      labels.error('srcPort', index, 'is missing: mode tcp needs a port of the proxy');
    return undefined;
  }
  return {
    port,
    httpsPort,
    sourcePort: sourcePort ?? (mode === 'sni' ? 443 : undefined),
    sourceHttpsPort: labels.get('srcHttpsPort', index),
  };
}

/** Whether the value is absent because it was refused, which has been told. */
const wrong = (labels: Labels, name: LabelName, index: number) =>
  labels.indexes([name]).some((each) => each === index || each === 0);

function rulesOf(labels: Labels, index: number, domains: Destination['domains']) {
  const redirectFrom = domainsOf(labels, 'redirectFromDomain', index, 'exact');
  if (redirectFrom.length > 0 && !domains.some(({ match }) => match === 'exact'))
    labels.warn('redirectFromDomain', index, 'has no effect without a whole domain in serviceDomain to redirect to');
  const search = labels.get('reqPathSearch');
  const old = search === undefined ? [] : [{ search, replace: labels.get('reqPathReplace') ?? '' }];
  return {
    allowedMethods: labels.get('allowedMethods', index) ?? [],
    deniedMethods: labels.get('deniedMethods', index) ?? [],
    denyHttp: labels.get('denyHttp', index) ?? false,
    httpsOnly: labels.get('httpsOnly', index) ?? false,
    httpsRedirectCode: labels.get('httpsRedirectCode', index) ?? (302 as const),
    redirectFrom,
    rewrites: [...old, ...(labels.get('reqPathSearchReplace', index) ?? [])],
    ignoreAuthorization: labels.get('ignoreAuthorization', index) ?? false,
    verifyClient: labels.get('verifyClientSsl', index) ?? false,
    trustServer: labels.get('sslVerifyNone', index) ?? false,
    allowFrom: labels.get('allowFrom', index) ?? [],
    weight: labels.get('weight', index),
    rateLimit: labels.get('rateLimit', index),
    protocol: labels.get('protocol', index) ?? ('http1' as const),
    maintenance: labels.get('maintenance', index) ?? false,
  };
}
