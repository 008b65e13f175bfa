import type { Destination } from '../labels/description';
import { requestRules } from './backend-rules';
import { newestResolvers } from './intervals';
import type { ProxiedService, ProxySettings } from './model';
import { redirectTarget } from './places';
import { backendName } from './route-set';
import { applyTemplate } from './templates';
import { argument, literal, marker, quote, section, time } from './text';
import { waitingLines } from './waiting';

export interface BackendInput {
  service: ProxiedService;
  destination: Destination;
  /** The tasks are asked by TLS. */
  tls: boolean;
  settings: ProxySettings;
  /** It is one of the newest services, which are asked for more often. */
  isNew: boolean;
  /** The authority's file, or HAProxy's word for the system's. */
  caFile: string;
}

/** The backend of one destination, with all that its labels want to be done with a request. */
export function backendLines(input: BackendInput): string[] {
  const { service, destination, tls, settings } = input;
  const { description } = service;
  const { proxy, name } = description;
  const template = proxy.templates?.backend;
  if (template !== undefined) return [marker(name), ...applyTemplate(settings.templates[template]!, service), ''];
  const { timeouts } = destination;
  return [
    marker(name),
    ...section(`backend ${backendName(name, destination.index, tls ? 'tls' : 'plain')}`, [
      ...(connectionModes.includes(proxy.connectionMode ?? '') ? [`option ${proxy.connectionMode}`] : []),
      ...(timeouts.server ? [`timeout server ${time(timeouts.server)}`] : []),
      ...(timeouts.tunnel ? [`timeout tunnel ${time(timeouts.tunnel)}`] : []),
      ...compressionLines(proxy.compression),
      ...requestRules(input),
      ...(proxy.sticky
        ? [`cookie ${name} insert indirect nocache httponly dynamic`, `dynamic-cookie-key ${quote(name)}`]
        : []),
      ...checkLines(service),
      ...(proxy.backendExtra === undefined ? [] : extraLines(proxy.backendExtra)),
      serverLine(input),
      ...waitingLines(settings),
    ]),
  ];
}

const connectionModes = ['http-keep-alive', 'http-server-close', 'httpclose'];

const extraLines = (extra: string): string[] =>
  extra
    .replaceAll('\\n', '\n')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

export const compressionLines = (compression: ProxySettings['compression']): string[] =>
  compression === undefined
    ? []
    : [
        `compression algo ${compression.algorithms.map(quote).join(' ')}`,
        ...(compression.types.length > 0 ? [`compression type ${compression.types.map(quote).join(' ')}`] : []),
      ];

/** The check that the service's own image makes; `localhost` is what it says to itself. */
function checkLines({ check }: ProxiedService): string[] {
  if (!check) return [];
  return ['option httpchk', `http-check send meth GET uri ${quote(check.path)} ver HTTP/1.1 hdr Host localhost`];
}

const address = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]+)$/;

/** The tasks of a destination: slots that the name service fills, or the one address that is given. */
export function serverLine({ service, destination, tls, caFile, isNew }: BackendInput, prefix = 'task'): string {
  const { description, check, slots } = service;
  const host = destination.outboundHost ?? service.address ?? `tasks.${description.name}`;
  const port = tls ? destination.httpsPort! : (destination.port ?? destination.httpsPort!);
  const tcp = destination.mode !== 'http';
  const secure = tls || (destination.trustServer && !tcp);
  const words = [
    ...(tcp && !destination.checkTcp ? ['no-check'] : ['check', 'observe layer4 error-limit 1 on-error mark-down']),
    ...(check?.port !== undefined && !tcp ? [`port ${check.port}`] : []),
    ...(secure ? tlsWords(destination, caFile) : []),
    ...(!tcp && destination.protocol === 'h2' ? [secure ? 'alpn h2' : 'proto h2'] : []),
  ].join(' ');
  if (address.test(host)) return `server ${prefix} ${host.includes(':') ? `[${host}]` : host}:${port} ${words}`;
  // A host outside the Swarm may have many addresses; few are enough.
  const count = destination.outboundHost === undefined ? slots : Math.min(slots, 4);
  const resolvers = isNew ? `resolvers ${newestResolvers} ` : '';
  return `server-template ${prefix} ${count} ${host}:${port} ${resolvers}${words}`;
}

function tlsWords(destination: Destination, caFile: string): string[] {
  if (destination.trustServer) return ['ssl verify none'];
  const name = destination.outboundHost ?? redirectTarget(destination);
  const named = name === undefined || address.test(name) ? [] : [`sni ${quote(`str(${argument(name)})`)}`];
  return [`ssl verify required ca-file ${quote(caFile)}`, ...named];
}

/** The backend that leads clients from a domain of old to the one of now. */
export function redirectLines({ service, destination }: BackendInput): string[] {
  const { name } = service.description;
  const to = (scheme: string) => quote(`${scheme}://${literal(redirectTarget(destination)!)}%[pathq]`);
  const secure = destination.httpsOnly ? '' : ' if { req.hdr(X-Forwarded-Proto) -i -m str https }';
  return [
    marker(name),
    ...section(`backend ${backendName(name, destination.index, 'redirect')}`, [
      `http-request redirect code 301 location ${to('https')}${secure}`,
      ...(destination.httpsOnly ? [] : [`http-request redirect code 301 location ${to('http')}`]),
    ]),
  ];
}
