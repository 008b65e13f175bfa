import { failed, ok, unknown, warning, type Finding } from '../checks/check';
import { judgeNode } from '../checks/programs';
import type { Inside } from './administrator';
import type { JenkinsFacts } from './facts';

type Agent = NonNullable<Inside['agents']>[number];

const nameOf = ({ name }: Agent) => name || 'built-in node';

interface Trouble {
  detail: string;
  remedy: string;
}

const installNode = 'Install Node.js 20 or newer on the agent, where the PATH of its process finds it.';
const letUseDocker =
  'Install the docker client on the agent, and let its user use the Engine (DOCKER_HOST or the group docker).';

/** What keeps an agent from running the library; `asked` is false where it gave no answer in time. */
function troublesOf(agent: Agent): { troubles: Trouble[]; asked: boolean } {
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(agent.answer ?? '')?.[1]?.trim();
  const [node, docker] = [value('node'), value('docker')];
  const troubles: Trouble[] = [];
  if (node === 'none') troubles.push({ detail: `${nameOf(agent)} has no Node.js`, remedy: installNode });
  else if (node !== undefined && node !== 'late' && judgeNode(node).verdict !== 'ok')
    troubles.push({ detail: `${nameOf(agent)} has Node.js ${node}`, remedy: installNode });
  if (docker === 'none') troubles.push({ detail: `${nameOf(agent)} reaches no Docker Engine`, remedy: letUseDocker });
  return { troubles, asked: [node, docker].every((each) => each !== undefined && each !== 'late') };
}

/** Whether agents with the label are online, with Node.js and Docker. */
export function judgeAgents(agents: NonNullable<Inside['agents']>, { label }: JenkinsFacts): Finding {
  const wanted = label ? `the label ${label}` : 'an executor';
  if (agents.length === 0)
    return failed(
      `no agent has ${wanted}`,
      `Give ${wanted} to an agent with Node.js and docker, or name another with --label.`,
    );
  const online = agents.filter((agent) => agent.online);
  const away = agents.filter((agent) => !agent.online);
  const offline = away.map((agent) => `${nameOf(agent)} is offline${agent.reason ? ` (${agent.reason})` : ''}`);
  const connect = 'Start its process again; look at its log in Manage Jenkins → Nodes.';
  if (online.length === 0) return failed(offline.join('; '), connect);
  const looks = online.map((agent) => ({ agent, ...troublesOf(agent) }));
  const troubles = looks.flatMap((each) => each.troubles);
  if (troubles.length > 0)
    return failed(
      [...troubles.map(({ detail }) => detail), ...offline].join('; '),
      [...new Set(troubles.map(({ remedy }) => remedy))].join(' '),
    );
  const silent = looks.filter(({ asked }) => !asked).map(({ agent }) => nameOf(agent));
  if (silent.length > 0)
    return unknown(
      `${silent.join(', ')} gave no answer in time`,
      'Ask again; the first answer of an agent takes longer.',
    );
  const names = online.map(nameOf).join(', ');
  return away.length > 0
    ? warning(`${names} well; ${offline.join('; ')}`, connect)
    : ok(`${names}: Node.js and Docker`);
}
