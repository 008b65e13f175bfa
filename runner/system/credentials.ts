import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hash } from 'bcryptjs';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';
import { dockerConfigFile } from '../image/registry-auth';

export interface RegistryLogin {
  user: string;
  password: string;
}

const bcryptRounds = 10;

/** A short name for a content: a new content gets a new name, because Swarm secrets cannot be changed. */
export const contentHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** The registry's credentials, generated once; the password is known to nobody else and is made known to the masker. */
export async function registryLogin(
  folder: string,
  context: Context,
): Promise<{ login: RegistryLogin; htpasswd: string }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, 'login.json');
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  const login = kept
    ? (JSON.parse(kept) as RegistryLogin)
    : { user: 'homeostat', password: randomBytes(24).toString('base64url') };
  context.masker.add(login.password);
  const htpasswdFile = path.join(folder, 'htpasswd');
  if (!kept) {
    await writeFile(htpasswdFile, `${login.user}:${await hash(login.password, bcryptRounds)}\n`, { mode: 0o600 });
    await writeFile(file, `${JSON.stringify(login)}\n`, { mode: 0o600 });
  }
  return { login, htpasswd: await readFile(htpasswdFile, 'utf8') };
}

/** The `auths` entry of a docker configuration. */
export const authEntry = ({ user, password }: RegistryLogin) => ({
  auth: Buffer.from(`${user}:${password}`).toString('base64'),
});

interface DockerConfiguration {
  auths?: Record<string, object>;
}

/** Adds or removes a registry in the user's docker configuration, as `docker login` and `docker logout` do. */
export async function changeDockerLogin(
  address: string,
  login: RegistryLogin | undefined,
  context: Context,
): Promise<void> {
  const file = dockerConfigFile(context.env);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    return fail('REGISTRY_DENIED', `the docker configuration ${file} cannot be read`, { cause: messageOf(error) });
  });
  const configuration = JSON.parse(text) as DockerConfiguration;
  const { [address]: present, ...others } = configuration.auths ?? {};
  if (JSON.stringify(present) === JSON.stringify(login && authEntry(login))) return;
  const next = { ...configuration, auths: { ...others, ...(login ? { [address]: authEntry(login) } : {}) } };
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.homeostat`, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.homeostat`, file);
}
