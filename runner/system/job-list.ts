import { plainBranches, repositoryKey } from '../common/repository';
import type { GitAccess, SystemJob } from '../jenkins/model';
import { alertmanagerAddress } from './controller-environment';
import { exampleName, exampleRepository } from './example';
import { scaleJob } from './scale-job';
import type { SystemSettings } from './services';
import type { System } from './system-file';
import { jobNameOf } from './system-relations';

/** The jobs of this system, from which both engines are configured: the example's, scaling, and one for each repository. */
export function jobList({ folder, system }: SystemSettings): SystemJob[] {
  return [
    {
      kind: 'pipeline',
      name: exampleName,
      description: 'The example service',
      repository: exampleRepository(folder).url,
      branches: ['main'],
      script: 'Jenkinsfile',
    },
    {
      kind: 'command',
      name: scaleJob,
      description: 'Scales a service within its limits; Alertmanager asks for it',
      command: 'scale',
      step: 'serviceScale',
      environment: { HOMEOSTAT_ALERTMANAGER: alertmanagerAddress },
      parameters: {
        service: 'Name of the Swarm service',
        scale: 'up, down, a number of replicas, or how many more or fewer: +2, -1',
        by: 'For up and down: replicas or a percentage, instead of what the labels say',
        id: 'The same id twice is one request',
        at: 'When the alert was sent; what is old counts no more',
      },
    },
    ...system.repositories.map((repository): SystemJob => {
      const access = accessOf(system, repository.url);
      return {
        kind: 'pipeline',
        name: jobNameOf(repository),
        description: repository.description ?? `The repository ${repository.url}`,
        repository: repository.url,
        branches: plainFirst(repository.branches),
        script: repository.jenkinsfile,
        ...(access ? { credentials: access.id } : {}),
      };
    }),
  ];
}

const plainFirst = (branches: string[]) => {
  const plain = plainBranches(branches);
  return [...plain, ...branches.filter((branch) => !plain.includes(branch))];
};

/** How a host of repositories is signed in to, and the file of system.yml with what is secret. */
export type GitHost = GitAccess & { file: string; knownHostsFile?: string };

/** The hosts of repositories that need signing in. */
export const gitHosts = ({ gitHosts: hosts }: System): GitHost[] =>
  hosts.map(({ host, user, passwordFile, keyFile, knownHostsFile }): GitHost => {
    const id = `git-${host.replaceAll('.', '-')}`;
    return {
      ...{ id, host, secret: id, file: (passwordFile ?? keyFile)!, user: user ?? 'git' },
      kind: passwordFile === undefined ? 'key' : 'password',
      ...(knownHostsFile === undefined ? {} : { knownHostsFile }),
    };
  });

/** How the host of a repository is signed in to: with a key by ssh, with a password by http. */
export function accessOf(system: System, url: string): GitHost | undefined {
  const kind = /^https?:/.test(url) ? 'password' : 'key';
  const [host] = repositoryKey(url).split('/');
  return gitHosts(system).find((access) => access.host === host && access.kind === kind);
}
