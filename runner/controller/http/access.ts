import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import type { Context } from '../../common/context';
import { fail, messageOf } from '../../common/errors';

/** Agents pull bundles, readers read, writers also change what the controller keeps. */
export type Role = 'agent' | 'reader' | 'writer';

/** Shorter ones could be guessed. */
const shortest = 16;

/** The tokens by which the controller knows who asks. */
export class Access {
  private readonly hashes: [Role, Buffer][];

  constructor(tokens: Partial<Record<Role, string>>) {
    this.hashes = (Object.entries(tokens) as [Role, string][]).map(([role, token]) => [role, hashOf(token)]);
  }

  /** The role of who sends this request; undefined without a token or with a wrong one, after the same time for each. */
  roleOf(request: IncomingMessage): Role | undefined {
    const token = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const hash = hashOf(token);
    let found: Role | undefined;
    for (const [role, own] of this.hashes) if (timingSafeEqual(own, hash)) found = role;
    return token === '' ? undefined : found;
  }
}

const hashOf = (token: string) => createHash('sha256').update(token).digest();

/**
 * Reads the tokens from their files, and makes them known to the masker.
 * @throws SECRET_MISSING
 */
export async function readAccess(
  files: Record<'agent' | 'reader', string> & { writer?: string | undefined },
  context: Context,
): Promise<Access> {
  const tokens: Partial<Record<Role, string>> = {};
  for (const [role, file] of Object.entries(files) as [Role, string | undefined][]) {
    if (file === undefined) continue;
    const token = await readSecretFile(`the ${role}s' token`, file, context);
    if (token.length < shortest || /\s/.test(token))
      fail('SECRET_MISSING', `the ${role}s' token in ${file} is not one`, {
        remedy: `Put one word of at least ${shortest} characters into it, such as what \`openssl rand -hex 32\` prints.`,
      });
    tokens[role] = token;
  }
  const all = Object.entries(tokens);
  const same = all.find(([role, token]) => all.some(([other, each]) => other !== role && each === token));
  if (same) fail('SECRET_MISSING', `the ${same[0]}s' token is also that of others`, { remedy: 'Make different ones.' });
  return new Access(tokens);
}

/** Whether who has a role may do what is for another one. */
export const mayAct = (own: Role | undefined, needed: Role): boolean =>
  own === needed || (own === 'writer' && needed === 'reader');

/** The trimmed content of a secret's file, made known to the masker. @throws SECRET_MISSING */
export async function readSecretFile(what: string, file: string, context: Context): Promise<string> {
  try {
    const text = (await readFile(path.resolve(context.cwd, file), 'utf8')).trim();
    context.masker.add(text);
    return text;
  } catch (error) {
    return fail('SECRET_MISSING', `${what} cannot be read from ${file}`, { cause: messageOf(error) });
  }
}
