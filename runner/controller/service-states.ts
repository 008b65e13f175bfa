import type { ProxyOutput } from '../proxy/model';
import type { ServiceFacts, SwarmListing } from '../swarm/facts';
import type { Problem, ServiceState, ServiceStateName } from './model';
import type { Plan } from './plan';

/** What is told of every service: what was decided about it, and what the proxies made of it. */
export function serviceStates(
  plan: Plan,
  outputs: ReadonlyMap<string, ProxyOutput>,
  listing: SwarmListing,
  more: ReadonlyMap<string, Problem[]> = new Map(),
): ServiceState[] {
  const routes = grouped([...outputs.values()].flatMap((output) => output.routes));
  const refusals = grouped([...outputs.values()].flatMap((output) => output.refusals));
  const slots = new Map([...plan.proxied.values()].flat().map((each) => [each.description.name, each.slots]));
  return plan.services.map(({ facts, decision }): ServiceState => {
    const own = [...new Set((routes.get(facts.name) ?? []).map(({ route }) => route))];
    const refused = (refusals.get(facts.name) ?? []).map(({ severity, message }): Problem => ({ severity, message }));
    const nothingLeft = own.length === 0 && refused.some(({ severity }) => severity === 'error');
    const state: ServiceStateName = decision.state === 'accepted' && nothingLeft ? 'quarantined' : decision.state;
    return {
      name: facts.name,
      stack: facts.stack ?? '',
      state,
      problems: [...decision.problems, ...refused, ...(more.get(facts.name) ?? [])],
      lastGood: decision.lastGood,
      routes: own,
      replicas: replicasOf(facts, listing),
      slots: slots.get(facts.name) ?? 0,
    };
  });
}

export const replicasOf = (
  facts: ServiceFacts,
  { tasks, nodes }: SwarmListing,
): { running: number; wanted: number } => ({
  running: facts.running ?? tasks?.[facts.id] ?? 0,
  wanted: facts.wanted ?? facts.replicas ?? nodes.length,
});

function grouped<T extends { service: string }>(list: T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of list) groups.set(each.service, [...(groups.get(each.service) ?? []), each]);
  return groups;
}
