/** The rules of the system itself. */
export const systemRules = 'rules/homeostat.yml';

/** File of a service's rules. A name with a dot cannot be a service's, so the system's file is nobody's. */
export const fileOf = (service: string): string =>
  service === 'homeostat' ? 'rules/homeostat.service.yml' : `rules/${service}.yml`;

/** The service whose rules a file holds; undefined for the system's. */
export function serviceOfFile(path: string): string | undefined {
  if (path === systemRules) return undefined;
  return /^rules\/([\w.-]+?)(?:\.service)?\.yml$/.exec(path)?.[1];
}

/** Written by the agent, from what the controller tells; relative, so that promtool takes the folder wherever it lies. */
export const targetsFile = 'targets/services.json';

/** The reader's token: put there by the agent. */
export const controllerCredentials = 'credentials/controller';
