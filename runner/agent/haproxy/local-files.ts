/** Where the agent keeps what belongs to one machine. */
export interface LocalPaths {
  /** State of the servers, read when HAProxy starts. */
  state: string;
  /** Socket for people and programs in the container. */
  adminSocket: string;
}

/** Name of the second configuration file, beside the haproxy.cfg of the bundle. */
export const agentFile = 'agent.cfg';
/** The list of addresses that count as this machine's own. */
const localList = 'maps/local.lst';
/** By this the running process tells which configuration it has. */
export const revisionVariable = 'HOMEOSTAT_REVISION';

/** Files of a bundle with what only this machine knows. */
export function withLocalFiles(
  files: Record<string, string>,
  revision: string,
  paths: LocalPaths,
  gateways: string[],
  user: string | undefined,
): Record<string, string> {
  const list = files[localList];
  const configuration = [
    'global',
    `    setenv ${revisionVariable} ${revision}`,
    `    stats socket ${quoted(paths.adminSocket)} mode 600 level admin`,
    `    server-state-file ${quoted(paths.state)}`,
    ...(user === undefined ? [] : [`    user ${user}`, `    group ${user}`]),
  ];
  return {
    ...files,
    ...(list === undefined ? {} : { [localList]: lines([...list.split('\n'), ...gateways].filter(Boolean)) }),
    [agentFile]: lines(configuration),
  };
}

const lines = (all: string[]) => all.map((line) => `${line}\n`).join('');
/** In quotes as HAProxy reads them: `$` and `\` keep their meaning there. */
const quoted = (text: string) => `"${text.replace(/[\\"$]/g, '\\$&')}"`;
