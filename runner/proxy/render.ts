import { admit } from './admit';
import { backendLines, redirectLines } from './backend';
import { certificateFiles } from './certificates';
import { byAge } from './claims';
import { localNetworks } from './conditions';
import { entriesOf, goesToTls, signatureOf, type Entry } from './entries';
import { errorPages } from './error-pages';
import { bindLines, frontendLines, tlsWords } from './frontend';
import { globalLines, httpDefaults, ownSections, tcpDefaults } from './global';
import { intervalsFor, newestOf } from './intervals';
import type { ProxiedService, ProxyInput, ProxyOutput, Refusal, RouteInfo } from './model';
import { placeOf, routesOf } from './places';
import { backendName, routeSetOf, type RouteSet } from './route-set';
import { sniPorts, sniSections, socketBehind } from './sni';
import { tcpSections, type Connection } from './tcp';
import { usersLines } from './users';

/**
 * HAProxy's whole configuration from what services say of themselves. The same input gives the same bytes, in whatever
 * order the services are; one that cannot be honoured is refused, and the others go on.
 */
export function renderProxy(input: ProxyInput): ProxyOutput {
  const { settings } = input;
  const { services, refusals } = admit(input);
  const refuse = collect(refusals);
  const certificates = certificateFiles(input, services, refuse);
  const entries = entriesOf(services, settings, certificates.any, refuse);
  const authority = authorityOf(input, services, refuse);
  const pages = errorPages(settings, services);
  const sets = routeSets(entries, services, refuse);
  const connections = services.flatMap((service): Connection[] =>
    service.description.destinations
      .filter(({ mode }) => mode !== 'http')
      .map((destination) => ({ service, destination })),
  );
  const newest = newestOf(services);
  const connectionInput = { connections, entries, settings, caFile: authority.file, newest, refuse };
  const sni = sniSections(connectionInput);
  const tcp = tcpSections(connectionInput);
  const behindSni = sniPorts(sni.lines.length > 0 ? connections : []);
  const templated = services.filter(({ description }) => description.proxy.templates?.frontend !== undefined);
  const keepsProtocol = services.some(
    ({ description: { proxy } }) => proxy.redirectWhenHttpProto || proxy.redirectUnlessHttpsProto,
  );
  const standard = defaultService(services, refuse);
  const files: Record<string, string> = { ...certificates.files, ...authority.files, ...pages.files, ...sni.files };
  const frontends = entries.flatMap((entry) => {
    const { rules } = sets.get(entry)!;
    const taken = behindSni.has(entry.port) && sni.lines.includes(`frontend sni-${entry.port}`);
    return frontendLines({
      entry,
      rules,
      settings,
      templated,
      keepsProtocol,
      defaultBackend: standard ? backendOf(standard, entry) : 'homeostat:none',
      bind: taken
        ? [`bind ${socketBehind(entry.port)} accept-proxy ${tlsWords(settings, authority.verifies, authority.file)}`]
        : bindLines(entry, settings, authority.verifies, authority.file),
    });
  });
  for (const set of sets.values()) Object.assign(files, set.files);
  const backends = backendsOf(services, sets, standard, input, authority.file, newest);
  const intervals = intervalsFor(services.length, backends.count + sni.backends + tcp.backends);
  const lines = [
    ...globalLines(settings, intervals, certificates.any, newest.size > 0),
    ...usersLines(services, settings),
    ...httpDefaults(settings, intervals, pages.lines),
    ...ownSections(settings),
    ...frontends,
    ...backends.lines,
    ...(sni.lines.length + tcp.lines.length > 0
      ? [...tcpDefaults(settings, intervals), ...sni.lines, ...tcp.lines]
      : []),
  ];
  if (lines.some((line) => line.includes(localNetworks))) files[localNetworks] = '127.0.0.0/8\n::1\n';
  files['haproxy.cfg'] = `${lines.join('\n').trimEnd()}\n`;
  return { files: sortedKeys(files), refusals, routes: [...routeInfos(sets), ...sni.routes, ...tcp.routes] };
}

/** Adds a refusal once: the same is found at several ports. */
function collect(refusals: Refusal[]): (refusal: Refusal) => void {
  const known = new Set<string>();
  return (refusal) => {
    const key = `${refusal.service} ${refusal.message}`;
    if (!known.has(key)) refusals.push(refusal);
    known.add(key);
  };
}

