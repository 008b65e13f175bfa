import type { JenkinsSite } from '../model';
import type { Value } from './yaml-text';

/** Where agents keep workspaces, in their containers. */
export const agentFolder = '/var/lib/jenkins-agent';

/** Permanent agents that connect by themselves, over the port of Jenkins' pages. */
export const agentNodes = ({ agents: { name, count, label, executors } }: JenkinsSite): Value[] =>
  Array.from({ length: count }, (_, index) => ({
    permanent: {
      name: `${name}-${index + 1}`,
      labelString: label,
      remoteFS: agentFolder,
      numExecutors: executors,
      mode: 'NORMAL',
      retentionStrategy: 'always',
      launcher: { inbound: { webSocket: true } },
    },
  }));
