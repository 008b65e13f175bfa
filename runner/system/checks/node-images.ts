import { request } from '../../common/engine';
import { stackLabel, type Service, type Task } from '../../swarm/types';
import { hostOf, takesTasks, type Node } from '../nodes';
import { systemPrefix } from '../start-stack';
import { failed, ok, type CheckDefinition, type Finding } from './check';

/** Whether all nodes have the system's own images: a node that has joined cannot take them from a registry. */
export const nodeImagesCheck: CheckDefinition = {
  name: 'images on nodes',
  needs: 'leader',
  async look({ engine, facts, context: { signal } }) {
    const services = (facts.services ?? []).filter(isOwn);
    if (services.length === 0) return ok('the system has no services here');
    const query = { filters: { service: services.map(({ ID }) => ID) } };
    return judgeNodeImages(services, await request<Task[]>(engine, 'GET', '/tasks', { query, signal }), facts.nodes!);
  },
};

const isOwn = ({ Spec }: Pick<Service, 'Spec'>) => Spec.Labels?.[stackLabel]?.startsWith(systemPrefix) === true;

/** The images whose ids services name, by the repository under which `up` has tagged them. */
const repositories: Record<string, string> = { proxy: 'proxy', exporter: 'runner', 'node-exporter': 'monitor' };

export function judgeNodeImages(services: Pick<Service, 'ID' | 'Spec'>[], tasks: Task[], nodes: Node[]): Finding {
  const missing = new Map<string, Set<string>>();
  for (const node of nodes.filter(takesTasks))
    for (const { ID, Spec } of services) {
      const own = tasks.filter(({ ServiceID, NodeID }) => ServiceID === ID && NodeID === node.ID);
      const refused = own.some(({ Status }) => Status.State === 'rejected' && /No such image/i.test(Status.Err ?? ''));
      if (!refused || own.some(({ Status }) => Status.State === 'running')) continue;
      const component = Spec.Name.slice(Spec.Name.indexOf('_') + 1);
      const image = `homeostat/${repositories[component] ?? component}:latest`;
      missing.set(hostOf(node), (missing.get(hostOf(node)) ?? new Set()).add(image));
    }
  if (missing.size === 0) return ok(`${nodes.length === 1 ? 'the node has' : 'the nodes have'} what the system runs`);
  const told = [...missing].map(([node, images]) => `${node} lacks ${[...images].join(' and ')}`);
  const [first] = [...missing.keys()];
  return failed(
    told.join('; '),
    `Copy them, on this machine: docker save ${copied.join(' ')} | ssh ${first} docker load`,
  );
}

/** What every node may have to run. */
const copied = ['runner', 'proxy', 'monitor'].map((name) => `homeostat/${name}:latest`);
