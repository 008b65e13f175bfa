import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { contentHash } from './credentials';
import { gitHosts } from './job-list';
import type { FileSecret } from './slack-settings';
import type { System } from './system-file';

/**
 * What the job server needs to sign in to the hosts of repositories, as files in its folder: keys and known hosts for ssh,
 * and one netrc for https.
 */
export async function gitSecrets(system: System, folder: string, { masker }: Context): Promise<FileSecret[]> {
  const secrets: FileSecret[] = [];
  const content = (file: string) => readFile(path.resolve(system.folder, file), 'utf8');
  const add = async (target: string, text: string, place?: string) => {
    await writeFile(path.join(folder, target), text, { mode: 0o600 });
    secrets.push({ target, file: target, hash: contentHash(text), ...(place === undefined ? {} : { path: place }) });
  };
  const logins: string[] = [];
  for (const { kind, host, user, secret, file, knownHostsFile } of gitHosts(system)) {
    const text = await content(file);
    masker.add(text.trim());
    if (kind === 'password') logins.push(`machine ${host} login ${user} password ${text.trim()}\n`);
    else await add(secret, text.endsWith('\n') ? text : `${text}\n`);
    if (knownHostsFile !== undefined) await add(`${secret}-known-hosts`, await content(knownHostsFile));
  }
  if (logins.length > 0) await add('netrc', logins.join(''), '/root/.netrc');
  return secrets;
}
