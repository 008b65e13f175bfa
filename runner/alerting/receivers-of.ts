import { fits, parseMatcher, type Matcher } from './matchers';
import type { Route } from './model';

/** The receivers that an alert with these labels goes to, as Alertmanager walks its tree. */
export function receiversOf(route: Route, labels: Record<string, string>): string[] {
  return [...new Set(walk(route, labels, ''))];
}

function walk(route: Route, labels: Record<string, string>, inherited: string): string[] {
  if (!matchersOf(route).every((each) => fits(each, labels))) return [];
  const receiver = route.receiver ?? inherited;
  const found: string[] = [];
  for (const child of route.routes ?? []) {
    const inner = walk(child, labels, receiver);
    found.push(...inner);
    if (inner.length > 0 && !child.continue) break;
  }
  return found.length > 0 ? found : [receiver];
}

function matchersOf({ matchers = [], match = {}, match_re = {} }: Route): Matcher[] {
  return [
    ...matchers.flatMap((text) => parseMatcher(text) ?? []),
    ...Object.entries(match).map(([label, value]) => ({ label, operator: '=' as const, value })),
    ...Object.entries(match_re).map(([label, value]) => ({ label, operator: '=~' as const, value })),
  ];
}
