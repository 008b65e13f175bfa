import type { ServiceDescription } from '../labels/description';
import type { ProxiedService, ProxyInput, Refusal } from './model';
import { hasControlCharacter, isHost, isPlainName } from './text';
import { problemOfCertificate } from './certificate-label';
import { headerProblem } from './header-format';

/** Services that this proxy serves, in the order of their names, with the reasons why others are left out. */
export function admit({ services, settings }: ProxyInput): { services: ProxiedService[]; refusals: Refusal[] } {
  const refusals: Refusal[] = [];
  const admitted: ProxiedService[] = [];
  const sorted = [...services].sort((a, b) => compare(a.description.name, b.description.name));
  for (const service of sorted) {
    const { description } = service;
    if ((description.proxy.instance ?? '') !== settings.instance) continue;
    if (description.destinations.length === 0) continue;
    const problem = problemOf(service, settings.users);
    if (problem) refusals.push({ service: description.name, severity: 'error', message: problem });
    else admitted.push({ ...service, description: withoutUntrusted(description, settings, refusals) });
  }
  return { services: admitted, refusals };
}

/** By code units, which is the same everywhere. */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function problemOf(service: ProxiedService, everybody: { name: string }[]): string | undefined {
  const { description } = service;
  if (!isPlainName(description.name)) return 'its name has characters that HAProxy does not take';
  const place = mayHaveControlCharacter(description)
    ? (textWithControlCharacter(description.destinations) ?? textWithControlCharacter(description.proxy))
    : undefined;
  if (place !== undefined) return `${place} has a line break or another control character`;
  const hosts = [service.address, ...description.destinations.map(({ outboundHost }) => outboundHost)];
  if (hosts.some((host) => host !== undefined && !isHost(host))) return 'outboundHostname is no host name or address';
  if (hasControlCharacter(service.check?.path ?? '')) return 'the path of its check has a control character';
  const { users, userNames = [], usersSecret, serviceCertificate, headers } = description.proxy;
  const { secretUsers } = service;
  if (usersSecret !== undefined && secretUsers === undefined)
    return `the secret dfp_users_${usersSecret} with its users does not exist, so nobody could be let in`;
  const known = [...(secretUsers ?? []), ...everybody, ...users].map(({ name }) => name);
  const stranger = userNames.find((name) => !known.includes(name));
  if (stranger !== undefined)
    return `user '${stranger}' has no password, neither in a secret nor among the proxy's users`;
  if (secretUsers?.some(({ name, password }) => hasControlCharacter(name + password)))
    return `the secret dfp_users_${usersSecret} has a control character`;
  for (const header of [
    ...headers.request.add,
    ...headers.request.set,
    ...headers.response.add,
    ...headers.response.set,
  ]) {
    const problem = headerProblem(header.value);
    if (problem) return `header ${header.name} ${problem}`;
  }
  return serviceCertificate === undefined ? undefined : problemOfCertificate(serviceCertificate);
}

/** A quick look for all at once, since there is hardly ever one: JSON has an escape in place of it. */
const mayHaveControlCharacter = ({ destinations, proxy }: ServiceDescription): boolean =>
  /\\[bfnrtu]|\u007f/.test(JSON.stringify([destinations, proxy]));

/** Where the text is; keys that have rules of their own are left out. */
function textWithControlCharacter(value: unknown, name = 'a label'): string | undefined {
  if (typeof value === 'string') return hasControlCharacter(value) ? name : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'serviceCertificate' || key === 'backendExtra') continue;
    const found = textWithControlCharacter(inner, Number.isNaN(Number(key)) ? key : name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The operator's own lines are for services that the operator lists; others go on without them. */
function withoutUntrusted(
  description: ServiceDescription,
  { trustedServices, templates }: ProxyInput['settings'],
  refusals: Refusal[],
): ServiceDescription {
  const { backendExtra, templates: wanted, ...proxy } = description.proxy;
  if (backendExtra === undefined && wanted === undefined) return description;
  const warn = (message: string) => refusals.push({ service: description.name, severity: 'warning', message });
  if (!trustedServices.includes('*') && !trustedServices.includes(description.name)) {
    const what = [backendExtra === undefined ? '' : 'backendExtra', wanted === undefined ? '' : 'templates'];
    warn(
      `${what.filter(Boolean).join(' and ')} left out: only services in HOMEOSTAT_PROXY_TRUSTED_SERVICES may have it`,
    );
    return { ...description, proxy };
  }
  const known = (name: string | undefined) => {
    if (name === undefined || Object.hasOwn(templates, name)) return name;
    warn(`there is no template '${name.slice(0, 80)}'`);
    return undefined;
  };
  const frontend = known(wanted?.frontend);
  const backend = known(wanted?.backend);
  return {
    ...description,
    proxy: {
      ...proxy,
      ...(backendExtra === undefined ? {} : { backendExtra }),
      templates: { ...(frontend === undefined ? {} : { frontend }), ...(backend === undefined ? {} : { backend }) },
    },
  };
}
