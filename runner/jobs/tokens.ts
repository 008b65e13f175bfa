import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../common/clock';
import { fail, messageOf } from '../common/errors';
import type { Logger } from '../common/log';
import { syncFolder } from './durable';
import type { Rights } from './rights';

/** A prefix by which a token is recognised where it should not be. */
const prefix = 'homeostat_';

interface TokenRecord {
  user: string;
  hash: string;
  rights: Rights;
  created: string;
}

export interface User {
  name: string;
  rights: Rights;
}

export const isUserName = (name: string) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name);
export const tokenFile = (folder: string) => path.join(folder, 'tokens.json');

/**
 * A plain SHA-256 is right for these tokens: they are 160 random bits, so there is nothing to guess that a slow hash
 * would protect, and a slow one would let anybody keep the server busy with wrong tokens.
 */
const hashOf = (token: string) => createHash('sha256').update(token).digest();

/**
 * Makes a token for a user and stores its hash. Earlier tokens of the user stay, so that one can be replaced without a gap.
 * @returns the token, which is not kept anywhere
 */
export async function addToken(folder: string, user: string, rights: Rights, clock: Clock): Promise<string> {
  if (!isUserName(user))
    fail('USAGE_INVALID', `--add-token: '${user}' is not a user name`, {
      remedy: 'Use letters, digits, . _ -, a letter or digit first, at most 63.',
    });
  const token = `${prefix}${randomBytes(20).toString('hex')}`;
  await changeRecords(folder, (records) => [...records, recordOf(user, token, rights, clock)], clock);
  return token;
}

/** A token that was made elsewhere. */
export interface KnownToken {
  user: string;
  token: string;
  rights: Rights;
}

/**
 * Lets these tokens in, with these rights from now on, and none of the users that are gone. Others stay as they are.
 * @throws JOBS_STORE
 */
export async function keepTokens(folder: string, tokens: KnownToken[], gone: string[], clock: Clock): Promise<void> {
  const given = tokens.map(({ user, token, rights }) => recordOf(user, token, rights, clock));
  const next = (records: TokenRecord[]) => [
    ...records.filter(({ user, hash }) => !gone.includes(user) && !given.some((record) => record.hash === hash)),
    ...given.map((record) => ({ ...record, created: createdOf(record, records) })),
  ];
  await changeRecords(folder, next, clock);
}

const createdOf = ({ hash, created }: TokenRecord, records: TokenRecord[]) =>
  records.find((record) => record.hash === hash)?.created ?? created;

async function changeRecords(
  folder: string,
  change: (records: TokenRecord[]) => TokenRecord[],
  clock: Clock,
): Promise<void> {
  const file = tokenFile(path.resolve(folder));
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await withNewFile(`${file}.new`, clock, async (handle, temporary) => {
      await handle.writeFile(`${JSON.stringify(change(await readRecords(file)), null, 2)}\n`);
      await handle.sync();
      await rename(temporary, file);
    });
    await syncFolder(path.dirname(file));
  } catch (error) {
    fail('JOBS_STORE', `the tokens could not be stored in ${file}`, { cause: messageOf(error) });
  }
}

const recordOf = (user: string, token: string, rights: Rights, clock: Clock): TokenRecord => ({
  user,
  hash: hashOf(token).toString('hex'),
  rights,
  created: clock.now().toISOString(),
});

type Handle = Awaited<ReturnType<typeof open>>;

/** The new file, created exclusively, is also what keeps two writers apart. */
async function withNewFile(file: string, clock: Clock, write: (handle: Handle, file: string) => Promise<void>) {
  for (let tries = 1; ; tries++) {
    try {
      const handle = await open(file, 'wx', 0o600);
      try {
        await write(handle, file);
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      } finally {
        await handle.close();
      }
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (tries === 100) await rm(file, { force: true });
      if (tries > 200) throw error;
      await clock.sleep(50);
    }
  }
}

async function readRecords(file: string): Promise<TokenRecord[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]';
    throw error;
  });
  const records = JSON.parse(text) as TokenRecord[];
  const sound = (each: TokenRecord | null) =>
    typeof each?.user === 'string' && /^[0-9a-f]{64}$/.test(each.hash) && typeof each.rights === 'object';
  if (!Array.isArray(records) || !records.every(sound)) throw new Error(`${file} is not a list of tokens`);
  return records;
}

/** The tokens of a data folder; a changed file counts from the next request on, a broken one leaves the last good in force. */
export class Tokens {
  private records: TokenRecord[] = [];
  private seen = '';
  private readonly file: string;

  constructor(
    folder: string,
    private readonly log: Logger,
  ) {
    this.file = tokenFile(folder);
  }

  /** The user whose token this is, or undefined. Takes the same time for every wrong token. */
  async find(token: string, userName?: string): Promise<User | undefined> {
    await this.refresh();
    const hash = hashOf(token);
    let found: TokenRecord | undefined;
    for (const record of this.records) {
      const same = timingSafeEqual(Buffer.from(record.hash, 'hex'), hash);
      if (same && (userName === undefined || userName === record.user)) found = record;
    }
    return found && { name: found.user, rights: found.rights };
  }

  private async refresh(): Promise<void> {
    const state = await stat(this.file).catch(() => undefined);
    const now = state ? `${state.ino} ${state.mtimeMs} ${state.size}` : 'absent';
    if (now === this.seen) return;
    try {
      this.records = await readRecords(this.file);
    } catch (error) {
      this.log.error(`the tokens are used as they were, because ${this.file} cannot be read: ${messageOf(error)}`);
    }
    this.seen = now;
  }
}
