import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import type { Context } from '../../common/context';
import { fail, messageOf } from '../../common/errors';

export type Role = 'agent' | 'reader';

/** Shorter ones could be guessed. */
const shortest = 16;

/** The two tokens by which the controller knows who asks. */
export class Access {
  private readonly hashes: [Role, Buffer][];

  constructor(tokens: Record<Role, string>) {
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
export async function readAccess(files: Record<Role, string>, context: Context): Promise<Access> {
  const read = async (role: Role) => {
    const token = await readSecretFile(`the ${role}s' token`, files[role], context);
    if (token.length < shortest || /\s/.test(token))
      fail('SECRET_MISSING', `the ${role}s' token in ${files[role]} is not one`, {
        remedy: `Put one word of at least ${shortest} characters into it, such as what \`openssl rand -hex 32\` prints.`,
      });
    return token;
  };
  const tokens = { agent: await read('agent'), reader: await read('reader') };
  if (tokens.agent === tokens.reader)
    fail('SECRET_MISSING', "the agents' and the readers' token are the same", { remedy: 'Make two different ones.' });
  return new Access(tokens);
}

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
