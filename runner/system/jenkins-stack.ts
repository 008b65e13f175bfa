import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import type { Engine } from '../common/engine';
import { jenkinsFiles } from '../jenkins/configuration/files';
import { alertmanagerUser, hookSecret } from '../jenkins/configuration/machine-users';
import { requiredSecrets } from '../jenkins/configuration/required-secrets';
import type { JenkinsSite } from '../jenkins/model';
import { withRequiredSecrets } from '../jenkins/stack-secrets';
import { contentHash } from './credentials';
import { copyLibrary, jenkinsLibrary } from './jenkins-library';
import { administrator } from './administrator';
import { jenkinsDomain, jenkinsSite, passwordSecret } from './jenkins-site';
import { gitHosts } from './job-list';
import { gitTokenFile, homeostatTokenFile, personFile, tokenOf } from './job-tokens';
import { jobsTokenFile } from './monitor';
import { labelNode } from './node-labels';
import { dockerConfiguration, registryAccess, type SystemSettings } from './services';
import { startStack } from './start-stack';
import { jenkinsStack } from './switch-engine';

/** Labels of the nodes on which Jenkins and its agents run. */
export const jenkinsNodeLabels = ['homeostat.jenkins', 'homeostat.agent'];

/** Milliseconds: Jenkins unpacks its plugins when it starts for the first time. */
const startLimit = 300_000;

export interface JenkinsImages {
  jenkins: string;
  agent: string;
}

/** Folder of what Jenkins is configured from. */
export const jenkinsFolder = (folder: string): string => path.join(folder, 'jenkins');

/** Starts Jenkins and its agents; it counts as started when it has taken its configuration. */
export async function startJenkins(
  engine: Engine,
  images: JenkinsImages,
  settings: SystemSettings,
  context: Context,
): Promise<void> {
  const folder = jenkinsFolder(settings.folder);
  const library = await jenkinsLibrary(settings, context);
  const site = jenkinsSite(settings, library);
  await copyLibrary(settings, library, context);
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  await mkdir(path.join(settings.folder, 'git'), { recursive: true });
  const secrets = await secretTexts(site, settings, context);
  const files = { ...jenkinsFiles(site), 'docker-config.json': await dockerConfiguration(settings, context) };
  for (const [name, text] of Object.entries({ ...files, ...secrets }))
    await writeFile(path.join(folder, name), text, { mode: 0o600 });
  const hashes = Object.fromEntries(Object.entries(secrets).map(([name, text]) => [name, contentHash(text)]));
  for (const label of jenkinsNodeLabels) await labelNode(engine, label, settings.folder, context);
  const variables = {
    JENKINS_IMAGE: images.jenkins,
    AGENT_IMAGE: images.agent,
    STATE: settings.folder,
    JOBS_PORT: String(settings.jobsPort),
    JENKINS_DOMAIN: jenkinsDomain(settings),
    MEMORY: settings.system.jenkins.memory,
    AGENT_NAME: site.agents.name,
    AGENTS: String(site.agents.count),
    CONFIGURATION_HASH: contentHash(files['jenkins.yaml']),
    JOBS_HASH: contentHash(files['jobs.json']),
    SECRETS_HASH: contentHash(files['secrets.txt']),
    ALERTMANAGER_TOKEN_HASH: hashes[alertmanagerUser.secret]!,
    AGENT_TOKEN_HASH: hashes['agent-token']!,
    HOMEOSTAT_TOKEN_HASH: hashes['homeostat-token']!,
    GIT_HOOK_TOKEN_HASH: hashes[hookSecret]!,
    DOCKER_CONFIG_HASH: contentHash(files['docker-config.json']),
  };
  await startStack(
    engine,
    {
      ...{ stack: jenkinsStack, variables, folder, limit: startLimit },
      images: { controller: images.jenkins, agent: images.agent },
      adapt: (content) => withRequiredSecrets(content, requiredSecrets(site), hashes),
    },
    settings.folder,
    context,
  );
}

/** The text of each secret that Jenkins has to have, by its name; those that nobody gives are made once. */
async function secretTexts(
  site: JenkinsSite,
  settings: SystemSettings,
  context: Context,
): Promise<Record<string, string>> {
  const { folder, system } = settings;
  const sources: Record<string, () => Promise<string>> = {
    [alertmanagerUser.secret]: () => tokenOf({ file: jobsTokenFile(folder) }, context),
    'homeostat-token': () => tokenOf({ file: homeostatTokenFile(folder) }, context),
    'agent-token': () => tokenOf({ file: path.join(jenkinsFolder(folder), 'agent-token') }, context),
    [hookSecret]: () => tokenOf({ file: gitTokenFile(folder) }, context),
    [site.registry.secret]: async () => (await registryAccess(settings, context)).password,
  };
  for (const { secret, file } of gitHosts(system))
    sources[secret] = () => readFile(path.resolve(system.folder, file), 'utf8');
  for (const name of [administrator, ...system.people.map((person) => person.name)])
    sources[passwordSecret(name)] = () => passwordOf(personFile(folder, name, 'password'));
  const texts: Record<string, string> = {};
  for (const { name } of requiredSecrets(site)) {
    texts[name] = await sources[name]!();
    context.masker.add(texts[name].trim());
  }
  return texts;
}

/** The password in that file, made once. */
async function passwordOf(file: string): Promise<string> {
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (kept) return kept;
  const password = randomBytes(18).toString('base64url');
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}
