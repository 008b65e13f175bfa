import type { ServiceDescription } from '../labels/description';

/** What the proxy's configuration is made from; nothing else decides about it. */
export interface ProxyInput {
  services: ProxiedService[];
  certificates: Certificate[];
  settings: ProxySettings;
}

/** A service to route to, with what the Swarm knows of it. */
export interface ProxiedService {
  description: ServiceDescription;
  /** Older services keep a route that a younger one claims as well. RFC 3339. */
  createdAt: string;
  /** Servers to have room for: most tasks it may have, those in replacement, and some to spare. */
  slots: number;
  /** An HTTP check, from the service's labels or its own healthcheck. */
  check?: HttpCheck;
  /** Host names that are resolved to its tasks (default `tasks.<name>`). */
  address?: string;
  /** Users from the secrets it names. */
  secretUsers?: { name: string; password: string }[];
}

export interface HttpCheck {
  path: string;
  /** Undefined means the port that requests go to. */
  port?: number;
}

/** A certificate with its key, as HAProxy loads it. */
export interface Certificate {
  /** File name without folder and ending: letters, digits, dots, dashes and underscores. */
  name: string;
  /** Certificate, chain and key. */
  pem: string;
  /** Names it is for, in lower case, `*.` for wildcards. */
  domains: string[];
  /** RFC 3339 */
  notAfter: string;
}

export interface Binding {
  port: number;
  tls: boolean;
  /** The client's address comes by the PROXY protocol. */
  proxyProtocol: boolean;
}

/** Settings of the whole proxy, parsed from the environment of the controller. Times are milliseconds. */
export interface ProxySettings {
  instance: string;
  bindings: Binding[];
  http2: boolean;
  http3: boolean;
  /** Redirect all plain HTTP. */
  httpsOnly: boolean;
  connectionMode: string;
  timeouts: {
    connect: number;
    client: number;
    server: number;
    queue: number;
    tunnel: number;
    httpRequest: number;
    httpKeepAlive: number;
  };
  /** Longest that a request waits for a task where none runs, before it is answered by 503; 0 answers at once. */
  waitForTask: number;
  /** At most; fewer where the machine's limit of open files is lower. */
  maximumConnections: number;
  /** A second file, the agent's, names the file with the servers' state; without it HAProxy would warn. */
  serverState: boolean;
  /** After a reload, old workers are ended by then. */
  hardStopAfter: number;
  /** The name servers that know the tasks. */
  resolvers: string[];
  /** `host:port` of the controller, for ACME challenges, `https://` before it where it speaks TLS; undefined leaves them out. */
  controller?: string;
  /** Users for every service. */
  users: { name: string; password: string; encrypted: boolean }[];
  stats?: { user: string; password: string; path: string };
  /** Port of HAProxy's own Prometheus metrics, and of the agent's health. */
  metricsPort: number;
  compression?: { algorithms: string[]; types: string[] };
  /** Request headers for the access log. */
  captureRequestHeaders: string[];
  /** Trust X-Forwarded-For of these networks. */
  trustedProxies: string[];
  hsts?: number;
  /** Authority of clients and of HTTPS tasks: a PEM, or the path of one where the proxy runs. */
  caFile?: string;
  /** Name of the certificate for clients that ask for none of the names; the first one by default. */
  preferredCertificate?: string;
  /** Operator's own lines. */
  extraGlobal: string[];
  extraFrontend: string[];
  /** Services that may use backendExtra and templates; `*` for all. */
  trustedServices: string[];
  /** Operator's templates by name. */
  templates: Record<string, string>;
  /** HTML by status code, and `maintenance`. */
  errorPages: Record<string, string>;
  accessLog: 'all' | 'errors' | 'none';
  tls: { minimum: 'TLSv1.2' | 'TLSv1.3'; ciphers: string; ciphersuites: string };
}

/** A route or service that the proxy cannot have. */
export interface Refusal {
  service: string;
  severity: 'error' | 'warning';
  message: string;
}

export interface RouteInfo {
  service: string;
  /** As a person writes it: `http://shop.example.com/api`, `tcp :5432`. */
  route: string;
  backend: string;
}

export interface ProxyOutput {
  /** haproxy.cfg, map files, certificates and pages by path. */
  files: Record<string, string>;
  refusals: Refusal[];
  routes: RouteInfo[];
}
