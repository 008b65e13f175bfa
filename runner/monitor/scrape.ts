import { promTime } from './alerts/promql-text';
import { controllerCredentials, targetsFile } from './files';
import {
  alertmanagerJob,
  controllerJob,
  jobServerJob,
  outsideJob,
  prometheusJob,
  registryJob,
  targetsJob,
} from './job-names';
import type { MonitorSettings, NamedPart } from './model';
import type { YamlMap } from './settings-tree';

/** So soon is a changed address known. */
const refresh = '5s';

const byName = ({ host, port }: NamedPart): YamlMap => ({
  dns_sd_configs: [{ names: [host], type: 'A', port, refresh_interval: refresh }],
});

/** What Prometheus reads, but for what the operator adds. */
export function scrapeConfigs(settings: MonitorSettings): YamlMap[] {
  const { controller, registry, jobs, prometheus, alertmanager, outside } = settings;
  return [
    {
      job_name: targetsJob,
      file_sd_configs: [{ files: [targetsFile], refresh_interval: '30s' }],
      // One that answers without end harms itself only.
      sample_limit: settings.sampleLimit,
      body_size_limit: `${settings.bodyLimit}B`,
      label_limit: 128,
      label_value_length_limit: 8192,
    },
    {
      job_name: controllerJob,
      scheme: 'https',
      authorization: { credentials_file: controllerCredentials },
      // The certificate is the system's own; the token is of use to nobody who could stand in its place.
      tls_config: { insecure_skip_verify: true },
      ...byName(controller),
    },
    { job_name: prometheusJob, ...byName(prometheus) },
    { job_name: alertmanagerJob, ...byName(alertmanager) },
    ...(registry ? [{ job_name: registryJob, ...byName(registry) }] : []),
    ...(jobs ? [{ job_name: jobServerJob, ...byName(jobs) }] : []),
    ...(outside.length > 0
      ? [
          {
            job_name: outsideJob,
            sample_limit: settings.sampleLimit,
            body_size_limit: `${settings.bodyLimit}B`,
            static_configs: outside.map(({ name, port }) => ({
              targets: [`${name}:${port}`],
              labels: { job: name, service: name },
            })),
          },
        ]
      : []),
  ];
}

/** Whom Prometheus tells of alerts: the system's Alertmanagers, and the operator's. */
export function alertmanagerConfigs({ alertmanager, alertmanagers }: MonitorSettings): YamlMap[] {
  const others = alertmanagers.map((each): YamlMap => {
    const url = new URL(each);
    const path = url.pathname.replace(/\/$/, '');
    return {
      scheme: url.protocol.slice(0, -1),
      ...(path === '' ? {} : { path_prefix: path }),
      ...(url.username === ''
        ? {}
        : {
            basic_auth: { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
          }),
      static_configs: [
        { targets: [url.port === '' ? `${url.hostname}:${url.protocol === 'https:' ? 443 : 80}` : url.host] },
      ],
    };
  });
  return [{ ...byName(alertmanager) }, ...others];
}

/** Section `global`, but for what the operator sets. */
export const globalSettings = ({ scrapeInterval, evaluationInterval }: MonitorSettings): YamlMap => ({
  scrape_interval: promTime(scrapeInterval),
  evaluation_interval: promTime(evaluationInterval),
});
