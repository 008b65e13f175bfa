import type { Binding, ProxySettings } from './model';
import { SettingsReader, type SettingProblem } from './settings-reader';
import { intermediateTls } from './tls-profile';

/** The settings of a proxy that nobody has set up. */
export const defaultProxySettings: ProxySettings = {
  instance: '',
  bindings: [
    { port: 80, tls: false, proxyProtocol: false },
    { port: 443, tls: true, proxyProtocol: false },
  ],
  http2: true,
  http3: false,
  httpsOnly: false,
  connectionMode: 'http-keep-alive',
  timeouts: {
    // A lost node answers nothing: the next task is tried soon.
    connect: 500,
    client: 20_000,
    server: 20_000,
    queue: 30_000,
    tunnel: 3_600_000,
    httpRequest: 5000,
    httpKeepAlive: 15_000,
  },
  waitForTask: 10_000,
  maximumConnections: 20_000,
  serverState: true,
  hardStopAfter: 60_000,
  resolvers: ['127.0.0.11'],
  users: [],
  metricsPort: 8404,
  captureRequestHeaders: [],
  trustedProxies: [],
  extraGlobal: [],
  extraFrontend: [],
  trustedServices: [],
  templates: {},
  errorPages: {},
  accessLog: 'all',
  tls: intermediateTls,
};

const network = /^[0-9a-fA-F:.]{2,45}(?:\/\d{1,3})?$/;
const connectionModes = ['http-keep-alive', 'http-server-close', 'httpclose'] as const;
/** HAProxy has them no more; what is nearest. */
const modesOfOld: Record<string, string> = { 'http-tunnel': 'http-keep-alive', forceclose: 'httpclose' };

/**
 * The settings of the proxy from environment variables: those of docker-flow-proxy under their names, and
 * `HOMEOSTAT_PROXY_*` for what is new. A wrong value is a problem, and its default is used.
 */
export function proxySettings(env: Record<string, string | undefined>): {
  settings: ProxySettings;
  problems: SettingProblem[];
} {
  const read = new SettingsReader(env);
  const defaults = defaultProxySettings;
  const debug = read.flag('DEBUG') === true;
  const errorsOnly = read.flag('DEBUG_ERRORS_ONLY') === true;
  const log = read.choice('HOMEOSTAT_PROXY_ACCESS_LOG', ['all', 'errors', 'none']);
  const settings: ProxySettings = {
    ...defaults,
    instance: read.text('PROXY_INSTANCE_NAME') ?? defaults.instance,
    bindings: bindings(read),
    http2: read.flag('ENABLE_H2') ?? defaults.http2,
    http3: read.flag('HOMEOSTAT_PROXY_HTTP3') ?? defaults.http3,
    httpsOnly: read.flag('HTTPS_ONLY') ?? defaults.httpsOnly,
    connectionMode: connectionMode(read),
    timeouts: {
      connect: read.duration('TIMEOUT_CONNECT') ?? defaults.timeouts.connect,
      client: read.duration('TIMEOUT_CLIENT') ?? defaults.timeouts.client,
      server: read.duration('TIMEOUT_SERVER') ?? defaults.timeouts.server,
      queue: read.duration('TIMEOUT_QUEUE') ?? defaults.timeouts.queue,
      tunnel: read.duration('TIMEOUT_TUNNEL') ?? defaults.timeouts.tunnel,
      httpRequest: read.duration('TIMEOUT_HTTP_REQUEST') ?? defaults.timeouts.httpRequest,
      httpKeepAlive: read.duration('TIMEOUT_HTTP_KEEP_ALIVE') ?? defaults.timeouts.httpKeepAlive,
    },
    waitForTask: read.duration('HOMEOSTAT_PROXY_WAIT_FOR_TASK', 0) ?? defaults.waitForTask,
    maximumConnections:
      read.whole('HOMEOSTAT_PROXY_MAXIMUM_CONNECTIONS', 10, 10_000_000) ?? defaults.maximumConnections,
    hardStopAfter: read.duration('HOMEOSTAT_PROXY_HARD_STOP_AFTER') ?? defaults.hardStopAfter,
    resolvers:
      read.matching('RESOLVERS', /^[0-9a-fA-F.:[\]]{2,50}$/, 'addresses of name servers, such as 127.0.0.11') ??
      defaults.resolvers,
    users: users(read),
    metricsPort: read.whole('HOMEOSTAT_PROXY_METRICS_PORT', 1, 65_535) ?? defaults.metricsPort,
    captureRequestHeaders: captured(read),
    trustedProxies:
      read.matching('HOMEOSTAT_PROXY_TRUSTED_PROXIES', network, 'networks, such as 10.0.0.0/8,2001:db8::/32') ??
      defaults.trustedProxies,
    extraGlobal: read.lines('EXTRA_GLOBAL'),
    extraFrontend: read.lines('EXTRA_FRONTEND'),
    trustedServices: read.list('HOMEOSTAT_PROXY_TRUSTED_SERVICES'),
    accessLog: log ?? (debug && errorsOnly ? 'errors' : defaults.accessLog),
    tls: {
      minimum: read.choice('HOMEOSTAT_PROXY_TLS_MINIMUM', ['TLSv1.2', 'TLSv1.3']) ?? minimumOf(read),
      ciphers: read.text('SSL_BIND_CIPHERS') ?? defaults.tls.ciphers,
      ciphersuites: read.text('HOMEOSTAT_PROXY_TLS_CIPHERSUITES') ?? defaults.tls.ciphersuites,
    },
    ...optional('controller', controller(read)),
    ...optional('stats', stats(read)),
    ...optional('compression', compression(read)),
    ...optional('hsts', seconds(read.duration('HOMEOSTAT_PROXY_HSTS'))),
    ...optional('caFile', read.text('CA_FILE')),
    ...optional('preferredCertificate', read.text('PREFERRED_CERTIFICATE')?.replace(/\.pem$/, '')),
  };
  return { settings, problems: read.problems };
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}

