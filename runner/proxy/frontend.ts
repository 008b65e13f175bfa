import { argument, endMarker, marker, quote, section } from './text';
import type { Entry } from './entries';
import type { ProxiedService, ProxySettings } from './model';
import { applyTemplate } from './templates';
import { networksCondition } from './conditions';

export interface FrontendInput {
  entry: Entry;
  /** Lines that set `txn.backend`. */
  rules: string[];
  settings: ProxySettings;
  /** Of services outside the usual routes: with a template for the frontend. */
  templated: ProxiedService[];
  defaultBackend: string;
  bind: string[];
  /** Some service looks at what a load balancer said of the protocol. */
  keepsProtocol: boolean;
}

/** The frontend of one port that takes HTTP. */
export function frontendLines(input: FrontendInput): string[] {
  const { entry, rules, settings, templated, defaultBackend, bind } = input;
  const frontend = section(`frontend ${entry.name}`, [
    ...bind,
    // A request is sent again only where that can do no harm.
    'http-request disable-l7-retry unless METH_GET or { method HEAD OPTIONS }',
    'http-request set-var(txn.host) req.fhdr(host),host_only,rtrim(.)',
    'http-request set-var(txn.path) path',
    // Such a host would be taken for a longer path.
    'http-request deny deny_status 400 if { var(txn.host) -m sub / }',
    ...settings.captureRequestHeaders.map(
      (name) => `http-request capture ${quote(`req.fhdr(${argument(name)})`)} len 256`,
    ),
    ...forwardedLines(input),
    ...(settings.controller ? ['acl acme path -m beg -- /.well-known/acme-challenge/'] : []),
    ...(settings.httpsOnly && !entry.tls ? [httpsRedirect(settings, 301, settings.controller ? ' !acme' : '')] : []),
    ...rules,
    ...settings.extraFrontend,
    ...templated.flatMap((service) => [
      marker(service.description.name),
      ...applyTemplate(settings.templates[service.description.proxy.templates!.frontend!]!, service),
      endMarker,
    ]),
    ...(settings.controller ? ['use_backend homeostat:controller if acme'] : []),
    'use_backend %[var(txn.backend)] if { var(txn.backend) -m found }',
    `default_backend ${defaultBackend}`,
  ]);
  return entry.askedBy === undefined ? frontend : [marker(entry.askedBy), ...frontend];
}

/** Requests that did not come by TLS, as far as can be trusted, start again there. */
export function httpsRedirect(settings: ProxySettings, code: number, unless = ''): string {
  const port = settings.bindings.find(({ tls }) => tls)?.port ?? 443;
  const suffix = port === 443 ? '' : `:${port}`;
  return `http-request redirect code ${code} location https://%[var(txn.host)]${suffix}%[pathq] if !{ req.hdr(X-Forwarded-Proto) -i -m str https }${unless}`;
}

/**
 * What the task is told of the client. Only a proxy that the operator trusts is believed: of the addresses it names, the
 * last one that is no such proxy is the client's. What anyone else says in headers of that kind is taken away.
 */
function forwardedLines({ entry, settings, keepsProtocol }: FrontendInput): string[] {
  const proto = entry.tls ? 'https' : 'http';
  const original = keepsProtocol ? ['http-request set-var(txn.proto) req.fhdr(X-Forwarded-Proto)'] : [];
  if (settings.trustedProxies.length === 0)
    return [
      ...original,
      'http-request del-header X-Forwarded- -m beg',
      'http-request add-header X-Forwarded-For %[src]',
      `http-request add-header X-Forwarded-Proto ${proto}`,
    ];
  return [
    ...original,
    ...networksCondition('from_proxy', settings.trustedProxies),
    'http-request set-var(txn.trusted) bool(true) if from_proxy',
    'acl trusted var(txn.trusted) -m bool',
    'http-request del-header X-Forwarded- -m beg if !trusted',
    'http-request set-var(txn.peer) src if trusted',
    ...[1, 2, 3, 4].map((hop) => `http-request set-src req.hdr_ip(X-Forwarded-For,-${hop}) if trusted from_proxy`),
    'http-request add-header X-Forwarded-For %[var(txn.peer)] if trusted',
    'http-request add-header X-Forwarded-For %[src] if !trusted',
    `http-request set-header X-Forwarded-Proto ${proto} unless trusted { req.hdr(X-Forwarded-Proto) -m found }`,
  ];
}

/** The `bind` lines of an entry. */
export function bindLines(entry: Entry, settings: ProxySettings, verifiesClients: boolean, caFile: string): string[] {
  const proxied = entry.proxyProtocol ? ' accept-proxy' : '';
  if (!entry.tls) return [`bind :${entry.port}${proxied}`];
  return [
    `bind :${entry.port}${proxied} ${tlsWords(settings, verifiesClients, caFile)}`,
    ...(settings.http3
      ? [
          `bind quic4@:${entry.port} ssl crt-list certs.crt-list alpn h3`,
          `http-after-response add-header alt-svc ${quote(`h3=":${entry.port}"; ma=900`)}`,
        ]
      : []),
  ];
}

/** TLS of a `bind` line. */
export const tlsWords = (settings: ProxySettings, verifiesClients: boolean, caFile: string): string =>
  `ssl crt-list certs.crt-list alpn ${settings.http2 ? 'h2,' : ''}http/1.1${verifiesClients ? ` ca-file ${quote(caFile)} verify optional` : ''}`;
