import type { Context } from '../common/context';
import { jenkinsFiles } from '../jenkins/configuration/files';
import { requiredSecrets } from '../jenkins/configuration/required-secrets';
import { jenkinsLibrary } from './jenkins-library';
import { jenkinsSite } from './jenkins-site';
import { jenkinsNodeLabels } from './jenkins-stack';
import type { SystemSettings } from './services';
import { officialJenkins } from './system-images';

/** What `--dry-run` tells of Jenkins: all of it, as nothing secret stands in any of the files. */
export interface JenkinsPlan {
  url: string;
  /** The official image that is pulled. */
  from: string;
  library: { repository: string; version: string };
  agents: { count: number; label: string; executors: number };
  /** Labels that this node is given where no node has them. */
  nodeLabels: string[];
  /** Names of the secrets, which are made once where nobody gives them. */
  secrets: string[];
  /** Texts of the files that it is configured from. */
  files: Record<string, string>;
}

/** @throws USAGE_INVALID where it is not known where the library is */
export async function planJenkins(settings: SystemSettings, context: Context): Promise<JenkinsPlan> {
  const site = jenkinsSite(settings, await jenkinsLibrary(settings, context));
  const { count, label, executors } = site.agents;
  return {
    url: site.url,
    from: officialJenkins(settings),
    library: { repository: site.library.repository, version: site.library.version },
    agents: { count, label, executors },
    nodeLabels: jenkinsNodeLabels,
    secrets: requiredSecrets(site).map(({ name }) => name),
    files: jenkinsFiles(site),
  };
}