const seconds = (milliseconds: number | undefined) =>
  milliseconds === undefined ? undefined : Math.floor(milliseconds / 1000);

function bindings(read: SettingsReader): Binding[] {
  const found = [...(read.bindings('DEFAULT_PORTS') ?? defaultProxySettings.bindings)];
  for (const more of read.bindings('BIND_PORTS') ?? []) {
    if (found.every(({ port }) => port !== more.port)) found.push(more);
  }
  const proxied = new Set(read.bindings('HOMEOSTAT_PROXY_PROTOCOL_PORTS')?.map(({ port }) => port));
  return found.map((binding) => ({ ...binding, proxyProtocol: binding.proxyProtocol || proxied.has(binding.port) }));
}

function connectionMode(read: SettingsReader): string {
  const written = read.text('CONNECTION_MODE');
  if (written === undefined) return defaultProxySettings.connectionMode;
  const known = connectionModes.find((mode) => mode === (modesOfOld[written] ?? written));
  return (
    known ??
    read.refuse('CONNECTION_MODE', written, `one of ${connectionModes.join(', ')}`) ??
    defaultProxySettings.connectionMode
  );
}

/** SSL_BIND_OPTIONS is HAProxy's list of versions that are off; what it means for the lowest one is honoured. */
function minimumOf(read: SettingsReader): ProxySettings['tls']['minimum'] {
  const options = read.text('SSL_BIND_OPTIONS') ?? '';
  return /no-tlsv12|ssl-min-ver\s+TLSv1\.3/.test(options) ? 'TLSv1.3' : defaultProxySettings.tls.minimum;
}

function users(read: SettingsReader): ProxySettings['users'] {
  const encrypted = read.flag('USERS_PASS_ENCRYPTED') ?? false;
  const separator = read.text('SEPARATOR') ?? ',';
  const items = read.list('USERS', separator);
  const parsed = items.map((item) => /^([\w.@-]{1,128})\s*:\s*(\S.*)$/.exec(item));
  if (parsed.some((each) => !each)) {
    // The value holds passwords, so it is not shown.
    read.problems.push({ variable: 'USERS', message: 'USERS has an item that is not name:password' });
    return [];
  }
  return parsed.map((each) => ({ name: each![1]!, password: each![2]!, encrypted }));
}

/** Headers with or without the length that HAProxy wants: `User-Agent:15`. */
const captured = (read: SettingsReader): string[] =>
  (
    read.matching(
      'CAPTURE_REQUEST_HEADER',
      /^[\w-]{1,128}(?::\d{1,5})?$/,
      'header names, such as User-Agent,Referer',
      /,/.test(read.text('CAPTURE_REQUEST_HEADER') ?? '') ? ',' : ' ',
    ) ?? []
  ).map((item) => item.replace(/:\d+$/, ''));

function controller(read: SettingsReader): string | undefined {
  const value = read.text('HOMEOSTAT_PROXY_CONTROLLER');
  if (value === undefined || /^(?:https?:\/\/)?[\w.-]{1,253}:\d{1,5}$/.test(value)) return value;
  return read.refuse('HOMEOSTAT_PROXY_CONTROLLER', value, 'host:port, with https:// before it where it speaks TLS');
}

function stats(read: SettingsReader): ProxySettings['stats'] {
  const user = read.text('STATS_USER');
  const password = read.text('STATS_PASS');
  const path = read.text('STATS_URI') ?? '/admin?stats';
  if (user === undefined || password === undefined || /^none$/i.test(user)) return undefined;
  if (!/^\/[!-~]{0,200}$/.test(path)) return read.refuse('STATS_URI', path, 'a path, such as /admin?stats');
  return { user, password, path };
}

const mediaType = /^[\w.+-]+\/[\w.+*-]+$/;

function compression(read: SettingsReader): ProxySettings['compression'] {
  const algorithms = read.matching(
    'COMPRESSION_ALGO',
    /^(?:identity|gzip|deflate|raw-deflate)$/,
    'some of identity, gzip, deflate, raw-deflate',
    ' ',
  );
  const types = read.matching('COMPRESSION_TYPE', mediaType, 'media types with blanks between them', ' ');
  return algorithms && { algorithms, types: types ?? [] };
}
