import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { fail } from '../common/errors';
import { findService } from '../swarm/services';
import { tryPort } from './checks/ports';
import { controllerEnvironment } from './controller-environment';
import { controllerSecrets } from './controller-secrets';
import { contentHash } from './credentials';
import { homeostatTokenFile, homeostatTokenName, tokenOf } from './job-tokens';
import { controllerFolder, siteFolder, type SystemSettings } from './services';
import { slackSettings, withSecrets, type FileSecret } from './slack-settings';
import { nodeId, startStack } from './start-stack';
import type { System } from './system-file';

export const controllerStack = 'homeostat-controller';
export const proxyStack = 'homeostat-proxy';

/** Where the status page is reached: on the node itself, and from everywhere under a domain of one's own. */
const pageVariables = ({ domain }: System) => ({
  PAGE_DOMAINS: [...new Set(['homeostat.localhost', `homeostat.${domain}`])].join(','),
  PAGE_FROM: domain === 'localhost' ? 'local' : '0.0.0.0/0,::/0',
});

/** Starts the controller as a Swarm service. */
export async function startController(
  engine: Engine,
  image: string,
  settings: SystemSettings,
  context: Context,
): Promise<void> {
  const folder = controllerFolder(settings.folder);
  const secrets = await controllerSecrets(folder, context);
  await mkdir(siteFolder(settings), { recursive: true, mode: 0o700 });
  const slack = await slackSettings(folder, settings.system, context);
  const jenkins = settings.system.engine === 'jenkins' ? [await jenkinsSecret(settings.folder, context)] : [];
  const environment = await controllerEnvironment(settings, slack.environment);
  await writeFile(path.join(folder, 'environment'), environment, { mode: 0o600 });
  const variables = {
    RUNNER_IMAGE: image,
    STATE: settings.folder,
    CONTROLLER_PORT: String(settings.controllerPort),
    ...pageVariables(settings.system),
    AGENT_TOKEN_HASH: contentHash(secrets.agentToken),
    READER_TOKEN_HASH: contentHash(secrets.readerToken),
    WRITER_TOKEN_HASH: contentHash(secrets.writerToken),
    CERTIFICATE_HASH: contentHash(secrets.certificate),
    KEY_HASH: contentHash(secrets.key),
    STORE_KEY_HASH: contentHash(secrets.storeKey),
    NODE_ID: await nodeId(engine, context),
  };
  await startStack(
    engine,
    {
      ...{ stack: controllerStack, images: { controller: image }, variables, folder },
      adapt: (content) => withSecrets(content, 'controller', [...slack.controller, ...jenkins]),
    },
    settings.folder,
    context,
  );
}

/** By which the controller releases the inputs of builds that wait for an approval. */
const jenkinsSecret = async (folder: string, context: Context): Promise<FileSecret> => ({
  target: 'dfp_homeostat_jenkins_token',
  file: homeostatTokenName,
  hash: contentHash(await tokenOf({ file: homeostatTokenFile(folder) }, context)),
});

/** @throws PORT_TAKEN when another program on this machine listens where the proxy is to */
async function requireFreePorts(engine: Engine, settings: SystemSettings, context: Context): Promise<void> {
  if (await findService(engine, `${proxyStack}_proxy`, context)) return;
  const options: [string, number][] = [
    ['--http-port', settings.httpPort],
    ['--https-port', settings.httpsPort],
    ['--registry-port', settings.registryPort],
    ['--controller-port', settings.controllerPort],
    ['--jobs-port', settings.jobsPort],
    ['--prometheus-port', settings.prometheusPort],
    ['--alertmanager-port', settings.alertmanagerPort],
  ];
  for (const [option, port] of options)
    if ((await tryPort(port)) === 'in use')
      fail('PORT_TAKEN', `another program listens on port ${port} of this machine`, {
        remedy: `End it (\`ss -ltnp\` tells which it is), or choose another port with ${option}.`,
      });
}

/** Starts the proxy on every node; it counts as started when it serves a configuration. */
export async function startProxy(
  engine: Engine,
  image: string,
  settings: SystemSettings,
  context: Context,
): Promise<void> {
  await requireFreePorts(engine, settings, context);
  const folder = controllerFolder(settings.folder);
  const secrets = await controllerSecrets(folder, context);
  const variables = {
    PROXY_IMAGE: image,
    HTTP_PORT: String(settings.httpPort),
    HTTPS_PORT: String(settings.httpsPort),
    REGISTRY_PORT: String(settings.registryPort),
    CONTROLLER_PORT: String(settings.controllerPort),
    JOBS_PORT: String(settings.jobsPort),
    PROMETHEUS_PORT: String(settings.prometheusPort),
    ALERTMANAGER_PORT: String(settings.alertmanagerPort),
    AGENT_TOKEN_HASH: contentHash(secrets.agentToken),
    CERTIFICATE_HASH: contentHash(secrets.certificate),
  };
  await startStack(
    engine,
    { stack: proxyStack, images: { proxy: image }, variables, folder },
    settings.folder,
    context,
  );
}
