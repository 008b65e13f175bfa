import type { ProxiedService, ProxySettings, Refusal } from './model';
import type { Route } from './places';

/** A port of the proxy that takes HTTP. */
export interface Entry {
  /** Of its frontend. */
  name: string;
  port: number;
  tls: boolean;
  proxyProtocol: boolean;
  /** One of the proxy's usual ports, for routes that name none. */
  usual: boolean;
  /** The service that asked for the port, where it is none of the usual ones. */
  askedBy?: string;
}

/** The ports that take HTTP: the proxy's usual ones, and those that routes name. */
export function entriesOf(
  services: ProxiedService[],
  settings: ProxySettings,
  hasCertificates: boolean,
  refuse: (refusal: Refusal) => void,
): Entry[] {
  const entries = new Map<number, Entry>();
  const nameOf = (port: number, tls: boolean) => `${tls ? 'https' : 'http'}-${port}`;
  for (const { port, tls, proxyProtocol } of settings.bindings)
    if (!tls || hasCertificates) entries.set(port, { name: nameOf(port, tls), port, tls, proxyProtocol, usual: true });
  const known = new Set(settings.bindings.map(({ port }) => port));
  for (const { description } of services) {
    for (const { mode, sourcePort, sourceHttpsPort } of description.destinations) {
      if (mode !== 'http') continue;
      for (const [port, tls] of [
        [sourcePort, false],
        [sourceHttpsPort, true],
      ] as const) {
        if (port === undefined || known.has(port) || entries.has(port)) continue;
        if (port === settings.metricsPort)
          refuse({
            service: description.name,
            severity: 'error',
            message: `port ${port} is where the proxy's own metrics are`,
          });
        else if (tls && !hasCertificates)
          refuse({
            service: description.name,
            severity: 'warning',
            message: `nothing listens on port ${port} for TLS until there is a certificate`,
          });
        else
          entries.set(port, {
            ...{ name: nameOf(port, tls), port, tls, proxyProtocol: false, usual: false },
            askedBy: description.name,
          });
      }
    }
  }
  return [...entries.values()].sort((a, b) => a.port - b.port);
}

/** Whether a route is to be had at an entry: at the ports it names, and with a port for TLS alone still at the usual plain ones. */
export function isAt({ destination }: Route, { port, usual, tls }: Entry): boolean {
  const { sourcePort, sourceHttpsPort } = destination;
  if (port === sourcePort || port === sourceHttpsPort) return true;
  if (!usual || sourcePort !== undefined) return false;
  return sourceHttpsPort === undefined || (!tls && destination.port !== undefined);
}

/** Text that is the same for entries at which the same routes lead to the same places. */
export function signatureOf(entry: Entry, routes: Route[]): string {
  const own = routes.some(
    ({ destination: { sourcePort, sourceHttpsPort } }) => sourcePort === entry.port || sourceHttpsPort === entry.port,
  );
  const differs = routes.some(
    ({ destination: { port, httpsPort, sourcePort, sourceHttpsPort } }) =>
      (port !== undefined && httpsPort !== undefined) || (sourcePort === undefined && sourceHttpsPort !== undefined),
  );
  return `${entry.usual} ${differs && entry.tls} ${own ? entry.port : ''}`;
}

/** Whether requests that came that way go to the port of the tasks that speaks TLS. */
export const goesToTls = ({ port, httpsPort }: Route['destination'], entryIsTls: boolean): boolean =>
  httpsPort !== undefined && (port === undefined || entryIsTls);
