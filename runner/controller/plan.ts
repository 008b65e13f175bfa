import type { HttpCheck, ProxiedService, ProxyInput } from '../proxy/model';
import { httpCheckOf } from '../proxy/healthcheck';
import { slotsFor } from '../proxy/slots';
import type { ServiceFacts, SwarmListing } from '../swarm/facts';
import { isGood, type Judged } from './model';
import type { Decision } from './quarantine';

/** A service of the Swarm with what was decided about it. */
export interface PlannedService {
  facts: ServiceFacts;
  decision: Decision;
}

export interface Plan {
  services: PlannedService[];
  /** What each instance of the proxy gets; always with the usual one. */
  proxied: Map<string, ProxiedService[]>;
}

/** What the plan asks about images. */
export type ImageTest = (image: string) => string[] | undefined;

/** What each proxy serves; the same Swarm gives the same plan, whoever makes it. */
export function planServices(
  listing: SwarmListing,
  decisions: ReadonlyMap<string, Decision>,
  instances: Iterable<string>,
  imageTest: ImageTest,
): Plan {
  const services = listing.services.map((facts) => ({ facts, decision: decisions.get(facts.name)! }));
  const proxied = new Map<string, ProxiedService[]>([...instances].map((instance) => [instance, []]));
  for (const { facts, decision } of services) {
    const { served } = decision;
    if (!served || !isRouted(facts, served)) continue;
    const instance = served.description!.proxy.instance ?? '';
    const list = proxied.get(instance) ?? [];
    list.push(proxiedService(facts, served, listing, imageTest));
    proxied.set(instance, list);
  }
  return { services, proxied };
}

/**
 * A service that is scaled to nothing has no route, so that another one or the default backend answers, as with Docker
 * Flow. HAProxy could tell it from one whose tasks have all died by nothing but its configuration, so this one scaling
 * step is a change of it. Jobs have no tasks that stay.
 */
function isRouted(facts: ServiceFacts, served: Judged): boolean {
  return isGood(served) && served.description.destinations.length > 0 && facts.replicas !== 0 && facts.mode !== 'job';
}

function proxiedService(
  facts: ServiceFacts,
  { description, secretUsers }: Judged,
  listing: SwarmListing,
  imageTest: ImageTest,
): ProxiedService {
  const check = checkOf(description!.proxy.checkPath, facts, imageTest);
  return {
    description: description!,
    createdAt: facts.createdAt,
    slots: slotsFor({
      replicas: facts.replicas ?? listing.nodes.length,
      maximum: description!.scale?.maximum,
      parallelism: facts.parallelism,
      startFirst: facts.startFirst,
    }),
    ...(check ? { check } : {}),
    ...(secretUsers.length > 0 ? { secretUsers } : {}),
  };
}

function checkOf(checkPath: string, facts: ServiceFacts, imageTest: ImageTest): HttpCheck | undefined {
  if (checkPath === 'none') return undefined;
  if (checkPath !== 'auto') return { path: checkPath };
  return httpCheckOf(facts.healthcheck ?? imageTest(facts.image));
}

/** Images whose healthcheck the plan may ask for. */
export function imagesToKnow(listing: SwarmListing, decisions: ReadonlyMap<string, Decision>): Set<string> {
  const images = listing.services.flatMap((facts) => {
    const served = decisions.get(facts.name)?.served;
    const asks = served && isRouted(facts, served) && !facts.healthcheck && facts.image;
    return asks && served.description!.proxy.checkPath === 'auto' ? [facts.image] : [];
  });
  return new Set(images);
}

/** Names of the services in what a proxy is made from, with the hash of the labels that were used. */
export const hashesOf = ({ services }: Plan): Map<string, string> =>
  new Map(services.flatMap(({ facts, decision }) => (decision.served ? [[facts.name, decision.served.hash]] : [])));

/** Passwords that may stand in a configuration: what an engine says of it must not repeat them. */
export const passwordsOf = ({ services }: Pick<ProxyInput, 'services'>): string[] =>
  services.flatMap(({ description, secretUsers = [] }) =>
    [...description.proxy.users, ...secretUsers].map(({ password }) => password),
  );
