/** What a service says about itself in its labels, parsed once. Times are milliseconds. */
export interface ServiceDescription {
  /** Full name in the Swarm: what `tasks.<name>` resolves. */
  name: string;
  /** `com.df.aclName`, or the name: gives the order among rules that match equally well. */
  aclName: string;
  /** Routes; empty where the service is not for the proxy. */
  destinations: Destination[];
  /** What holds for all destinations. */
  proxy: ProxyOptions;
  scrape?: ScrapeDescription;
  alerts: AlertDescription[];
  /** Undefined where no scaling label is set: nobody scales such a service. */
  scale?: ScaleDescription;
  certificate?: CertificateWish;
  /** `com.df.shortName`: notices of the compatible API name it without its stack. */
  shortName?: boolean;
  /** Its tasks may be spread anew when nodes were added; also for services that nobody scales. */
  reschedule?: boolean;
  /** Labels under the prefix that nobody knows: target labels of Prometheus, or leftovers. */
  others: Record<string, string>;
}

export type RequestMode = 'http' | 'tcp' | 'sni';
/** HAProxy's path matches that a label may name. */
export type PathType =
  'path' | 'path_beg' | 'path_dir' | 'path_dom' | 'path_end' | 'path_len' | 'path_reg' | 'path_sub';
/** How the Host header is compared; `exact` is the default, the others are HAProxy's hdr_* matches. */
export type DomainMatch = 'exact' | 'suffix' | 'prefix' | 'contains' | 'domain' | 'regex';

export interface Domain {
  match: DomainMatch;
  /** In lower case; for `suffix` what follows the star, such as `.acme.com`. */
  value: string;
}

export interface NamedValue {
  name: string;
  value: string;
}

/** A header to add or set; the value is HAProxy's log format, as written. */
export interface HeaderValue extends NamedValue {
  /** From `if { ssl_fc }` and `if !{ ssl_fc }`: only for requests that came by TLS, or without. */
  when?: 'tls' | 'plain';
}

/** One route of a service: the labels of one index, with what is absent taken from those without index. */
export interface Destination {
  /** 0 for the labels without index. */
  index: number;
  mode: RequestMode;
  /** Port of the service's tasks for plain traffic. */
  port?: number;
  /** Port of the service's tasks that speaks TLS. */
  httpsPort?: number;
  /** Port of the proxy; undefined means its usual ones (HTTP). Always there for TCP, and 443 by default for SNI. */
  sourcePort?: number;
  sourceHttpsPort?: number;
  /** Never empty for HTTP. */
  paths: string[];
  pathType: PathType;
  excludedPaths: string[];
  domains: Domain[];
  /** Request headers that must have a value that contains this; all of them. */
  headers: NamedValue[];
  /** Parts of the User-Agent, one of which must be there. */
  userAgents: string[];
  /** A host outside the Swarm that is asked instead of the tasks. */
  outboundHost?: string;
  /** Upper case. */
  allowedMethods: string[];
  deniedMethods: string[];
  /** Plain HTTP is refused. */
  denyHttp: boolean;
  /** Plain HTTP is redirected to HTTPS. */
  httpsOnly: boolean;
  httpsRedirectCode: 301 | 302 | 303 | 307 | 308;
  /** Domains that are redirected to the first of `domains`. */
  redirectFrom: Domain[];
  /** Regular expressions and what the part of the path that they match becomes, in order; flags are `g` and `i`. */
  rewrites: { search: string; replace: string; flags?: string }[];
  ignoreAuthorization: boolean;
  /** A client must show a certificate of the proxy's CA. */
  verifyClient: boolean;
  /** The certificate of an HTTPS task is not checked. */
  trustServer: boolean;
  timeouts: { server?: number; tunnel?: number; client?: number };
  /** TCP: the check sends nothing but connects; false leaves checks out. */
  checkTcp: boolean;
  keepAliveClient: boolean;
  /** Services with the same group (TCP) stand behind one listener. */
  group?: string;
  balanceGroup?: string;
  /** `userDef`, for templates. */
  userDefined?: string;
  /** Client networks in CIDR form that are let in; empty means all. `local` stands for the node itself. */
  allowFrom: string[];
  /** Share of the requests among services on the same route, 0 to 256; undefined means no sharing. */
  weight?: number;
  /** Requests that one client address may send within `period`. */
  rateLimit?: { requests: number; period: number };
  /** `h2` for gRPC and other tasks that speak HTTP/2 without TLS. */
  protocol: 'http1' | 'h2';
  /** Every request gets the maintenance page. */
  maintenance: boolean;
}

