import { configurationOf } from './as-code';
import { jobsData } from './jobs-data';
import { requiredSecrets } from './required-secrets';
import type { JenkinsSite } from '../model';
import { yamlText } from './yaml-text';

/** The files that a Jenkins of the system is configured from, by their name below /etc/homeostat of its container. */
export function jenkinsFiles(site: JenkinsSite): Record<JenkinsFile, string> {
  return {
    'jenkins.yaml': yamlText(configurationOf(site)),
    'jobs.json': `${JSON.stringify(jobsData(site), null, 2)}\n`,
    'secrets.txt': requiredSecrets(site)
      .map(({ kind, name }) => `${kind} ${name}\n`)
      .join(''),
  };
}

export type JenkinsFile = 'jenkins.yaml' | 'jobs.json' | 'secrets.txt';
