import type { JenkinsSite } from '../model';
import { agentNodes } from './agents';
import { credentialsOf } from './credentials';
import { machineUsers } from './machine-users';
import { globalRights } from './rights';
import { SecretValue } from './secret-value';
import type { Value } from './yaml-text';

/** Where the image has the scripts that make tokens and jobs. */
const scripts = '/usr/share/homeostat';

/** Jenkins' configuration, in the keys of Configuration as Code. Only keys that a Jenkins was seen to accept are used. */
export const configurationOf = (site: JenkinsSite): Value => ({
  jenkins: {
    numExecutors: 0,
    quietPeriod: 0,
    slaveAgentPort: -1,
    noUsageStatistics: true,
    crumbIssuer: { standard: { excludeClientIPFromCrumb: false } },
    securityRealm: { local: { allowsSignup: false, users: users(site) } },
    authorizationStrategy: {
      projectMatrix: {
        entries: globalRights(site).map(({ user, permissions }) => ({ user: { name: user, permissions } })),
      },
    },
    ...(site.agents.count > 0 ? { nodes: agentNodes(site) } : {}),
  },
  unclassified: {
    location: { url: site.url, adminAddress: site.adminAddress },
    globalLibraries: { libraries: [library(site)] },
  },
  credentials: { system: { domainCredentials: [{ credentials: credentialsOf(site) }] } },
  security: {
    globalJobDslSecurityConfiguration: { useScriptSecurity: true },
    scriptApproval: { forceSandbox: true },
    gitHostKeyVerificationConfiguration: { sshHostKeyVerificationStrategy: hostKeys(site) },
  },
  jobs: [{ file: `${scripts}/tokens.groovy` }, { file: `${scripts}/jobs.groovy` }],
});

const users = ({ people }: JenkinsSite): Value[] => [
  ...people.map(({ name, secret }) => ({ id: name, password: SecretValue.line(secret) })),
  ...machineUsers.map(({ name, fullName, secret }) => ({
    id: name,
    name: fullName,
    password: SecretValue.line(secret),
  })),
];

/** Trusted code, so no job chooses its version; and a push to it is no reason to build a service. */
const library = ({ library: { repository, version, credentials } }: JenkinsSite): Value => ({
  name: 'homeostat',
  defaultVersion: version,
  implicit: false,
  allowVersionOverride: false,
  includeInChangesets: false,
  retriever: {
    modernSCM: {
      scm: { git: { remote: repository, ...(credentials === undefined ? {} : { credentialsId: credentials }) } },
    },
  },
});

const hostKeys = ({ knownHosts }: JenkinsSite): Value =>
  knownHosts.length === 0
    ? { acceptFirstConnectionStrategy: {} }
    : { manuallyProvidedKeyVerificationStrategy: { approvedHostKeys: knownHosts.join('\n') } };
