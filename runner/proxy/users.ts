import type { User } from '../labels/description';
import type { ProxiedService, ProxySettings } from './model';
import { marker, quote, section } from './text';

/** Name of the list of users whose password a service wants; undefined where everybody may come in. */
export function usersList(service: ProxiedService, settings: ProxySettings): string | undefined {
  if (asksItself(service)) return `${service.description.name}:users`;
  return settings.users.length > 0 ? 'homeostat:users' : undefined;
}

const asksItself = ({ description: { proxy } }: ProxiedService) =>
  proxy.users.length > 0 || (proxy.userNames ?? []).length > 0 || proxy.usersSecret !== undefined;

/** The lists of users: the one for everybody, and those of services. */
export function usersLines(services: ProxiedService[], settings: ProxySettings): string[] {
  return [
    ...(settings.users.length > 0 ? section('userlist homeostat:users', settings.users.map(userLine)) : []),
    ...services
      .filter(asksItself)
      .flatMap((service) => [
        marker(service.description.name),
        ...section(`userlist ${service.description.name}:users`, usersOf(service, settings).map(userLine)),
      ]),
  ];
}

/** A service's users, each once: passwords of its labels before those of its secret before the proxy's. */
function usersOf({ description: { proxy }, secretUsers = [] }: ProxiedService, settings: ProxySettings): User[] {
  const { users, userNames = [], usersEncrypted } = proxy;
  const secret = secretUsers.map((user) => ({ ...user, encrypted: usersEncrypted }));
  const found = new Map(users.map((user) => [user.name, user]));
  for (const name of userNames) {
    const known = [...secret, ...settings.users].find((user) => user.name === name);
    if (known && !found.has(name)) found.set(name, known);
  }
  // A secret without names beside it lets in all whom it names.
  if (userNames.length === 0) for (const user of secret) if (!found.has(user.name)) found.set(user.name, user);
  return [...found.values()];
}

const userLine = ({ name, password, encrypted }: User) =>
  `user ${quote(name)} ${encrypted ? 'password' : 'insecure-password'} ${quote(password)}`;
