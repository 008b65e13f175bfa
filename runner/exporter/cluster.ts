import { gauge, type Family } from '../common/metrics';
import type { LabelSettings } from '../labels/description';
import { limitsOfLabels } from '../labels/scale';
import type { NodeFacts, ServiceFacts, SwarmListing } from '../swarm/facts';

/** What the metrics of the cluster are made from; the same object in a field means that nothing in it has changed. */
export interface ClusterInput {
  listing: SwarmListing;
  /** How labels are read; undefined is as by default. */
  labels?: Partial<LabelSettings>;
  /** Tasks seen to fail, by the service's id. */
  failures: ReadonlyMap<string, number>;
  /** Names of the services that a proxy has a route to. */
  routed: ReadonlySet<string>;
  /** The number of the release that each stack runs. */
  releases: ReadonlyMap<string, string>;
  /** Services that people keep from being scaled. */
  holds: readonly { service: string; direction: string }[];
  /** Undefined where nobody keeps questions. */
  questionsOpen?: number;
}

type Sample = Family['samples'][number];

/** Who a sample is about. */
const who = ({ name, stack }: ServiceFacts) => ({ service: name, stack: stack ?? '' });

/** Metrics of the cluster that change only when the Swarm does; names as docs/metrics-and-alerts.md lists them. */
export function clusterFamilies(input: ClusterInput): Family[] {
  return [...replicaFamilies(input), ...serviceFamilies(input), ...nodeFamilies(input.listing.nodes)];
}

function replicaFamilies({ listing, failures }: ClusterInput): Family[] {
  const { services, tasks, taskList, nodes } = listing;
  const running = ({ id, running }: ServiceFacts) => running ?? tasks?.[id] ?? 0;
  const wanted = (service: ServiceFacts) => service.wanted ?? service.replicas ?? nodes.length;
  const pending = (service: ServiceFacts) =>
    taskList ? (taskList.pending[service.id] ?? 0) : Math.max(0, wanted(service) - running(service));
  const each = (value: (service: ServiceFacts) => number): Sample[] =>
    services.map((service) => ({ labels: { ...who(service), mode: service.mode }, value: value(service) }));
  return [
    gauge('homeostat_service_replicas_wanted', 'Tasks that the Swarm wants of a service.', each(wanted)),
    gauge('homeostat_service_replicas_running', 'Tasks of a service that run.', each(running)),
    gauge('homeostat_service_replicas_pending', 'Tasks of a service that are on their way.', each(pending)),
    {
      name: 'homeostat_service_tasks_failed_total',
      type: 'counter',
      help: 'Tasks of a service that were seen to fail or to be rejected.',
      samples: services.map((service) => ({ labels: who(service), value: failures.get(service.id) ?? 0 })),
    },
  ];
}

function serviceFamilies({ listing, labels, routed, releases, holds, questionsOpen }: ClusterInput): Family[] {
  const { services } = listing;
  const byName = new Map(services.map((service) => [service.name, service]));
  const some = (labelsOf: (service: ServiceFacts) => Record<string, string> | undefined): Sample[] =>
    services.flatMap((service) => {
      const more = labelsOf(service);
      return more ? [{ labels: { ...who(service), ...more }, value: 1 }] : [];
    });
  const limits = services.flatMap((service) => {
    const found = limitsOfLabels(service.labels, labels);
    return found ? [{ service, ...found }] : [];
  });
  return [
    gauge(
      'homeostat_service_update_state',
      '1 for the state of the last rollout of a service, in the words of the Swarm.',
      some(({ update }) => update && { state: update.state }),
    ),
    gauge('homeostat_service_image_info', 'The image of a service.', some(imageLabels)),
    gauge(
      'homeostat_service_release_info',
      'The release of its stack that a service runs.',
      some(({ stack }) => {
        const release = releases.get(stack ?? '');
        return release === undefined ? undefined : { release };
      }),
    ),
    gauge(
      'homeostat_service_scale_minimum',
      'Fewest replicas that a service may be scaled to.',
      limits.map(({ service, minimum }) => ({ labels: who(service), value: minimum })),
    ),
    gauge(
      'homeostat_service_scale_maximum',
      'Most replicas that a service may be scaled to.',
      limits.map(({ service, maximum }) => ({ labels: who(service), value: maximum })),
    ),
    gauge(
      'homeostat_service_routed',
      '1 where the proxy has a route to a service.',
      some(({ name }) => (routed.has(name) ? {} : undefined)),
    ),
    gauge(
      'homeostat_service_held',
      '1 where people keep a service from being scaled.',
      holds.map(({ service, direction }) => ({
        labels: { service, stack: byName.get(service)?.stack ?? '', direction },
        value: 1,
      })),
    ),
    ...(questionsOpen === undefined
      ? []
      : [
          gauge('homeostat_questions_open', 'Questions to people without an answer.', [
            { labels: {}, value: questionsOpen },
          ]),
        ]),
  ];
}

function imageLabels({ image }: ServiceFacts): Record<string, string> | undefined {
  const [name = '', digest = ''] = image.split('@');
  return name ? { image: name, digest } : undefined;
}

function nodeFamilies(nodes: NodeFacts[]): Family[] {
  const up = new Map<string, boolean>();
  // A machine that has joined again is there twice: once as it is, and once as the node that went down.
  for (const { hostname, state } of nodes) up.set(hostname, up.get(hostname) === true || state === 'ready');
  return [
    gauge(
      'homeostat_node_info',
      'A node of the Swarm.',
      nodes.map(({ id, hostname, role, availability, state, address }) => ({
        labels: { node: hostname, id, role, availability, state, address },
        value: 1,
      })),
    ),
    gauge(
      'homeostat_node_up',
      '1 where a node is ready.',
      [...up].map(([node, ready]) => ({ labels: { node }, value: ready ? 1 : 0 })),
    ),
  ];
}
