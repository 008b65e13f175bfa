import type { LabelSettings } from '../../labels/description';
import type { NodeFacts, ServiceFacts } from '../../swarm/facts';

/** What a notice says: parameters by name. */
export type Parameters = Record<string, string>;

/** Host, address and node id of a task. */
export type TaskPlace = [string, string, string];

/** Parameters of labels under the prefix, with it taken off. */
function labelParameters(labels: Record<string, string>, prefix: string, except = ''): Parameters {
  const parameters: Parameters = {};
  for (const [name, value] of Object.entries(labels))
    if (name.startsWith(prefix) && name.length > prefix.length && name !== except)
      parameters[name.slice(prefix.length)] = value;
  return parameters;
}

/** The name by which a service is known to those who are told: its own, without its stack where it wants that. */
export function toldName({ name, stack, labels }: ServiceFacts, { prefix }: LabelSettings, namePrefix: string): string {
  const short = stack !== undefined && labels[`${prefix}shortName`]?.toLowerCase() === 'true';
  const own = short && name.startsWith(`${stack}_`) ? name.slice(stack.length + 1) : name;
  return namePrefix ? `${namePrefix}_${own}` : own;
}

/** What is told of a service that is there (docker-flow-swarm-listener: service/parameters.go). */
export function serviceParameters(
  service: ServiceFacts,
  settings: LabelSettings,
  namePrefix: string,
  places?: TaskPlace[],
): Parameters {
  const parameters: Parameters = { distribute: 'true', ...removalParameters(service, settings, namePrefix) };
  if (service.mode === 'replicated') parameters.replicas = String(service.replicas ?? 1);
  if (places) parameters.nodeInfo = JSON.stringify([...places].sort());
  return parameters;
}

/** What is told of a service that has gone: the same, without what only a present one has. */
export const removalParameters = (service: ServiceFacts, settings: LabelSettings, namePrefix: string): Parameters => ({
  distribute: 'true',
  ...labelParameters(service.labels, settings.prefix, settings.notifyLabel),
  serviceName: toldName(service, settings, namePrefix),
});

/** What is told of a node; its own labels win over those of its Engine. */
export const nodeParameters = (node: NodeFacts, { prefix }: LabelSettings): Parameters => ({
  ...labelParameters(node.engineLabels, prefix),
  ...labelParameters(node.labels, prefix),
  ...nodeRemoval(node),
  versionIndex: String(node.version),
  state: node.state,
  role: node.role,
  availability: node.availability,
});

export const nodeRemoval = ({ id, hostname, address }: NodeFacts): Parameters => ({ id, hostname, address });
