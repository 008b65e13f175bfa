import type { GitAccess, JenkinsSite } from '../model';
import { SecretValue } from './secret-value';
import type { Value } from './yaml-text';

/** Id of the credentials of the registry that images are pushed to. */
export const registryCredentials = 'registry';

/** What builds sign in with, by ids that jobs name. */
export const credentialsOf = ({ registry, git }: JenkinsSite): Value[] => [
  withPassword(registryCredentials, registry.user, registry.secret),
  ...git.map(gitCredentials),
];

function gitCredentials(access: GitAccess): Value {
  const { id, user, secret } = access;
  if (access.kind === 'password') return withPassword(id, user, secret);
  const privateKeySource = { directEntry: { privateKey: SecretValue.file(secret) } };
  return { basicSSHUserPrivateKey: { scope: 'GLOBAL', id, username: user, privateKeySource } };
}

const withPassword = (id: string, user: string, secret: string): Value => ({
  usernamePassword: { scope: 'GLOBAL', id, username: user, password: SecretValue.line(secret) },
});
