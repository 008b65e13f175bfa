import { createServer } from 'node:net';
import { messageOf } from '../../common/errors';
import { stackLabel } from '../../swarm/types';
import { ok, unknown, warning, type CheckDefinition, type Finding } from './check';
import type { Facts, ServiceWithStatus } from './facts';

export type PortState = 'free' | 'in use' | { problem: string };

/** Whether a port that the proxy publishes on each node is free, or held by it. */
export const portCheck = (port: number): CheckDefinition => ({
  name: `port ${port}`,
  needs: 'nothing',
  async look({ facts }) {
    if (facts.socket === undefined) return unknown('the Engine is on another machine');
    return judgePort(port, await tryPort(port), facts);
  },
});

export function judgePort(port: number, state: PortState, { services = [] }: Facts): Finding {
  if (typeof state === 'object') return unknown(state.problem);
  if (state === 'free') return ok('free');
  const publishing = services.filter((service) => publishes(service, port));
  const own = publishing.find((service) => isOwn(service) && runs(service));
  if (own) return ok(`held by ${own.Spec.Name}`);
  const [other] = publishing;
  return warning(
    `held by ${other ? `the service ${other.Spec.Name}` : 'another program'}`,
    `Free it (\`ss -ltnp\` tells who listens), or let \`homeostat up\` use another port.`,
  );
}

const isOwn = (service: ServiceWithStatus) => service.Spec.Labels?.[stackLabel]?.startsWith('homeostat-') ?? false;

const runs = (service: ServiceWithStatus) => (service.ServiceStatus?.RunningTasks ?? 1) > 0;

const publishes = (service: ServiceWithStatus, port: number) =>
  service.Spec.EndpointSpec?.Ports?.some(({ PublishedPort }) => PublishedPort === port) ?? false;

/** Tries to listen on a port of this machine's loopback. */
export async function tryPort(port: number): Promise<PortState> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ host: '127.0.0.1', port, exclusive: true }, resolve);
    });
    return 'free';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'in use' : { problem: messageOf(error) };
  } finally {
    server.close();
  }
}
