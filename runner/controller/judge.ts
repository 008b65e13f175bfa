import type { LabelSettings, ServiceDescription } from '../labels/description';
import type { DescribedLabels } from './described-labels';
import type { Judged, Problem, SecretUser, Version } from './model';
import type { ProxyNetworks } from './networks';
import type { SecretUsers } from './secret-users';

/** What a version of a service is judged by, besides itself. */
export interface Surroundings {
  labels: LabelSettings;
  described: DescribedLabels;
  networks(instance: string): ProxyNetworks;
  users: SecretUsers;
  /** Why an engine refused these labels of this service. */
  refused(service: string, hash: string): string | undefined;
}

/** Judges one version of a service: its labels, the networks it is on, the secrets it names, and what engines said of it. */
export function judge(service: { name: string; stack?: string }, version: Version, surroundings: Surroundings): Judged {
  const { hash, takesPart, description, problems } = surroundings.described.of(service, version.labels);
  if (!takesPart || !description) return { version, hash, takesPart, secretUsers: [], problems };
  const users = usersOf(description, surroundings.users);
  const refusal = surroundings.refused(service.name, hash);
  const all: Problem[] = [
    ...problems,
    ...networkProblems(description, version, surroundings),
    ...('problem' in users
      ? [{ severity: 'error' as const, label: labelOf('usersSecret', surroundings), ...message(users.problem) }]
      : []),
    ...(refusal === undefined ? [] : [{ severity: 'error' as const, ...message(`the proxy refused it: ${refusal}`) }]),
  ];
  return { version, hash, takesPart, description, secretUsers: 'users' in users ? users.users : [], problems: all };
}

const message = (text: string) => ({ message: text });
const labelOf = (label: string, { labels }: Surroundings) => `${labels.prefix}${label}`;

function networkProblems(
  description: ServiceDescription,
  { networks }: Version,
  surroundings: Surroundings,
): Problem[] {
  const asksTasks = description.destinations.some(({ outboundHost }) => outboundHost === undefined);
  if (!asksTasks) return [];
  const proxy = surroundings.networks(description.proxy.instance ?? '');
  if (proxy.ids.size === 0 || networks.some((each) => proxy.ids.has(each))) return [];
  return [
    {
      severity: 'error',
      message: `it is on none of the proxy's networks (${proxy.names.join(', ')}); add one of them to the service`,
    },
  ];
}

function usersOf({ proxy }: ServiceDescription, users: SecretUsers): { users: SecretUser[] } | { problem: string } {
  return proxy.usersSecret === undefined ? { users: [] } : users.of(proxy.usersSecret);
}
