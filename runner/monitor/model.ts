import type { ServiceDescription } from '../labels/description';
import type { CustomShortcut } from './alerts/custom';
import type { YamlMap } from './settings-tree';

/** A service that takes part, with what the Swarm knows of it. */
export interface MonitoredService {
  description: ServiceDescription;
  /** `com.docker.stack.namespace` */
  stack?: string;
  mode: 'replicated' | 'global' | 'job';
  /** Of two alerts with one name the older service's keeps it. RFC 3339. */
  createdAt: string;
  /** Labels of the service under the prefix, without it: what `DF_SCRAPE_TARGET_LABELS` chooses from. */
  labels: Record<string, string>;
  /** The service is gone: only its persistent alerts are left. */
  gone?: true;
}

/** A task that runs, or starts on its node. */
export interface MonitoredTask {
  id: string;
  /** Full name of its service. */
  service: string;
  stack?: string;
  /** Undefined for a global service. */
  slot?: number;
  /** Id of its node. */
  node: string;
  /** It starts, or has run for seconds only. */
  isNew?: boolean;
  /** Addresses by the names of the networks. */
  addresses: Record<string, string>;
}

export interface MonitoredNode {
  id: string;
  hostname: string;
  /** Labels of the Engine and of the node under the prefix, without it; the node's count where both have one. */
  labels: Record<string, string>;
}

/** A part of the system that is scraped. */
export interface SystemPart {
  /** Full name of the Swarm service. */
  service: string;
  port: number;
}

/** Something that is asked by its DNS name. */
export interface NamedPart {
  /** All addresses of the name are asked. */
  host: string;
  port: number;
}

/** Settings of the whole monitor, parsed from the environment of the controller. Times are milliseconds. */
export interface MonitorSettings {
  scrapeInterval: number;
  evaluationInterval: number;
  /** Most samples and bytes that one target may answer with. */
  sampleLimit: number;
  bodyLimit: number;
  /** Most alerts that one rule may give at once. */
  alertLimit: number;
  /** Names of the networks that Prometheus is on, the preferred one first. */
  networks: string[];
  serviceTargetLabels: string[];
  nodeTargetLabels: string[];
  /** Where memory, CPU and network of containers come from. */
  containers: 'exporter' | 'cadvisor';
  exporter: SystemPart;
  cadvisor: SystemPart;
  nodeExporter: SystemPart;
  proxy: SystemPart;
  /** Asked by TLS with the reader's token. */
  controller: NamedPart;
  registry?: NamedPart;
  /** `host:port` of the job server. */
  jobs?: NamedPart;
  prometheus: NamedPart;
  /** Those of the system. */
  alertmanager: NamedPart;
  /** Others, by URL: `http://alertmanager:9093/path`. */
  alertmanagers: string[];
  /** Outside the Swarm: `SCRAPE_PORT_1` with `SERVICE_NAME_1`. */
  outside: { name: string; port: number }[];
  /** Where an alert's link leads; `{service}` and `{alert}` are filled in. */
  link?: string;
  /** What the operator adds, by the sections of prometheus.yml; lists are added to ours, values replace them. */
  extra: YamlMap;
  customShortcuts: Record<string, CustomShortcut>;
}

export interface MonitorInput {
  services: MonitoredService[];
  settings: MonitorSettings;
}

/** An alert or target that cannot be had. */
export interface MonitorRefusal {
  service: string;
  severity: 'error' | 'warning';
  /** Name without prefix and with index, such as `alertIf.2`. */
  label?: string;
  message: string;
}

/** An alert as it is loaded, for those who route it. */
export interface AlertInfo {
  service: string;
  alert: string;
  expression: string;
  for?: string;
  labels: Record<string, string>;
}

export interface MonitorOutput {
  /** prometheus.yml and rules by path. */
  files: Record<string, string>;
  refusals: MonitorRefusal[];
  alerts: AlertInfo[];
}
