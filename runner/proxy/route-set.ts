import { settle } from './claims';
import { conditionalRules } from './conditions';
import { goesToTls, isAt, type Entry } from './entries';
import { mapsOf, type Maps } from './maps';
import type { Refusal } from './model';
import type { Route } from './places';

/** What is decided at an entry: which request goes to which backend. */
export interface RouteSet {
  /** Lines of the frontend that set `txn.backend`. */
  rules: string[];
  /** Map files by path. */
  files: Record<string, string>;
  /** Routes that hold, with their backends. */
  leads: { route: Route; backend: string }[];
}

/** Name of the backend of a destination; a colon cannot be in a service's name. */
export const backendName = (service: string, index: number, kind: 'plain' | 'tls' | 'redirect' = 'plain'): string =>
  `${service}:${index}${kind === 'plain' ? '' : `:${kind}`}`;

export function routeSetOf(entry: Entry, routes: Route[], refuse: (refusal: Refusal) => void): RouteSet {
  const { routes: held, splits } = settle(
    routes.filter((route) => isAt(route, entry)),
    refuse,
  );
  const backendOf = ({ service, destination, redirect }: Route) =>
    backendName(
      service.description.name,
      destination.index,
      redirect ? 'redirect' : goesToTls(destination, entry.tls) ? 'tls' : 'plain',
    );
  const target = (route: Route) => splits.get(route)?.name ?? backendOf(route);
  const ranked = held.some(({ conditional }) => conditional);
  const maps = mapsOf(held, (route) => (ranked ? `${route.specificity}/${target(route)}` : target(route)));
  const named = { begins: `maps/${entry.name}.map`, whole: `maps/${entry.name}.paths.map` };
  const suffixes = `maps/${entry.name}.suffixes.map`;
  const files = Object.fromEntries(
    (
      [
        [named.begins, maps.begins],
        [named.whole, maps.whole],
        [suffixes, maps.suffixes],
      ] as const
    )
      .filter(([, lines]) => lines.length > 0)
      .map(([name, lines]) => [name, `${lines.join('\n')}\n`]),
  );
  const rules = [
    ...lookUps(maps, named, suffixes, ranked ? 'txn.route' : 'txn.backend'),
    ...(ranked
      ? [
          'http-request set-var(txn.specificity) int(0)',
          'http-request set-var(txn.specificity) var(txn.route),field(1,/) if { var(txn.route) -m found }',
          'http-request set-var(txn.backend) var(txn.route),field(2,/) if { var(txn.route) -m found }',
        ]
      : []),
    ...conditionalRules(held, target),
  ];
  for (const { name, shares, total } of splits.values()) {
    let sum = 0;
    rules.push(`http-request set-var(txn.draw) rand(${total}) if { var(txn.backend) -m str ${name} }`);
    for (const { route, weight } of shares) {
      sum += weight;
      const last = sum === total ? '' : ` { var(txn.draw) -m int lt ${sum} }`;
      if (weight > 0)
        rules.push(
          `http-request set-var(txn.backend) str(${backendOf(route)}) if { var(txn.backend) -m str ${name} }${last}`,
        );
    }
  }
  const leads = held.flatMap((route) =>
    (splits.get(route)?.shares.map((share) => share.route) ?? [route]).map((each) => ({
      route: each,
      backend: backendOf(each),
    })),
  );
  return { rules, files, leads };
}

/** Whole host, longest suffix, any host; in each the whole path before the longest begin. The first that is found holds. */
function lookUps(
  { has }: Maps,
  files: { begins: string; whole: string },
  suffixes: string,
  variable: string,
): string[] {
  const lines: string[] = [];
  const missing = () =>
    lines.some((line) => line.includes(`(${variable})`)) ? ` if !{ var(${variable}) -m found }` : '';
  const keys = {
    host: 'var(txn.host),concat(,txn.path)',
    suffix: 'var(txn.suffix),concat(,txn.path)',
    any: 'var(txn.path)',
  };
  for (const kind of ['host', 'suffix', 'any'] as const) {
    const { begins, whole } = has[kind];
    if (!begins && !whole) continue;
    if (kind === 'suffix')
      lines.push(`http-request set-var(txn.suffix) var(txn.host),map_end(${suffixes})${missing()}`);
    if (whole) lines.push(`http-request set-var(${variable}) ${keys[kind]},map_str(${files.whole})${missing()}`);
    if (begins) lines.push(`http-request set-var(${variable}) ${keys[kind]},map_beg(${files.begins})${missing()}`);
  }
  return lines;
}
