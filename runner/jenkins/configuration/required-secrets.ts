import type { JenkinsSite } from '../model';
import { hookSecret, machineUsers } from './machine-users';

/** A secret without which Jenkins must not start: it would take an empty text for what is missing, and say nothing. */
export interface RequiredSecret {
  /** What its text has to look like: `token` is `11` and 32 hexadecimal digits, `key` is a private key for ssh. */
  kind: 'password' | 'token' | 'key' | 'hook';
  name: string;
}

/** Every secret that Jenkins' container has to have, each once. */
export function requiredSecrets({ people, git, registry }: JenkinsSite): RequiredSecret[] {
  const all: RequiredSecret[] = [
    ...machineUsers.map(({ secret }) => ({ kind: 'token' as const, name: secret })),
    { kind: 'hook', name: hookSecret },
    { kind: 'password', name: registry.secret },
    ...people.map(({ secret }) => ({ kind: 'password' as const, name: secret })),
    ...git.map(({ kind, secret }) => ({ kind, name: secret })),
  ];
  return [...new Map(all.map((secret) => [`${secret.kind} ${secret.name}`, secret])).values()];
}
