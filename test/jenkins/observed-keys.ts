/**
 * Names of permissions that Jenkins was seen to accept; a wrong one keeps it from starting. Of Job/Cancel only the right was
 * seen, not its name in a file.
 */
export const permissions = new Set([
  'Overall/Administer',
  'Overall/Read',
  'Agent/Connect',
  'Job/Read',
  'Job/Build',
  'Job/Cancel',
]);

type Shape = 'text' | 'secret' | 'number' | 'boolean' | 'permission' | Shape[] | { [key: string]: Shape };

const gitSource: Shape = { remote: 'text', credentialsId: 'text' };

/** The keys that a Jenkins was seen to accept, with what stood there; any other key keeps it from starting. */
export const observed: Shape = {
  jenkins: {
    numExecutors: 'number',
    quietPeriod: 'number',
    slaveAgentPort: 'number',
    noUsageStatistics: 'boolean',
    crumbIssuer: { standard: { excludeClientIPFromCrumb: 'boolean' } },
    securityRealm: { local: { allowsSignup: 'boolean', users: [{ id: 'text', name: 'text', password: 'secret' }] } },
    authorizationStrategy: { projectMatrix: { entries: [{ user: { name: 'text', permissions: ['permission'] } }] } },
    nodes: [
      {
        permanent: {
          name: 'text',
          labelString: 'text',
          remoteFS: 'text',
          numExecutors: 'number',
          mode: 'text',
          retentionStrategy: 'text',
          launcher: { inbound: { webSocket: 'boolean' } },
        },
      },
    ],
  },
  unclassified: {
    location: { url: 'text', adminAddress: 'text' },
    globalLibraries: {
      libraries: [
        {
          name: 'text',
          defaultVersion: 'text',
          implicit: 'boolean',
          allowVersionOverride: 'boolean',
          includeInChangesets: 'boolean',
          retriever: { modernSCM: { scm: { git: gitSource } } },
        },
      ],
    },
  },
  credentials: {
    system: {
      domainCredentials: [
        {
          credentials: [
            {
              usernamePassword: { scope: 'text', id: 'text', username: 'text', password: 'secret' },
              basicSSHUserPrivateKey: {
                scope: 'text',
                id: 'text',
                username: 'text',
                privateKeySource: { directEntry: { privateKey: 'secret' } },
              },
            },
          ],
        },
      ],
    },
  },
  security: {
    globalJobDslSecurityConfiguration: { useScriptSecurity: 'boolean' },
    scriptApproval: { forceSandbox: 'boolean' },
    gitHostKeyVerificationConfiguration: {
      sshHostKeyVerificationStrategy: {
        acceptFirstConnectionStrategy: {},
        // Not observed: from the plugin's own example.
        manuallyProvidedKeyVerificationStrategy: { approvedHostKeys: 'text' },
      },
    },
  },
  jobs: [{ file: 'text' }],
};

/** What is not as it was observed. */
export function strange(value: unknown, shape: Shape, at = ''): string[] {
  if (shape === 'secret')
    return typeof value === 'string' && /^\$\{(readFile:\/run\/secrets\/)?[A-Za-z0-9._-]+\}$/.test(value) ? [] : [at];
  if (shape === 'permission') return permissions.has(value as string) ? [] : [`${at}: ${String(value)}`];
  if (shape === 'text') return typeof value === 'string' ? [] : [at];
  if (typeof shape === 'string') return typeof value === shape ? [] : [at];
  if (Array.isArray(shape))
    return Array.isArray(value)
      ? value.flatMap((each, index) => strange(each, shape[0]!, `${at}[${index}]`))
      : [`${at}: no list`];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at}: no mapping`];
  return Object.entries(value).flatMap(([key, inner]) =>
    Object.hasOwn(shape, key) ? strange(inner, shape[key]!, `${at}.${key}`) : [`${at}.${key} is unknown`],
  );
}
