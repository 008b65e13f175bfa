import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { controllerSecrets } from './controller-secrets';
import { contentHash } from './credentials';
import { controllerFolder, type SystemSettings } from './services';
import { slackSettings, withSecrets } from './slack-settings';
import { nodeId, startStack } from './start-stack';

export const monitorStack = 'homeostat-monitor';

/** Labels on the services of Prometheus and of Alertmanager. */
export const prometheusLabel = 'com.homeostat.prometheus';
export const alertmanagerLabel = 'com.homeostat.alertmanager';

export interface MonitorImages {
  runner: string;
  monitor: string;
}

/** File with the token by which Alertmanager asks the job server. */
export const jobsTokenFile = (folder: string): string => path.join(controllerFolder(folder), 'alertmanager-token');

/**
 * Starts Prometheus, Alertmanager and, on every node, the exporters. Alertmanager asks the job server with the token in
 * its file. The first two count as started when they serve a configuration.
 */
export async function startMonitor(
  engine: Engine,
  { runner, monitor }: MonitorImages,
  settings: SystemSettings,
  context: Context,
): Promise<void> {
  const folder = controllerFolder(settings.folder);
  const secrets = await controllerSecrets(folder, context);
  const jobsToken = await readFile(jobsTokenFile(settings.folder), 'utf8');
  const variables = {
    RUNNER_IMAGE: runner,
    MONITOR_IMAGE: monitor,
    STATE: settings.folder,
    PROMETHEUS_PORT: String(settings.prometheusPort),
    ALERTMANAGER_PORT: String(settings.alertmanagerPort),
    AGENT_TOKEN_HASH: contentHash(secrets.agentToken),
    READER_TOKEN_HASH: contentHash(secrets.readerToken),
    CERTIFICATE_HASH: contentHash(secrets.certificate),
    JOBS_TOKEN_HASH: contentHash(jobsToken),
    NODE_ID: await nodeId(engine, context),
  };
  const images = { prometheus: monitor, alertmanager: monitor, exporter: runner, 'node-exporter': monitor };
  const slack = await slackSettings(folder, settings.system, context);
  const adapt = (content: string) => withSecrets(content, 'alertmanager', slack.alertmanager);
  await startStack(engine, { stack: monitorStack, images, variables, folder, adapt }, settings.folder, context);
}
