import { createHash } from 'node:crypto';
import { fail } from '../common/errors';
import type { Config } from './config';
import { servicesOf, type StackFile, type StackService, type Tree } from './stack-file';

/** Longest name the Swarm takes for a service: stack, `_` and the service's name in the file. */
const longestName = 63;
const longestStem = 24;
const shortestStem = 8;

/** A stem short enough that stack and service name together stay within what the Swarm takes. */
function stemOf(name: string, build: string): string {
  const room = longestName - `_${name}-c${build}`.length;
  const length = Math.min(longestStem, Math.max(shortestStem, room));
  if (name.length <= length) return name;
  return `${name.slice(0, length - 6)}-${createHash('sha256').update(name).digest('hex').slice(0, 5)}`;
}

/** Name of the candidate stack of a build. */
export const candidateName = (name: string, build: string): string => `${stemOf(name, build)}-c${build}`;

/**
 * Refuses names that the Swarm would not take, before anything is changed.
 * @throws NAME_INVALID
 */
export function requireCandidateNames(stack: StackFile, config: Config, build: string): void {
  for (const service of Object.keys(servicesOf(stack))) {
    const full = `${candidateName(config.name, build)}_${service}`;
    if (full.length > longestName)
      fail('NAME_INVALID', `the candidate's service name '${full}' has ${full.length} characters`, {
        remedy: `Shorten the name of the service in ${stack.file}, or the build number; the Swarm allows ${longestName}.`,
      });
  }
}

/** Label on services and networks of a candidate: the service under test. */
export const serviceLabel = 'com.homeostat.candidate-of';

/** Label on test containers: the candidate stack they belong to. */
export const candidateLabel = 'com.homeostat.candidate';

/**
 * The stack as a candidate: the image under test, nothing published, no label that could make it public, networks and
 * volumes of its own. Names written into the file are dropped, because with them the candidate would share, and at its
 * removal delete, what belongs to production.
 */
export function candidateStack(stack: StackFile, config: Config, image: string): Tree {
  const kept = new Set(config.candidate.networks);
  const label = { [serviceLabel]: config.name };
  const networks = networksOf(stack.tree, kept, label);
  const services = Object.fromEntries(
    Object.entries(stack.tree.services as Record<string, StackService>).map(([name, service]) => [
      name,
      candidateService(name === config.name ? { ...service, image } : service, config, networks, label),
    ]),
  );
  return {
    ...stack.tree,
    services,
    networks,
    ...(stack.tree.volumes ? { volumes: mapValues(stack.tree.volumes as Tree, () => ({})) } : {}),
    ...(stack.tree.configs ? { configs: mapValues(stack.tree.configs as Tree, withoutName) } : {}),
    ...(stack.tree.secrets ? { secrets: mapValues(stack.tree.secrets as Tree, withoutName) } : {}),
  };
}

function networksOf(tree: Tree, kept: Set<string>, labels: Tree): Tree {
  const networks: Tree = { default: { driver: 'overlay', attachable: true, labels } };
  for (const [name, network] of Object.entries((tree.networks ?? {}) as Record<string, Tree | null>)) {
    const external = Boolean(network?.external);
    const realName = (network?.name ?? (network?.external as { name?: string } | undefined)?.name ?? name) as string;
    if (external && (kept.has(name) || kept.has(realName))) networks[name] = network;
    else if (!external) networks[name] = { ...withoutName(network), driver: 'overlay', attachable: true, labels };
  }
  return networks;
}

/** Nobody waits for an answer of a candidate that is removed. */
const stopWithin = '2s';

function candidateService(service: StackService, config: Config, networks: Tree, labels: Tree): StackService {
  const { ports: _ports, deploy, networks: joined, ...rest } = service;
  const { labels: _labels, mode: _mode, endpoint_mode: _endpoint, ...deployRest } = deploy ?? {};
  const jobMode =
    typeof _mode === 'string' && _mode.endsWith('-job')
      ? { mode: _mode }
      : { replicas: config.candidate.replicas, endpoint_mode: 'dnsrr' };
  return {
    ...rest,
    ...keepNetworks(joined, networks),
    stop_grace_period: stopWithin,
    deploy: { ...deployRest, ...jobMode, labels },
  };
}

/** Networks a service joins, without those the candidate does not have; `default` is always among them, where tests run. */
function keepNetworks(joined: unknown, networks: Tree): { networks?: unknown } {
  if (Array.isArray(joined))
    return {
      networks: [...new Set([...(joined as string[]).filter((name) => Object.hasOwn(networks, name)), 'default'])],
    };
  if (typeof joined === 'object' && joined !== null)
    return {
      networks: {
        default: null,
        ...Object.fromEntries(Object.entries(joined).filter(([name]) => Object.hasOwn(networks, name))),
      },
    };
  return {};
}

function withoutName(value: unknown): Tree {
  const { name: _name, ...rest } = (value ?? {}) as Tree;
  return rest.external ? { ...(value as Tree) } : rest;
}

const mapValues = (tree: Tree, change: (value: unknown) => unknown): Tree =>
  Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, change(value)]));
