import { SettingsReader, type SettingProblem } from '../common/settings-reader';
import { readCustomShortcuts } from './alerts/custom';
import { promDuration } from './alerts/promql-text';
import { readExtraSettings, readScrapeFiles, settleExtra } from './extra';
import type { MonitorSettings, NamedPart, SystemPart } from './model';
import { isMap, treeOfEnvironment } from './settings-tree';

/** The settings of a monitor that nobody has set up. */
export const defaultMonitorSettings: MonitorSettings = {
  scrapeInterval: 5000,
  evaluationInterval: 5000,
  sampleLimit: 50_000,
  bodyLimit: 8 * 1024 * 1024,
  alertLimit: 200,
  networks: ['homeostat', 'proxy', 'monitor'],
  serviceTargetLabels: [],
  nodeTargetLabels: [],
  containers: 'exporter',
  exporter: { service: 'homeostat-monitor_exporter', port: 9101 },
  cadvisor: { service: 'homeostat-monitor_cadvisor', port: 8080 },
  nodeExporter: { service: 'homeostat-monitor_node-exporter', port: 9100 },
  proxy: { service: 'homeostat-proxy_proxy', port: 8404 },
  controller: { host: 'homeostat-controller', port: 7080 },
  prometheus: { host: 'tasks.homeostat-monitor_prometheus', port: 9090 },
  alertmanager: { host: 'tasks.homeostat-monitor_alertmanager', port: 9093 },
  alertmanagers: [],
  outside: [],
  extra: {},
  customShortcuts: {},
};

/** Texts of files that settings come from besides the environment. */
export interface MonitorFiles {
  /** The one that `HOMEOSTAT_MONITOR_CONFIGURATION` names, in the form of prometheus.yml. */
  configuration?: string;
  /** `scrape_*` in `CONFIGS_DIR`, by name. */
  scrapes?: Record<string, string>;
  /** The secrets `alertif-*` and `alertif_*`, by name. */
  shortcuts?: Record<string, string>;
}

/**
 * The settings of the monitor from environment variables: those of docker-flow-monitor under their names, and
 * `HOMEOSTAT_MONITOR_*` for what is new. A wrong value is a problem, and its default is used.
 */
export function monitorSettings(
  env: Record<string, string | undefined>,
  files: MonitorFiles = {},
): { settings: MonitorSettings; problems: SettingProblem[] } {
  const read = new SettingsReader(env);
  const defaults = defaultMonitorSettings;
  const tell = (variable: string, messages: string[]) =>
    read.problems.push(...messages.map((message) => ({ variable, message })));
  const fromEnvironment = treeOfEnvironment(env);
  read.problems.push(...fromEnvironment.problems);
  const file =
    files.configuration === undefined
      ? { extra: {}, problems: [] }
      : readExtraSettings(files.configuration, 'HOMEOSTAT_MONITOR_CONFIGURATION');
  tell('HOMEOSTAT_MONITOR_CONFIGURATION', file.problems);
  const scrapes = readScrapeFiles(files.scrapes ?? {});
  tell('CONFIGS_DIR', scrapes.problems);
  const { extra, problems } = settleExtra([
    fromEnvironment.tree,
    file.extra,
    scrapes.jobs.length > 0 ? { scrape_configs: scrapes.jobs } : {},
  ]);
  tell('HOMEOSTAT_MONITOR_CONFIGURATION', problems);
  const shortcuts = readCustomShortcuts(files.shortcuts ?? {});
  tell('alertif', shortcuts.problems);
  const global = isMap(extra.global) ? extra.global : {};
  const globalTime = (key: string) => (global[key] === undefined ? undefined : promDuration(String(global[key])));
  const settings: MonitorSettings = {
    ...defaults,
    scrapeInterval: globalTime('scrape_interval') ?? defaults.scrapeInterval,
    evaluationInterval: globalTime('evaluation_interval') ?? defaults.evaluationInterval,
    sampleLimit: read.whole('HOMEOSTAT_MONITOR_SAMPLE_LIMIT', 100, 10_000_000) ?? defaults.sampleLimit,
    bodyLimit: read.whole('HOMEOSTAT_MONITOR_BODY_LIMIT', 1000, 1_000_000_000) ?? defaults.bodyLimit,
    alertLimit: read.whole('HOMEOSTAT_MONITOR_ALERT_LIMIT', 1, 1_000_000) ?? defaults.alertLimit,
    networks: read.matching('HOMEOSTAT_MONITOR_NETWORKS', networkName, 'names of networks') ?? defaults.networks,
    serviceTargetLabels: read.list('DF_SCRAPE_TARGET_LABELS'),
    nodeTargetLabels: read.list('DF_NODE_TARGET_LABELS'),
    containers: read.choice('HOMEOSTAT_MONITOR_CONTAINERS', ['exporter', 'cadvisor']) ?? defaults.containers,
    exporter: systemPart(read, 'HOMEOSTAT_MONITOR_EXPORTER') ?? defaults.exporter,
    cadvisor: systemPart(read, 'HOMEOSTAT_MONITOR_CADVISOR') ?? defaults.cadvisor,
    nodeExporter: systemPart(read, 'HOMEOSTAT_MONITOR_NODE_EXPORTER') ?? defaults.nodeExporter,
    proxy: systemPart(read, 'HOMEOSTAT_MONITOR_PROXY') ?? defaults.proxy,
    controller: systemPart(read, 'HOMEOSTAT_MONITOR_CONTROLLER', named) ?? defaults.controller,
    prometheus: systemPart(read, 'HOMEOSTAT_MONITOR_PROMETHEUS', named) ?? defaults.prometheus,
    alertmanager: systemPart(read, 'HOMEOSTAT_MONITOR_ALERTMANAGER', named) ?? defaults.alertmanager,
    ...optional('registry', systemPart(read, 'HOMEOSTAT_MONITOR_REGISTRY', named)),
    ...optional('jobs', systemPart(read, 'HOMEOSTAT_MONITOR_JOBS', named)),
    ...optional('link', link(read)),
    alertmanagers: alertmanagers(read),
    outside: outside(read, env),
    extra,
    customShortcuts: shortcuts.shortcuts,
  };
  return { settings, problems: read.problems };
}

