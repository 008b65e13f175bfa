import type { Destination } from '../labels/description';
import { serverLine, type BackendInput } from './backend';
import { byAge } from './claims';
import { networksCondition } from './conditions';
import type { Entry } from './entries';
import type { ProxiedService, ProxySettings, Refusal, RouteInfo } from './model';
import { backendName } from './route-set';
import { endMarker, marker, section, time } from './text';
import { waitingLines } from './waiting';

/** A destination that gets whole connections. */
export interface Connection {
  service: ProxiedService;
  destination: Destination;
}

export interface ConnectionSections {
  lines: string[];
  routes: RouteInfo[];
  /** Backends whose tasks are checked. */
  backends: number;
}

/** What connection sections need to know of the rest. */
export interface ConnectionInput {
  connections: Connection[];
  entries: Entry[];
  settings: ProxySettings;
  caFile: string;
  newest: ReadonlySet<ProxiedService>;
  refuse: (refusal: Refusal) => void;
}

const algorithms = ['roundrobin', 'static-rr', 'leastconn', 'first', 'source', 'random'];

/** One listener for each port that a service in mode `tcp` asks for; services of one group share theirs. */
export function tcpSections(input: ConnectionInput): ConnectionSections {
  const { entries, settings, refuse } = input;
  const byPort = new Map<number, Connection[]>();
  for (const connection of input.connections) {
    const port = connection.destination.sourcePort;
    if (port === undefined || connection.destination.mode !== 'tcp') continue;
    byPort.set(port, [...(byPort.get(port) ?? []), connection]);
  }
  const sections: ConnectionSections = { lines: [], routes: [], backends: 0 };
  for (const [port, all] of [...byPort].sort(([a], [b]) => a - b)) {
    const members = membersOf(port, all, entries, settings, refuse);
    const first = members[0];
    if (!first) continue;
    const name = backendName(first.service.description.name, first.destination.index);
    sections.lines.push(
      marker(first.service.description.name),
      ...section(`frontend tcp-${port}`, [
        `bind :${port}`,
        ...clientLines(first.destination),
        `default_backend ${name}`,
      ]),
      ...connectionBackend(name, members, input),
    );
    sections.backends += members.some(({ destination }) => destination.checkTcp) ? 1 : 0;
    for (const { service } of members)
      sections.routes.push({ service: service.description.name, route: `tcp :${port}`, backend: name });
  }
  return sections;
}

/** The oldest service and those of its group; the others are refused. */
function membersOf(
  port: number,
  all: Connection[],
  entries: Entry[],
  settings: ProxySettings,
  refuse: ConnectionInput['refuse'],
): Connection[] {
  const refuseAll = (late: Connection[], why: string) => {
    for (const { service } of late)
      refuse({ service: service.description.name, severity: 'error', message: `port ${port} ${why}` });
    return [];
  };
  const reserved = settings.bindings.some((binding) => binding.port === port) || port === settings.metricsPort;
  if (reserved || entries.some((entry) => entry.port === port))
    return refuseAll(all, 'takes HTTP or is the proxy’s own, so it cannot take whole connections as well');
  const [first, ...others] = [...all].sort((a, b) => byAge(a.service, b.service));
  const { group } = first!.destination;
  const friends = others.filter(({ destination }) => group !== undefined && destination.group === group);
  refuseAll(
    others.filter((each) => !friends.includes(each) && each.service !== first!.service),
    `belongs to ${first!.service.description.name}, which is older; give both the same serviceGroup to share it`,
  );
  return [first!, ...friends];
}

export const clientLines = ({ keepAliveClient, timeouts }: Destination): string[] => [
  ...(keepAliveClient ? ['option clitcpka'] : []),
  ...(timeouts.client ? [`timeout client ${time(timeouts.client)}`] : []),
];

/** The backend of services that stand behind one listener. */
export function connectionBackend(
  name: string,
  members: Connection[],
  { settings, caFile, newest }: Pick<ConnectionInput, 'settings' | 'caFile' | 'newest'>,
): string[] {
  const { service, destination } = members[0]!;
  const { timeouts, balanceGroup, rateLimit } = destination;
  const extra = members.flatMap((member, index) => {
    const { allowFrom } = member.destination;
    const tls = member.destination.port === undefined;
    const input: BackendInput = { ...member, settings, caFile, tls, isNew: newest.has(member.service) };
    return [
      ...(members.length > 1 ? [marker(member.service.description.name)] : []),
      ...(allowFrom.length > 0
        ? [...networksCondition(`allowed_${index}`, allowFrom), `tcp-request content reject if !allowed_${index}`]
        : []),
      serverLine(input, index === 0 ? 'task' : `task-${index}-`),
    ];
  });
  return [
    marker(service.description.name),
    ...section(`backend ${name}`, [
      ...(balanceGroup && algorithms.includes(balanceGroup) ? [`balance ${balanceGroup}`] : []),
      ...(timeouts.server ? [`timeout server ${time(timeouts.server)}`] : []),
      ...(timeouts.tunnel ? [`timeout tunnel ${time(timeouts.tunnel)}`] : []),
      ...(rateLimit
        ? [
            `stick-table type ipv6 size 100k expire ${time(rateLimit.period * 2)} store conn_rate(${time(rateLimit.period)})`,
            'tcp-request content track-sc0 src',
            `tcp-request content reject if { sc_conn_rate(0) gt ${rateLimit.requests} }`,
          ]
        : []),
      ...extra,
      ...waitingLines(settings),
      ...(members.length > 1 ? [endMarker] : []),
    ]),
  ];
}
