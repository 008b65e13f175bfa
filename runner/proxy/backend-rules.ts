import type { HeaderValue } from '../labels/description';
import { usersList } from './users';
import type { BackendInput } from './backend';
import { methodsCondition, networksCondition } from './conditions';
import { httpsRedirect } from './frontend';
import { headerFormat } from './header-format';
import { argument, quote, time } from './text';

/** Seconds after which a client may ask again while the maintenance page is up. */
const retryAfter = 120;

/**
 * What is done with a request before a task gets it, and with the answer: first who may not come in, then who has to come
 * in another way, then passwords, and then what is changed.
 */
export function requestRules(input: BackendInput): string[] {
  // The maintenance page is for every request that comes in at all.
  if (input.destination.maintenance) return doorRules(input);
  return [
    ...doorRules(input),
    ...redirectRules(input),
    ...methodRules(input),
    ...identityRules(input),
    ...changeRules(input),
    ...answerRules(input),
  ];
}

function doorRules({ destination }: BackendInput): string[] {
  const { allowFrom, rateLimit, maintenance, denyHttp } = destination;
  return [
    ...(allowFrom.length > 0
      ? [...networksCondition('allowed', allowFrom), 'http-request deny deny_status 403 if !allowed']
      : []),
    ...(rateLimit
      ? [
          `stick-table type ipv6 size 100k expire ${time(rateLimit.period * 2)} store http_req_rate(${time(rateLimit.period)})`,
          'http-request track-sc0 src',
          `http-request deny deny_status 429 if { sc_http_req_rate(0) gt ${rateLimit.requests} }`,
        ]
      : []),
    ...(denyHttp ? ['http-request deny deny_status 403 if !{ req.hdr(X-Forwarded-Proto) -i -m str https }'] : []),
    ...(maintenance
      ? [
          `http-request return status 503 content-type "text/html; charset=utf-8" file errors/maintenance.html hdr Retry-After ${retryAfter} hdr Cache-Control no-store`,
        ]
      : []),
  ];
}

function redirectRules({ service, destination, settings }: BackendInput): string[] {
  const { redirectWhenHttpProto, redirectUnlessHttpsProto } = service.description.proxy;
  const code = destination.httpsRedirectCode;
  // What a load balancer says is all that such a service goes by, whether it is trusted otherwise or not.
  const said = `http-request redirect code ${code} location https://%[var(txn.host)]%[pathq]`;
  return [
    ...(destination.httpsOnly ? [httpsRedirect(settings, code)] : []),
    ...(redirectWhenHttpProto ? [`${said} if { var(txn.proto) -i -m str http }`] : []),
    ...(redirectUnlessHttpsProto ? [`${said} if !{ var(txn.proto) -i -m str https }`] : []),
  ];
}

function methodRules({ destination: { allowedMethods, deniedMethods } }: BackendInput): string[] {
  return [
    ...(allowedMethods.length > 0
      ? [...methodsCondition('allowed_method', allowedMethods), 'http-request deny deny_status 405 if !allowed_method']
      : []),
    ...(deniedMethods.length > 0
      ? [...methodsCondition('denied_method', deniedMethods), 'http-request deny deny_status 405 if denied_method']
      : []),
  ];
}

function identityRules({ service, destination, settings }: BackendInput): string[] {
  const list = destination.ignoreAuthorization ? undefined : usersList(service, settings);
  return [
    ...(destination.verifyClient ? ['http-request deny deny_status 403 unless { ssl_c_used } { ssl_c_verify 0 }'] : []),
    ...(list
      ? [
          `http-request auth realm ${quote(service.description.name)} unless { http_auth(${list}) }`,
          // The password is the proxy's matter, not the task's.
          'http-request del-header Authorization',
        ]
      : []),
  ];
}

function changeRules({ service, destination }: BackendInput): string[] {
  const { add, set, delete: gone } = service.description.proxy.headers.request;
  return [
    ...destination.rewrites.map(
      ({ search, replace, flags }) =>
        `http-request set-path ${quote(`%[path,regsub(${[search, replace].map(argument).join(',')}${/^[gi]+$/.test(flags ?? '') ? `,${flags}` : ''})]`)}`,
    ),
    ...gone.map((name) => `http-request del-header ${quote(name)}`),
    ...set.map((header) => `http-request set-header ${headerWords(header)}`),
    ...add.map((header) => `http-request add-header ${headerWords(header)}`),
  ];
}

function answerRules({ service, settings }: BackendInput): string[] {
  const { headers, hsts = settings.hsts } = service.description.proxy;
  const { add, set, delete: gone } = headers.response;
  return [
    ...gone.map((name) => `http-response del-header ${quote(name)}`),
    ...set.map((header) => `http-response set-header ${headerWords(header)}`),
    ...add.map((header) => `http-response add-header ${headerWords(header)}`),
    ...(hsts === undefined
      ? []
      : [`http-after-response set-header Strict-Transport-Security "max-age=${hsts}" if { ssl_fc }`]),
  ];
}

const headerWords = ({ name, value, when }: HeaderValue) =>
  `${quote(name)} ${quote(headerFormat(value))}${when === undefined ? '' : when === 'tls' ? ' if { ssl_fc }' : ' if !{ ssl_fc }'}`;
