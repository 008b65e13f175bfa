import type { Domain } from '../labels/description';
import { compare } from './admit';
import { byAge } from './claims';
import { clientLines, connectionBackend, type Connection, type ConnectionInput, type ConnectionSections } from './tcp';
import { backendName } from './route-set';
import { condition, endMarker, marker, section } from './text';

/** Name of the socket by which a connection that no service wants goes on to the HTTPS frontend of its port. */
export const socketBehind = (port: number): string => `abns@homeostat-${port}`;

/** Ports at which the server name in the hello is looked at before anything else. */
export const sniPorts = (connections: Connection[]): Set<number> =>
  new Set(
    connections.flatMap(({ destination }) => (destination.mode === 'sni' ? [destination.sourcePort ?? 443] : [])),
  );

interface Named extends Connection {
  domain: Domain;
}

/**
 * Listeners that choose by the server name of the TLS hello and leave the encryption to the tasks. Where the port is one
 * of HTTPS as well, everything else goes on to its frontend, with the client's address.
 */
export function sniSections(input: ConnectionInput): ConnectionSections & { files: Record<string, string> } {
  const sections: ConnectionSections & { files: Record<string, string> } = {
    lines: [],
    routes: [],
    backends: 0,
    files: {},
  };
  for (const port of [...sniPorts(input.connections)].sort((a, b) => a - b)) {
    const own = input.connections.filter(
      ({ destination }) => destination.mode === 'sni' && (destination.sourcePort ?? 443) === port,
    );
    if (isTaken(port, own, input)) continue;
    const named = claimsOf(own, port, input.refuse);
    if (named.length > 0) addPort(port, named, input, sections);
  }
  return sections;
}

function isTaken(
  port: number,
  own: Connection[],
  { entries, settings, connections, refuse }: ConnectionInput,
): boolean {
  const plain =
    entries.some((entry) => entry.port === port && !entry.tls) ||
    settings.bindings.some((binding) => binding.port === port && !binding.tls);
  const tcp = connections.some(({ destination }) => destination.mode === 'tcp' && destination.sourcePort === port);
  if (!plain && !tcp && port !== settings.metricsPort) return false;
  for (const { service } of own)
    refuse({
      service: service.description.name,
      severity: 'error',
      message: `port ${port} takes plain connections, which have no server name`,
    });
  return true;
}

/** Each domain once, with the oldest service that claims it. */
function claimsOf(own: Connection[], port: number, refuse: ConnectionInput['refuse']): Named[] {
  const owners = new Map<string, Named>();
  for (const connection of [...own].sort((a, b) => byAge(a.service, b.service))) {
    for (const domain of connection.destination.domains) {
      const key = `${domain.match} ${domain.value}`;
      const owner = owners.get(key);
      if (!owner) owners.set(key, { ...connection, domain });
      else if (owner.service !== connection.service)
        refuse({
          service: connection.service.description.name,
          severity: 'error',
          message: `server name ${domain.value} on port ${port} belongs to ${owner.service.description.name}, which is older`,
        });
    }
  }
  return [...owners.values()].sort(
    (a, b) => compare(a.domain.match, b.domain.match) || compare(a.domain.value, b.domain.value),
  );
}

const otherMatch = { prefix: 'beg', contains: 'sub', domain: 'dom', regex: 'reg -i' } as const;

function addPort(
  port: number,
  named: Named[],
  input: ConnectionInput,
  sections: ConnectionSections & { files: Record<string, string> },
): void {
  const name = `sni-${port}`;
  const backendOf = ({ service, destination }: Connection) => backendName(service.description.name, destination.index);
  const mapped = (match: Domain['match']) => named.filter(({ domain }) => domain.match === match);
  const lines = (each: Named[]) => each.map((one) => `${one.domain.value.toLowerCase()} ${backendOf(one)}\n`).join('');
  const suffixes = mapped('suffix').sort(
    (a, b) => b.domain.value.length - a.domain.value.length || compare(a.domain.value, b.domain.value),
  );
  const files = { [`maps/${name}.map`]: lines(mapped('exact')), [`maps/${name}.suffixes.map`]: lines(suffixes) };
  const rules = named.flatMap((one, index) =>
    one.domain.match === 'exact' || one.domain.match === 'suffix'
      ? []
      : [
          marker(one.service.description.name),
          ...condition(`s${index}`, `req.ssl_sni,lower -m ${otherMatch[one.domain.match]}`, [one.domain.value]),
          `use_backend ${backendOf(one)} if s${index}`,
          endMarker,
        ],
  );
  const found = Object.entries(files).filter(([, text]) => text !== '');
  const [entry] = input.entries.filter((each) => each.port === port && each.tls);
  const proxied = input.settings.bindings.some((binding) => binding.port === port && binding.proxyProtocol);
  sections.lines.push(
    ...section(`frontend ${name}`, [
      `bind :${port}${proxied ? ' accept-proxy' : ''}`,
      ...clientLines({ ...named[0]!.destination, timeouts: longestTimeouts(named) }),
      'tcp-request inspect-delay 5s',
      'tcp-request content accept if { req.ssl_hello_type 1 }',
      'tcp-request content reject',
      ...found.map(([file]) => {
        const chosen = `req.ssl_sni,lower,${file.endsWith('.suffixes.map') ? 'map_end' : 'map_str'}(${file})`;
        return `use_backend %[${chosen}] if { ${chosen} -m found }`;
      }),
      ...rules,
      ...(entry ? [`default_backend ${name}:https`] : []),
    ]),
    ...(entry ? section(`backend ${name}:https`, [`server loop ${socketBehind(port)} send-proxy-v2 no-check`]) : []),
  );
  for (const [file, text] of found) sections.files[file] = text;
  const backends = new Map(named.map((one) => [backendOf(one), one]));
  for (const [backend, one] of backends) sections.lines.push(...connectionBackend(backend, [one], input));
  sections.backends += [...backends.values()].filter(({ destination }) => destination.checkTcp).length;
  for (const one of named)
    sections.routes.push({
      service: one.service.description.name,
      route: `sni :${port} ${one.domain.match === 'suffix' ? '*' : ''}${one.domain.value}`,
      backend: backendOf(one),
    });
}

/** One listener serves several services: the most patient of them decides. */
function longestTimeouts(named: Named[]): { client?: number } {
  const client = Math.max(0, ...named.map(({ destination }) => destination.timeouts.client ?? 0));
  return client > 0 ? { client } : {};
}
