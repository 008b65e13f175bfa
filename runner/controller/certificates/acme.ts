import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import plainAxios from 'axios';
import type { Context } from '../../common/context';
import type { Wanted } from './renewal';

const production = 'https://acme-v02.api.letsencrypt.org/directory';
const staging = 'https://acme-staging-v02.api.letsencrypt.org/directory';
const limit = 180_000;
const answerLimit = 15_000;

/** Where certificates are ordered: Let's Encrypt, unless a site names its own ACME server (RFC 8555). */
export const directoryFor = ({ env }: Pick<Context, 'env'>, testing: boolean): string =>
  testing ? (env.HOMEOSTAT_ACME_STAGING ?? staging) : (env.HOMEOSTAT_ACME_DIRECTORY ?? production);

/** Answers to HTTP-01 challenges by token, served below /.well-known/acme-challenge/ (RFC 8555, 8.3). */
export type Challenges = Map<string, string>;

/** A new account key. */
export async function accountKey(): Promise<string> {
  const { crypto } = await import('acme-client');
  return (await crypto.createPrivateEcdsaKey()).toString();
}

/**
 * Orders a certificate for the hosts, proving by HTTP-01 that they lead here.
 * @returns certificate, chain and key as PEM
 * @throws whatever the server or the network say
 */
export async function order(
  { hosts, email, testing }: Wanted,
  key: string,
  challenges: Challenges,
  context: Context,
): Promise<string> {
  const { axios, Client, crypto } = await import('acme-client');
  const directoryUrl = directoryFor(context, testing);
  axios.defaults.timeout = answerLimit;
  // A site's own ACME server has a certificate of the site's own authority.
  if (context.env.HOMEOSTAT_ACME_CA)
    axios.defaults.httpsAgent = new Agent({ ca: await readFile(context.env.HOMEOSTAT_ACME_CA) });
  // The ACME library tries for more than a minute to reach a server, and then forgets why it could not.
  await plainAxios.get(directoryUrl, {
    timeout: answerLimit,
    signal: context.signal,
    ...(axios.defaults.httpsAgent ? { httpsAgent: axios.defaults.httpsAgent as Agent } : {}),
  });
  const client = new Client({ directoryUrl, accountKey: key });
  const [privateKey, csr] = await crypto.createCsr(
    { commonName: hosts[0]!, altNames: hosts },
    await crypto.createPrivateEcdsaKey(),
  );
  const ordered = client.auto({
    csr,
    ...(email ? { email } : {}),
    termsOfServiceAgreed: true,
    challengePriority: ['http-01'],
    // The look of this process at its own door says nothing about the world's.
    skipChallengeVerification: true,
    challengeCreateFn: async (_authorization, challenge, answer) => void challenges.set(challenge.token, answer),
    challengeRemoveFn: async (_authorization, challenge) => void challenges.delete(challenge.token),
  });
  const done = new AbortController();
  const late = context.clock.sleep(limit, AbortSignal.any([done.signal, context.signal])).then(() => {
    throw new Error(`the order was not done after ${limit / 1000} s`);
  });
  late.catch(() => undefined);
  ordered.catch(() => undefined);
  try {
    return `${await Promise.race([ordered, late])}\n${privateKey.toString()}`;
  } finally {
    done.abort();
  }
}
