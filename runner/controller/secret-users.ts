import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../common/errors';
import type { SecretUser } from './model';

type Users = { users: SecretUser[] } | { problem: string };

/** Users of the secrets `dfp_users_<name>`, as far as this container has them. */
export interface SecretUsers {
  of(name: string): Users;
  /** The same as long as they are. */
  fingerprint: string;
}

const prefix = 'dfp_users_';
const legalName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const longest = 256 * 1024;

/** Reads the user secrets of the folder in which the Swarm puts secrets. */
export async function readSecretUsers(folder: string): Promise<SecretUsers> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith(prefix));
  const entries = names.map(async (name): Promise<[string, Users]> => {
    try {
      return [name.slice(prefix.length), parseUsers(await readFile(path.join(folder, name), 'utf8'))];
    } catch (error) {
      return [name.slice(prefix.length), { problem: `the secret ${name} cannot be read: ${messageOf(error)}` }];
    }
  });
  const known = new Map(await Promise.all(entries));
  return {
    fingerprint: createHash('sha256')
      .update(JSON.stringify([...known]))
      .digest('base64'),
    of: (name) =>
      !legalName.test(name)
        ? { problem: `'${name.slice(0, 40)}' is not a name: letters, digits, dots, dashes and underscores are allowed` }
        : (known.get(name) ?? {
            problem: `the controller does not have the secret ${prefix}${name}; create it and give it to the controller`,
          }),
  };
}

/** `name:password`, one a line or separated by commas. No message holds any of it. */
export function parseUsers(text: string): Users {
  if (text.length > longest) return { problem: `a secret of users is longer than ${longest / 1024} kB` };
  const items = text
    .split(/[\r\n,]+/)
    .map((item) => item.trim())
    .filter(Boolean);
  const users = items.map((item) => {
    const at = item.indexOf(':');
    return { name: item.slice(0, Math.max(at, 0)), password: item.slice(at + 1) };
  });
  const wrong = users.findIndex(({ name, password }) => !/^[^\s"'\\]{1,200}$/.test(name) || password === '');
  if (wrong >= 0) return { problem: `entry ${wrong + 1} of its secret of users is not name:password` };
  return users.length > 0 ? { users } : { problem: 'its secret of users is empty' };
}
