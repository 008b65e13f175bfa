import { hostOf, isManager, isReachable, takesTasks } from '../nodes';
import { failed, findingOf, ok, unknown, warning, type CheckDefinition, type Finding } from './check';
import type { Facts } from './facts';

export const swarmCheck: CheckDefinition = { name: 'Swarm', needs: 'engine', look: ({ facts }) => judgeSwarm(facts) };

/** Whether this Engine is a manager of a Swarm. */
export function judgeSwarm({ info, nodes, nodesFault }: Facts): Finding {
  const state = info?.Swarm?.LocalNodeState;
  if (nodes || nodesFault?.code === 'SWARM_NO_LEADER') return ok('active, and this node is a manager');
  if (state === 'locked')
    return failed('this Engine is locked', 'Run `docker swarm unlock` with the key of the Swarm.');
  if (state === 'pending' || state === 'error')
    return failed(
      `this Engine’s part in its Swarm is '${state}'${info?.Swarm?.Error ? `: ${info.Swarm.Error}` : ''}`,
      'Check the network to the managers, or let it join again (`docker swarm leave`, `docker swarm join`).',
    );
  if (state === 'active' || nodesFault?.code === 'SWARM_NOT_MANAGER')
    return failed(
      'this node is a worker; only managers can be asked',
      'Point DOCKER_HOST at a manager, or promote this node there (`docker node promote`).',
    );
  if (state === 'inactive' || nodesFault?.code === 'SWARM_MISSING')
    return failed(
      'this Engine is not part of a Swarm',
      'Run `homeostat doctor --fix` or `docker swarm init`, or join one with `docker swarm join`.',
    );
  return nodesFault ? findingOf(nodesFault) : unknown('the Engine did not tell');
}

export const leaderCheck: CheckDefinition = {
  name: 'leader',
  needs: 'manager',
  look: ({ facts }) => judgeLeader(facts),
};

const quorum =
  'Bring a majority of the managers back; where they are lost for good, `docker swarm init --force-new-cluster` on one.';

/** Whether the Swarm has a leader, and would keep one when a manager is lost. */
export function judgeLeader({ nodes, nodesFault }: Facts): Finding {
  const leader = nodes?.find((node) => node.ManagerStatus?.Leader);
  if (!nodes || !leader)
    return failed(`the Swarm has no leader${nodesFault?.causeText ? `: ${nodesFault.causeText}` : ''}`, quorum);
  const managers = nodes.filter(isManager);
  const away = managers.filter((node) => !isReachable(node));
  const spare = managers.length - away.length - (Math.floor(managers.length / 2) + 1);
  if (away.length > 0)
    return warning(
      `${hostOf(leader)}; unreachable: ${away.map(hostOf).join(', ')}${spare < 1 ? '; one more, and there is no leader' : ''}`,
      'Start those managers again, or remove them (`docker node demote`, `docker node rm`).',
    );
  if (managers.length === 2)
    return warning(
      `${hostOf(leader)}; of two managers neither may be lost`,
      'Have one manager, or three (`docker node promote` or `docker node demote`).',
    );
  return ok(`${hostOf(leader)}${managers.length > 1 ? `, one of ${managers.length} managers` : ''}`);
}

export const nodesCheck: CheckDefinition = { name: 'nodes', needs: 'leader', look: ({ facts }) => judgeNodes(facts) };

/** Whether all nodes are ready, and some of them take tasks. */
export function judgeNodes({ nodes = [] }: Facts): Finding {
  const away = nodes.filter((node) => node.Status.State !== 'ready');
  const resting = nodes.filter((node) => node.Spec.Availability !== 'active');
  const told = [
    ...(away.length > 0
      ? [`not ready: ${away.map((node) => `${hostOf(node)} (${node.Status.State})`).join(', ')}`]
      : []),
    ...(resting.length > 0
      ? [`without tasks: ${resting.map((node) => `${hostOf(node)} (${node.Spec.Availability})`).join(', ')}`]
      : []),
  ];
  const detail = [`${nodes.length - away.length} of ${nodes.length} ready`, ...told].join('; ');
  if (!nodes.some(takesTasks))
    return failed(`${detail}; no node takes tasks`, 'Run `docker node update --availability active NODE`.');
  if (away.length > 0)
    return warning(detail, 'Start Docker on those nodes and check their network, or remove them (`docker node rm`).');
  return ok(detail);
}
