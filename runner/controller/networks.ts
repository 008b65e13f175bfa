import type { SwarmListing } from '../swarm/facts';
import { proxyLabel } from './model';

/** Where the proxy of one instance can reach tasks. */
export interface ProxyNetworks {
  /** Ids; empty where neither a proxy nor a network of the settings is there, so that nothing can be said. */
  ids: ReadonlySet<string>;
  /** As a person knows them. */
  names: string[];
}

/** Instances of the proxies that run as services; always with the usual one. */
export const instancesOf = (listing: SwarmListing): string[] => [
  ...new Set(['', ...listing.services.flatMap(({ labels }) => labels[proxyLabel] ?? [])]),
];

/** Networks of the services that are labelled as this proxy, and those that the settings name. */
export function proxyNetworks(listing: SwarmListing, instance: string, named: string[]): ProxyNetworks {
  const nameOf = new Map(listing.networks.map(({ id, name }) => [id, name]));
  const idOf = new Map(listing.networks.map(({ id, name }) => [name, id]));
  const ids = new Set<string>();
  for (const { labels, networks } of listing.services)
    if (labels[proxyLabel] === instance) for (const each of networks) ids.add(idOf.get(each) ?? each);
  for (const name of named) {
    const id = idOf.get(name) ?? (nameOf.has(name) ? name : undefined);
    if (id !== undefined) ids.add(id);
  }
  return { ids, names: [...ids].map((id) => nameOf.get(id) ?? id).sort() };
}
