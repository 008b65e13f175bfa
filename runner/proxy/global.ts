import { httpLogFormat, logLines, tcpLogFormat } from './access-log';
import { compressionLines } from './backend';
import { newestResolvers, type Intervals } from './intervals';
import type { ProxySettings } from './model';
import { quote, section, time } from './text';
import { retriesOf } from './waiting';

/** The sections that hold whatever the services are. */
export function globalLines(
  settings: ProxySettings,
  intervals: Intervals,
  hasCertificates: boolean,
  hasNewest: boolean,
): string[] {
  const { tls } = settings;
  return [
    ...section('global', [
      'default-path config',
      // Two for each connection: HAProxy takes what the machine allows up to this, where a fixed `maxconn` would be fatal.
      `fd-hard-limit ${2 * settings.maximumConnections + 200}`,
      `hard-stop-after ${time(settings.hardStopAfter)}`,
      // Checks of many servers do not come all at once.
      'spread-checks 5',
      // Nothing here asks by HAProxy's own client; it would read all authorities of the system at each start and check.
      'httpclient.ssl.verify none',
      ...(settings.accessLog === 'none' ? [] : ['log stdout len 8192 format raw local0 info']),
      ...(hasCertificates
        ? [
            `ssl-default-bind-options ssl-min-ver ${tls.minimum} no-tls-tickets`,
            `ssl-default-bind-ciphers ${quote(tls.ciphers)}`,
            `ssl-default-bind-ciphersuites ${quote(tls.ciphersuites)}`,
            'tune.ssl.default-dh-param 2048',
          ]
        : []),
      ...settings.extraGlobal,
    ]),
    `# Tasks are looked for every ${intervals.resolve} ms and checked every ${intervals.check} ms: 7.5 ms a service from 25 to 750 ms, 100 ms a`,
    '# backend from 1 to 10 s, so that an idle proxy with 100 services stays below 2 % of a core.',
    ...resolverLines('docker', intervals.resolve, intervals.resolveAbsent, settings),
    ...(hasNewest ? resolverLines(newestResolvers, intervals.resolve, intervals.resolveAbsentNewest, settings) : []),
  ];
}

/** Milliseconds after which a name without tasks is believed to have none, and the last address of its servers is given up. */
const absentAfter = 10_000;

const resolverLines = (name: string, resolve: number, absent: number, { resolvers }: ProxySettings): string[] =>
  section(`resolvers ${name}`, [
    ...resolvers.map((address, index) => `nameserver dns${index} ${withPort(address)}`),
    // More than some 28 tasks do not fit into what is usual.
    'accepted_payload_size 8192',
    `timeout resolve ${time(resolve)}`,
    // HAProxy asks again after this time where it got no address, as often as it may, and then waits for the usual time.
    `timeout retry ${time(absent)}`,
    `resolve_retries ${Math.ceil(absentAfter / absent)}`,
    // A task that is no longer named is out at once; a name service that fails empties nothing.
    'hold obsolete 0s',
    `hold nx ${time(absentAfter - 1000)}`,
    'hold refused 30s',
    'hold timeout 30s',
    'hold other 30s',
  ]);

/** `127.0.0.11`, `127.0.0.11:53`, `::1` and `[::1]:53` are all taken. */
function withPort(address: string): string {
  const colons = address.split(':').length - 1;
  if (address.startsWith('[') || colons === 1) return address;
  return colons === 0 ? `${address}:53` : `[${address}]:53`;
}

/** What servers have in common, unless their line says otherwise. */
const serverDefaults = ({ check, downCheck }: Intervals): string =>
  `default-server resolvers docker resolve-prefer ipv4 init-addr last,none inter ${time(check)} fastinter ${time(downCheck)} downinter ${time(downCheck)} fall 2 rise 1 tcp-ut 3s`;

/** A node that is lost says nothing: it is asked whether it is there, and what waits for it is tried elsewhere. */
const keepAlive = ['option srvtcpka', 'srvtcpka-idle 1s', 'srvtcpka-intvl 1s', 'srvtcpka-cnt 2'];

const common = (settings: ProxySettings, intervals: Intervals): string[] => [
  ...(settings.serverState ? ['load-server-state-from-file global'] : []),
  `retries ${retriesOf(settings)}`,
  'option redispatch 1',
  ...keepAlive,
  `timeout connect ${time(settings.timeouts.connect)}`,
  `timeout client ${time(settings.timeouts.client)}`,
  `timeout server ${time(settings.timeouts.server)}`,
  `timeout queue ${time(settings.timeouts.queue)}`,
  `timeout tunnel ${time(settings.timeouts.tunnel)}`,
  serverDefaults(intervals),
];

/** Defaults of all that follows and speaks HTTP. */
export const httpDefaults = (settings: ProxySettings, intervals: Intervals, errorLines: string[]): string[] =>
  section('defaults', [
    'mode http',
    ...logLines(httpLogFormat(settings.captureRequestHeaders), settings.accessLog),
    ...common(settings, intervals),
    // In turn: a new task has its first request at once, and one that fails fast draws no more than its share, where `leastconn`
    // would send it nearly all. The static form keeps no tree of servers that each request has to lock.
    'balance static-rr',
    `timeout http-request ${time(settings.timeouts.httpRequest)}`,
    `timeout http-keep-alive ${time(settings.timeouts.httpKeepAlive)}`,
    `option ${settings.connectionMode}`,
    'http-reuse safe',
    'retry-on conn-failure empty-response',
    // Who has gone is not waited for.
    'option abortonclose',
    ...compressionLines(settings.compression),
    ...errorLines,
  ]);

/** Defaults of all that follows and forwards connections. */
export const tcpDefaults = (settings: ProxySettings, intervals: Intervals): string[] =>
  section('defaults', [
    'mode tcp',
    ...logLines(tcpLogFormat, settings.accessLog),
    ...common(settings, intervals),
    // Connections last.
    'balance leastconn',
  ]);

/** What answers where no service does: HAProxy's own metrics, challenges of certificates, and 404. */
export function ownSections({ metricsPort, stats, controller }: ProxySettings): string[] {
  const statsPath = stats ? quote(stats.path.replace(/\?.*$/, '')) : '';
  const [, scheme, server] = /^(https?:\/\/)?(.*)$/.exec(controller ?? '')!;
  return [
    ...section('frontend homeostat:metrics', [
      `bind :${metricsPort}`,
      'http-request set-log-level silent',
      'http-request use-service prometheus-exporter if { path /metrics }',
      'http-request return status 200 content-type text/plain string ok if { path /healthz }',
      ...(stats
        ? [
            `http-request deny deny_status 404 unless { path -m str -- ${statsPath} }`,
            'stats enable',
            `stats uri ${quote(stats.path)}`,
            `stats auth ${quote(`${stats.user}:${stats.password}`)}`,
          ]
        : ['http-request deny deny_status 404']),
    ]),
    ...section('backend homeostat:none', ['http-request deny deny_status 404']),
    ...(controller
      ? section('backend homeostat:controller', [
          `server-template controller 2 ${server} check${scheme === 'https://' ? ' ssl verify none' : ''}`,
        ])
      : []),
  ];
}
