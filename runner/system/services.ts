import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { authEntry, changeDockerLogin, contentHash, registryLogin } from './credentials';
import { nodeId, startStack } from './start-stack';
import { addToState, including } from './state';

export interface SystemSettings {
  /** Folder that holds the system's files on this machine. */
  folder: string;
  registryPort: number;
  /** Ports of the door on every node. */
  httpPort: number;
  httpsPort: number;
  controllerPort: number;
  jobsPort: number;
  prometheusPort: number;
  alertmanagerPort: number;
}

/** Folder of the operator's own files, which controller and Alertmanager see as /site. */
export const siteFolder = ({ folder }: SystemSettings): string => path.join(folder, 'site');

export const registryStack = 'homeostat-registry';
export const jobsStack = 'homeostat-jobs';

export const registryAddress = ({ registryPort }: SystemSettings) => `127.0.0.1:${registryPort}`;

/** Starts the registry as a Swarm service, with credentials of its own that are also put into the docker configuration. */
export async function startRegistry(
  engine: Engine,
  image: string,
  settings: SystemSettings,
  context: Context,
): Promise<void> {
  const folder = path.join(settings.folder, 'registry');
  const { login, htpasswd } = await registryLogin(folder, context);
  const variables = {
    REGISTRY_IMAGE: image,
    REGISTRY_PORT: String(settings.registryPort),
    HTPASSWD_HASH: contentHash(htpasswd),
    NODE_ID: await nodeId(engine, context),
  };
  await startStack(
    engine,
    { stack: registryStack, images: { registry: image }, variables, folder },
    settings.folder,
    context,
  );
  const address = registryAddress(settings);
  await addToState(settings.folder, (state) => ({ ...state, logins: including(state.logins, address) }));
  await changeDockerLogin(address, login, context);
}

/** Starts the job server as a Swarm service that serves the jobs of `jobs.yml`. */
export async function startJobs(
  engine: Engine,
  image: string,
  jobs: string,
  settings: SystemSettings,
  context: Context,
): Promise<void> {
  const { login } = await registryLogin(path.join(settings.folder, 'registry'), context);
  const folder = path.join(settings.folder, 'job-server');
  const data = path.join(settings.folder, 'jobs');
  for (const each of [folder, data, path.join(settings.folder, 'git')]) await mkdir(each, { recursive: true });
  await chmod(folder, 0o700);
  await chmod(data, 0o700);
  const dockerConfig = JSON.stringify({ auths: { [registryAddress(settings)]: authEntry(login) } });
  await writeFile(path.join(folder, 'docker-config.json'), dockerConfig, { mode: 0o600 });
  await writeFile(path.join(settings.folder, 'jobs.yml'), jobs);
  const variables = {
    RUNNER_IMAGE: image,
    STATE: settings.folder,
    JOBS_PORT: String(settings.jobsPort),
    DOCKER_CONFIG_HASH: contentHash(dockerConfig),
    CONFIGURATION_HASH: contentHash(jobs),
    NODE_ID: await nodeId(engine, context),
  };
  await startStack(engine, { stack: jobsStack, images: { jobs: image }, variables, folder }, settings.folder, context);
}
