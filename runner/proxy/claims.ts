import { compare } from './admit';
import type { ProxiedService, Refusal } from './model';
import { placeOf, type Route } from './places';

/** Services that share a place by their weights. */
export interface Split {
  /** What the map has in place of a backend. */
  name: string;
  shares: { route: Route; weight: number }[];
  total: number;
}

export interface Claims {
  /** Routes that hold; of one place there is one. */
  routes: Route[];
  /** By the route that stands for the place. */
  splits: Map<Route, Split>;
}

/** The older service first; its name decides between two of one moment. */
export const byAge = (a: ProxiedService, b: ProxiedService): number =>
  compare(a.createdAt, b.createdAt) || compare(a.description.name, b.description.name);

/**
 * Settles who has which place: where several services claim one, they share it if all have a weight, and otherwise the
 * oldest keeps it and the others are refused there.
 */
export function settle(routes: Route[], refuse: (refusal: Refusal) => void): Claims {
  const places = new Map<string, Route[]>();
  for (const route of routes) {
    const claims = places.get(route.key);
    if (!claims) places.set(route.key, [route]);
    else if (claims.every(({ service }) => service !== route.service)) claims.push(route);
  }
  const settled: Claims = { routes: [], splits: new Map() };
  for (const claims of places.values()) {
    const [first] = claims.length > 1 ? claims.sort((a, b) => byAge(a.service, b.service)) : claims;
    settled.routes.push(first!);
    if (claims.length === 1) continue;
    const total = claims.reduce((sum, { destination }) => sum + (destination.weight ?? 0), 0);
    if (total > 0 && claims.every(({ destination, redirect }) => destination.weight !== undefined && !redirect)) {
      const shares = claims
        .sort((a, b) => compare(a.service.description.name, b.service.description.name))
        .map((route) => ({ route, weight: route.destination.weight! }));
      settled.splits.set(first!, { name: `split:${settled.splits.size + 1}`, shares, total });
      continue;
    }
    for (const late of claims.slice(1)) refuse(refusalOf(first!, late));
  }
  return settled;
}

function refusalOf(first: Route, late: Route): Refusal {
  const owner = first.service.description.name;
  return {
    service: late.service.description.name,
    severity: 'error',
    message: `route ${placeOf(late)} belongs to ${owner}, which is older; give both a weight to share it, or another path, domain or condition`,
  };
}
