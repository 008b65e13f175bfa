import type { IncomingMessage } from 'node:http';
import { Refusal } from '../common/refusal';
import type { Tokens, User } from './tokens';

const challenge = { 'WWW-Authenticate': 'Basic realm="Jenkins"' };

/**
 * The user of a request with `Authorization: Basic user:token` or `Bearer token`; undefined without that header.
 * @throws Refusal 401 when it is wrong
 */
export async function authenticate(request: IncomingMessage, tokens: Tokens): Promise<User | undefined> {
  const header = request.headers.authorization;
  if (header === undefined) return undefined;
  const [, scheme = '', value = ''] = /^(\S+) +(\S+) *$/.exec(header) ?? [];
  let user: User | undefined;
  if (scheme.toLowerCase() === 'bearer') user = await tokens.find(value);
  if (scheme.toLowerCase() === 'basic') {
    const text = Buffer.from(value, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon > 0) user = await tokens.find(text.slice(colon + 1), text.slice(0, colon));
  }
  if (!user) throw new Refusal(401, 'Invalid user or API token.', challenge);
  return user;
}

/**
 * The user of a git hook: with `token=` in the address as the git plugin has it, or as everywhere else.
 * @throws Refusal 401 without a token, 403 with a wrong one
 */
export async function authenticateHook(
  request: IncomingMessage,
  query: URLSearchParams,
  tokens: Tokens,
): Promise<User> {
  const token = query.get('token');
  if (token === null || token === '') {
    const user = await authenticate(request, tokens);
    if (user) return user;
    throw new Refusal(401, 'An access token is required: give token=… in the address.', challenge);
  }
  const user = await tokens.find(token);
  if (!user) throw new Refusal(403, 'Invalid access token.');
  return user;
}

/**
 * A browser that has stored a token for this address would send it along for any other site. Jenkins stops that with a
 * crumb; this server knows no sessions, so that the browser's own mark of such a request is enough.
 */
export function refuseOtherSites(request: IncomingMessage): void {
  if (request.method === 'POST' && request.headers['sec-fetch-site'] === 'cross-site')
    throw new Refusal(403, 'No valid crumb was included in the request');
}