function authorityOf(
  { settings }: ProxyInput,
  services: ProxiedService[],
  refuse: (refusal: Refusal) => void,
): { file: string; verifies: boolean; files: Record<string, string> } {
  const { caFile } = settings;
  const verifying = services.filter(({ description }) =>
    description.destinations.some(({ verifyClient }) => verifyClient),
  );
  if (caFile === undefined) {
    for (const { description } of verifying)
      refuse({
        service: description.name,
        severity: 'warning',
        message: 'verifyClientSsl lets in nobody until CA_FILE names the authority of the clients',
      });
    return { file: '@system-ca', verifies: false, files: {} };
  }
  const inline = caFile.includes('-----BEGIN CERTIFICATE-----');
  return {
    file: inline ? 'ca.pem' : caFile,
    verifies: verifying.length > 0,
    files: inline ? { 'ca.pem': `${caFile.trim()}\n` } : {},
  };
}

function routeSets(
  entries: Entry[],
  services: ProxiedService[],
  refuse: (refusal: Refusal) => void,
): Map<Entry, RouteSet> {
  const routes = services
    .filter(({ description }) => description.proxy.templates?.frontend === undefined)
    .flatMap(routesOf);
  const bySignature = new Map<string, RouteSet>();
  return new Map(
    entries.map((entry) => {
      const signature = signatureOf(entry, routes);
      const set = bySignature.get(signature) ?? routeSetOf(entry, routes, refuse);
      bySignature.set(signature, set);
      return [entry, set];
    }),
  );
}

/** The oldest of the services that want to answer where no route fits. */
function defaultService(services: ProxiedService[], refuse: (refusal: Refusal) => void): ProxiedService | undefined {
  const [first, ...others] = services
    .filter(
      ({ description: { proxy, destinations } }) =>
        proxy.defaultBackend && destinations.some(({ mode }) => mode === 'http'),
    )
    .sort(byAge);
  for (const { description } of others)
    refuse({
      service: description.name,
      severity: 'warning',
      message: `isDefaultBackend belongs to ${first!.description.name}, which is older`,
    });
  return first;
}

function backendOf({ description }: ProxiedService, entry: Entry): string {
  const destination = description.destinations.find(({ mode }) => mode === 'http')!;
  return backendName(description.name, destination.index, goesToTls(destination, entry.tls) ? 'tls' : 'plain');
}

/** Backends to which some route leads; nothing else is resolved and checked. */
function backendsOf(
  services: ProxiedService[],
  sets: Map<Entry, RouteSet>,
  standard: ProxiedService | undefined,
  { settings }: ProxyInput,
  caFile: string,
  newest: ReadonlySet<ProxiedService>,
) {
  const used = new Set([...new Set(sets.values())].flatMap(({ leads }) => leads.map(({ backend }) => backend)));
  if (standard) for (const entry of sets.keys()) used.add(backendOf(standard, entry));
  const lines: string[] = [];
  let count = 0;
  for (const service of services) {
    const { name, destinations, proxy } = service.description;
    const all = proxy.templates?.frontend !== undefined;
    let templateIsThere = false;
    for (const destination of destinations) {
      if (destination.mode !== 'http') continue;
      for (const kind of ['plain', 'tls', 'redirect'] as const) {
        if (!used.has(backendName(name, destination.index, kind)) && !(all && kind === 'plain')) continue;
        const input = { service, destination, settings, caFile, tls: kind === 'tls', isNew: newest.has(service) };
        if (kind === 'redirect') lines.push(...redirectLines(input));
        else if (!templateIsThere) {
          lines.push(...backendLines(input));
          count++;
          templateIsThere = proxy.templates?.backend !== undefined;
        }
      }
    }
  }
  return { lines, count };
}

function routeInfos(sets: Map<Entry, RouteSet>): RouteInfo[] {
  return [...sets].flatMap(([entry, { leads }]) => {
    const usual = entry.port === (entry.tls ? 443 : 80);
    const scheme = `${entry.tls ? 'https' : 'http'}${usual ? '' : `(:${entry.port})`}://`;
    return leads.map(({ route, backend }) => ({
      service: route.service.description.name,
      route: `${scheme}${placeOf(route)}`,
      backend,
    }));
  });
}

const sortedKeys = (files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
