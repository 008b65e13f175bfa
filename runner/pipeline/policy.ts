import { deployLabels, servicesOf, type StackFile, type StackService } from './stack-file';

/**
 * What makes a stack unsafe to roll: advice for each public service (one with a route or a published port) that could
 * lose requests in a rollout. `image` tells whether the image of a service has a health check of its own.
 */
export function policyAdvice(stack: StackFile, healthchecked: Set<string>): string[] {
  return Object.entries(servicesOf(stack)).flatMap(([name, service]) => {
    if (!isPublic(service)) return [];
    const advice: string[] = [];
    const replicas = Number(service.deploy?.replicas ?? 1);
    if (service.deploy?.mode !== 'global' && replicas < 2)
      advice.push(`${name}: one replica; a lost task or node interrupts it (deploy.replicas: 2)`);
    if (!healthchecked.has(name) && (!service.healthcheck || service.healthcheck.disable === true))
      advice.push(
        `${name}: no healthcheck; tasks get requests before they can answer (healthcheck: or HEALTHCHECK in the image)`,
      );
    if (service.deploy?.update_config?.order !== 'start-first' && !hostPorts(service))
      advice.push(
        `${name}: order stop-first; capacity drops in each rollout (deploy.update_config.order: start-first)`,
      );
    return advice;
  });
}

const isPublic = (service: StackService) =>
  deployLabels(service)['com.df.notify'] === 'true' || (Array.isArray(service.ports) && service.ports.length > 0);

/** A task that holds a port of its node cannot be started beside the one it replaces. */
const hostPorts = (service: StackService) =>
  Array.isArray(service.ports) &&
  service.ports.some(
    (port) => typeof port === 'object' && port !== null && (port as { mode?: string }).mode === 'host',
  );
