import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../common/context';
import { fail, messageOf } from '../common/errors';

/** A Jenkins, and as whom it is asked. */
export interface JenkinsAccess {
  url: string;
  user: string;
  token: string;
  /** Certificates of the authority that is believed besides the usual ones, as PEM. */
  authority?: string | undefined;
}

/**
 * The certificates of a file; none without one.
 * @throws USAGE_INVALID
 */
export async function readAuthority(file: string | undefined, { cwd }: Context): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = await readFile(path.resolve(cwd, file), 'utf8').catch((error: unknown) =>
    fail('USAGE_INVALID', `the certificates in ${file} cannot be read`, {
      cause: messageOf(error),
      remedy: 'Name a file that this user can read, with --ca-file or HOMEOSTAT_JENKINS_CA.',
    }),
  );
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  return fail('USAGE_INVALID', `${file} holds no certificate`, {
    remedy: 'Name the certificate of the authority as PEM, which begins with -----BEGIN CERTIFICATE-----.',
  });
}

/**
 * The token of a file, else that of HOMEOSTAT_JENKINS_TOKEN; empty without one. It is made known to the masker.
 * @throws USAGE_INVALID
 */
export async function readToken(file: string | undefined, { cwd, env, masker }: Context): Promise<string> {
  const text =
    file === undefined
      ? (env.HOMEOSTAT_JENKINS_TOKEN ?? '')
      : await readFile(path.resolve(cwd, file), 'utf8').catch((error: unknown) =>
          fail('USAGE_INVALID', `the token in ${file} cannot be read`, {
            cause: messageOf(error),
            remedy: 'Name a file that this user can read, with --token-file.',
          }),
        );
  const token = text.trim();
  if (token !== '') masker.add(token);
  return token;
}
