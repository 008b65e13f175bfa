import type { AxiosResponse } from 'axios';

/** Where an answer sends who asked, when it is not the result of what was asked. */
export type Redirection = { kind: 'login'; host: string } | { kind: 'moved'; to: string };

const loginPath = /(?:^|\/)(?:login|signin|sign_in|authorize|saml2?|sso|oauth2?|commenceLogin)(?:\/|$)|securityRealm/i;

/**
 * A redirection that did not come of Jenkins having done something: those lead to a job, a build or the queue, in whatever
 * host its root URL names.
 */
export function redirectionOf({ status, headers, config }: AxiosResponse): Redirection | undefined {
  const base = config.baseURL!;
  const location = String(headers.location ?? '');
  if (status < 300 || status >= 400 || !URL.canParse(location, base)) return undefined;
  const asked = new URL(config.url ?? '', base);
  const to = new URL(location, asked);
  if (loginPath.test(to.pathname)) return { kind: 'login', host: to.host };
  const samePlace = to.pathname === asked.pathname && to.origin !== asked.origin;
  if (samePlace) return { kind: 'moved', to: `${to.origin}${new URL(base).pathname}` };
  const ofJenkins = /\/(?:job|queue)\//.test(to.pathname) || to.host === asked.host;
  return ofJenkins ? undefined : { kind: 'login', host: to.host };
}