const networkName = /^[\w.-]{1,200}$/;

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}

const part = (service: string, port: number): SystemPart => ({ service, port });
const named = (host: string, port: number): NamedPart => ({ host, port });

/** `name:port` */
function systemPart(read: SettingsReader, variable: string): SystemPart | undefined;
function systemPart<Part>(
  read: SettingsReader,
  variable: string,
  make: (name: string, port: number) => Part,
): Part | undefined;
function systemPart(
  read: SettingsReader,
  variable: string,
  make: (name: string, port: number) => unknown = part,
): unknown {
  const value = read.text(variable);
  if (value === undefined) return undefined;
  const [, name, port] = /^([\w.-]{1,253}):(\d{1,5})$/.exec(value) ?? [];
  if (name !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return make(name, Number(port));
  return read.refuse(variable, value, 'name:port');
}

function link(read: SettingsReader): string | undefined {
  const value = read.text('HOMEOSTAT_MONITOR_LINK');
  if (value === undefined || /^https?:\/\/\S+$/.test(value)) return value;
  return read.refuse(
    'HOMEOSTAT_MONITOR_LINK',
    value,
    'a URL, such as https://grafana.example.com/d/services?var-service={service}',
  );
}

/** Docker Flow's list of URLs. */
function alertmanagers(read: SettingsReader): string[] {
  const urls = read.list('ARG_ALERTMANAGER_URL');
  const wrong = urls.find((url) => !/^https?:\/\/[^\s?#]+$/.test(url) || !URL.canParse(url));
  if (wrong === undefined) return urls;
  read.problems.push({
    variable: 'ARG_ALERTMANAGER_URL',
    message: 'ARG_ALERTMANAGER_URL has an item that is no URL; allowed is a list such as http://alertmanager:9093',
  });
  return [];
}

/** `SCRAPE_PORT_1` with `SERVICE_NAME_1`, and so on. */
function outside(read: SettingsReader, env: Record<string, string | undefined>): MonitorSettings['outside'] {
  const numbers = Object.keys(env).flatMap((name) => /^SCRAPE_PORT_(\d{1,4})$/.exec(name)?.[1] ?? []);
  return numbers
    .sort((a, b) => Number(a) - Number(b))
    .flatMap((number) => {
      const port = read.whole(`SCRAPE_PORT_${number}`, 1, 65_535);
      const name = read.text(`SERVICE_NAME_${number}`);
      if (port === undefined) return [];
      if (name !== undefined && /^[\w.:[\]-]{1,253}$/.test(name)) return [{ name, port }];
      read.refuse(`SERVICE_NAME_${number}`, name ?? '', 'the host that SCRAPE_PORT with the same number is for');
      return [];
    });
}
