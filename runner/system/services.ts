import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { authEntry, changeDockerLogin, contentHash, registryLogin, type RegistryLogin } from './credentials';
import { gitSecrets } from './git-secrets';
import { withSecrets } from './slack-settings';
import { nodeId, startStack } from './start-stack';
import { addToState, including } from './state';
import type { System } from './system-file';

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
  /** What system.yml says. */
  system: System;
}

/** Folder of the operator's own files, which controller and Alertmanager see as /site. */
export const siteFolder = ({ folder }: SystemSettings): string => path.join(folder, 'site');

/** Folder of the secrets of the controller and of those who ask it. */
export const controllerFolder = (folder: string): string => path.join(folder, 'controller');

export const registryStack = 'homeostat-registry';
export const jobsStack = 'homeostat-jobs';

/** The registry that images are pushed to: that of system.yml, else the cluster's own. */
export const registryAddress = ({ registryPort, system }: Pick<SystemSettings, 'registryPort' | 'system'>) =>
  system.registry?.address ?? `127.0.0.1:${registryPort}`;

/** How the registry is signed in to; the password is made known to the masker. */
export async function registryAccess({ folder, system }: SystemSettings, context: Context): Promise<RegistryLogin> {
  if (!system.registry) return (await registryLogin(path.join(folder, 'registry'), context)).login;
  const { user, passwordFile } = system.registry;
  const password = (await readFile(path.resolve(system.folder, passwordFile), 'utf8')).trim();
  context.masker.add(password);
  return { user, password };
}

/** Signs this machine in to the registry, as `docker login` does. */
export async function signIn(settings: SystemSettings, context: Context): Promise<void> {
  const address = registryAddress(settings);
  await addToState(settings.folder, (state) => ({ ...state, logins: including(state.logins, address) }));
  await changeDockerLogin(address, await registryAccess(settings, context), context);
}

/** The docker configuration of who pushes images, as a text. */
export async function dockerConfiguration(settings: SystemSettings, context: Context): Promise<string> {
  const login = await registryAccess(settings, context);
  return JSON.stringify({ auths: { [registryAddress(settings)]: authEntry(login) } });
}

/** Starts the registry as a Swarm service, with credentials of its own. */
export async function startRegistry(
  engine: Engine,
  image: string,
  settings: SystemSettings,
  context: Context,
): Promise<void> {
  const folder = path.join(settings.folder, 'registry');
  const { htpasswd } = await registryLogin(folder, context);
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
}

/** Starts the job server as a Swarm service that serves the jobs of `jobs.yml`. */
export async function startJobs(
  engine: Engine,
  image: string,
  jobs: string,
  settings: SystemSettings,
  context: Context,
): Promise<void> {
  const folder = path.join(settings.folder, 'job-server');
  const data = path.join(settings.folder, 'jobs');
  for (const each of [folder, data, path.join(settings.folder, 'git')]) await mkdir(each, { recursive: true });
  await chmod(folder, 0o700);
  await chmod(data, 0o700);
  const dockerConfig = await dockerConfiguration(settings, context);
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
  const secrets = await gitSecrets(settings.system, folder, context);
  const adapt = (content: string) => withSecrets(content, 'jobs', secrets);
  await startStack(
    engine,
    { stack: jobsStack, images: { jobs: image }, variables, folder, adapt },
    settings.folder,
    context,
  );
}