export interface User {
  name: string;
  /** As HAProxy takes it: a crypt(3) hash, or plain. */
  password: string;
  encrypted: boolean;
}

/** Options that hold for all destinations of a service. */
export interface ProxyOptions {
  /** Where no route matches, this service answers. */
  defaultBackend: boolean;
  sticky: boolean;
  connectionMode?: string;
  compression?: { algorithms: string[]; types: string[] };
  headers: {
    request: { add: HeaderValue[]; set: HeaderValue[]; delete: string[] };
    response: { add: HeaderValue[]; set: HeaderValue[]; delete: string[] };
  };
  users: User[];
  /** Users without password in the label: it comes from `usersSecret`, or else from the proxy's own users. */
  userNames?: string[];
  /** The secret `dfp_users_<x>` that holds more users, one `name:password` a line or separated by commas. */
  usersSecret?: string;
  usersEncrypted: boolean;
  /** Redirect where X-Forwarded-Proto says http. */
  redirectWhenHttpProto: boolean;
  redirectUnlessHttpsProto: boolean;
  /** A PEM with certificate, chain and key from a label. */
  serviceCertificate?: string;
  /** Lines for the backend; only for services that the operator lists. */
  backendExtra?: string;
  /** Names of the templates that replace the service's frontend and backend parts; only where the operator allows it. */
  templates?: { frontend?: string; backend?: string };
  /** The proxy that serves it, where there are several. */
  instance?: string;
  /** Path of the health check, `auto` takes it from the service's own healthcheck, `none` checks connections only. */
  checkPath: string;
  /** Strict-Transport-Security in seconds. */
  hsts?: number;
}

export interface ScrapeDescription {
  port: number;
  path: string;
  interval?: number;
  timeout?: number;
  type: 'tasks' | 'static_configs';
  network?: string;
}

export interface AlertDescription {
  index: number;
  name: string;
  /** PromQL or a shortcut, as written. */
  condition: string;
  /** Prometheus' own form, such as `30s`. */
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  persistent: boolean;
}

export interface ScaleDescription {
  minimum: number;
  maximum: number;
  upBy: Step;
  downBy: Step;
  reschedule: boolean;
  /** Milliseconds to wait after a change in that direction; undefined leaves it to the system. */
  cooldownUp?: number;
  cooldownDown?: number;
  stabilizationUp?: number;
  stabilizationDown?: number;
  /** Most replicas that one change may add or remove. */
  stepLimit?: number;
  paused: 'none' | 'up' | 'down' | 'all';
}

export interface Step {
  amount: number;
  unit: 'replicas' | 'percent';
}

/** A certificate to get by ACME. */
export interface CertificateWish {
  hosts: string[];
  email?: string;
  testing: boolean;
}

/** What labels are read from. */
export interface LabelledService {
  name: string;
  /** `com.docker.stack.namespace` */
  stack?: string | undefined;
  labels: Record<string, string>;
}

export interface LabelProblem {
  severity: 'error' | 'warning';
  /** The label as the service has it, with prefix and index. */
  label: string;
  message: string;
  /** What an error costs, where that is less than the whole service: this alert, or the service's metrics. */
  costs?: 'alert' | 'metrics';
}

/** Settings of the reading itself. */
export interface LabelSettings {
  /** With its dot, such as `com.df.`. */
  prefix: string;
  /** Full name of the label by which a service takes part. */
  notifyLabel: string;
  /** Between the items of a list. */
  separator: string;
  /** Values that labels may leave out, by label name without prefix; Docker Flow has them configurable. */
  defaults: Record<string, string>;
}

export const defaultLabelSettings: LabelSettings = {
  prefix: 'com.df.',
  notifyLabel: 'com.df.notify',
  separator: ',',
  defaults: {},
};
