import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fail } from '../common/errors';
import { siteProblems } from '../jenkins/configuration/site-problems';
import type { JenkinsSite } from '../jenkins/model';
import { administrator } from './administrator';
import { accessOf, gitHosts, jobList } from './job-list';
import type { Library } from './jenkins-library';
import { registryAddress, type SystemSettings } from './services';
import type { System } from './system-file';

/** Where people reach Jenkins: through the door, under its own domain. */
export const jenkinsDomain = ({ system }: Pick<SystemSettings, 'system'>): string => `jenkins.${system.domain}`;

const minute = 60_000;

/** What Jenkins is configured from, by system.yml. @throws SYSTEM_INVALID */
export function jenkinsSite(settings: SystemSettings, library: Library): JenkinsSite {
  const { system, httpPort } = settings;
  const { limits, jenkins } = system;
  const site: JenkinsSite = {
    url: `http://${jenkinsDomain(settings)}${httpPort === 80 ? '' : `:${httpPort}`}/`,
    adminAddress: jenkins.adminAddress,
    library: { ...library, ...credentialsOf(system, library.repository) },
    agents: { name: 'agent', count: jenkins.agents, label: jenkins.agentLabel, executors: limits.builds },
    jobs: jobList(settings),
    people: [
      { name: administrator, role: 'administer', secret: passwordSecret(administrator) },
      ...system.people.map(({ name, role, jobs }) => ({
        ...{ name, role, secret: passwordSecret(name) },
        ...(jobs ? { jobs } : {}),
      })),
    ],
    git: gitHosts(system).map(({ id, host, kind, user, secret }) => ({ id, host, kind, user, secret })),
    registry: {
      address: registryAddress(settings),
      user: system.registry?.user ?? 'homeostat',
      secret: 'registry-password',
    },
    keepBuilds: limits.keepBuilds,
    timeoutMinutes: Math.round(limits.timeout / minute),
    knownHosts: gitHosts(system).flatMap(({ knownHostsFile }) =>
      knownHostsFile === undefined ? [] : linesOf(path.resolve(system.folder, knownHostsFile)),
    ),
  };
  const problems = siteProblems(site);
  if (problems.length > 0)
    fail('SYSTEM_INVALID', 'Jenkins cannot be set up as system.yml says', { evidence: problems });
  return site;
}

function credentialsOf(system: System, repository: string): { credentials?: string } {
  const access = accessOf(system, repository);
  return access ? { credentials: access.id } : {};
}

/** Name of the secret with a person's password. */
export const passwordSecret = (name: string): string => `password-${name}`;

const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
