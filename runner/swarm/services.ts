import type { Context } from '../common/context';
import { ask, isOutOfSequence, request, statusOf, type Engine } from '../common/engine';
import { fail } from '../common/errors';
import { stackLabel, type Service, type ServiceSpec, type Task } from './types';

/** The services of a stack, by name. */
export async function listStack(engine: Engine, stack: string, context: Context): Promise<Service[]> {
  const query = { filters: { label: [`${stackLabel}=${stack}`] } };
  const list = await ask(context, `listing the services of ${stack}`, () =>
    request<Service[]>(engine, 'GET', '/services', { query }),
  );
  return list.sort((a, b) => a.Spec.Name.localeCompare(b.Spec.Name));
}

export function listServices(engine: Engine, context: Context): Promise<Service[]> {
  return ask(context, 'listing the services', () => request<Service[]>(engine, 'GET', '/services'));
}

/** The service of that name or id, or undefined. */
export async function findService(engine: Engine, name: string, context: Context): Promise<Service | undefined> {
  const path = `/services/${encodeURIComponent(name)}`;
  return ask(context, `reading the service ${name}`, () => request<Service>(engine, 'GET', path), [404]).catch(absent);
}

/** Nothing, for an object that is not there. */
function absent(error: unknown): undefined {
  if (statusOf(error) !== 404) throw error;
}

export interface ObservedTask extends Task {
  /** The Swarm regards the task as one of the service's present spec. */
  upToDate: boolean;
}

/** All tasks of these services that the Swarm remembers, each marked when it belongs to the present spec. */
export async function listTasks(engine: Engine, services: string[], context: Context): Promise<ObservedTask[]> {
  if (services.length === 0) return [];
  const list = (filters: object) =>
    ask(context, 'listing tasks', () => request<Task[]>(engine, 'GET', '/tasks', { query: { filters } }), [404]);
  // `_up-to-date` is how the docker client itself follows a rollout (docker/cli: cli/command/service/progress).
  const current = { service: services, '_up-to-date': ['true'] };
  const found = await Promise.all([list({ service: services }), list(current)]).catch(absent);
  // The Engine knows one of them no more: it was removed a moment ago, and has no tasks.
  if (!found && services.length === 1) return [];
  if (!found) return (await Promise.all(services.map((each) => listTasks(engine, [each], context)))).flat();
  const [all, upToDate] = found;
  const ids = new Set(upToDate.map((task) => task.ID));
  return all.map((task) => ({ ...task, upToDate: ids.has(task.ID) }));
}

/** Tries to change a spec when another writer is in between. */
const conflictTries = 5;

/**
 * Reads the service, lets `decide` make the next spec from what it is now, and writes it by compare-and-swap on the
 * version; on a conflict it reads and decides again. The spec is sent as the body only: dockerode would put it into the
 * URL as well.
 * @throws SERVICE_MISSING, CONFLICT
 */
export async function updateService(
  engine: Engine,
  name: string,
  decide: (live: Service) => ServiceSpec | undefined | Promise<ServiceSpec | undefined>,
  auth: object | undefined,
  context: Context,
): Promise<Service> {
  for (let tries = 1; ; tries++) {
    const live = (await findService(engine, name, context)) ?? fail('SERVICE_MISSING', `there is no service ${name}`);
    const spec = await decide(live);
    if (!spec) return live;
    try {
      const query = { version: live.Version.Index, registryAuthFrom: 'spec' };
      await ask(context, `updating the service ${name}`, () =>
        request(engine, 'POST', `/services/${live.ID}/update`, { query, body: spec, auth }),
      );
      return (await findService(engine, name, context)) ?? live;
    } catch (error) {
      if (!isOutOfSequence(error)) throw error;
      if (tries >= conflictTries)
        fail('CONFLICT', `the service ${name} was changed by somebody else ${tries} times in a row`);
      await context.clock.sleep(100 * tries, context.signal);
    }
  }
}

/** Removes a service; one that is gone already is fine. */
export async function removeService(engine: Engine, name: string, context: Context): Promise<void> {
  const path = `/services/${encodeURIComponent(name)}`;
  await ask(context, `removing the service ${name}`, () => request(engine, 'DELETE', path), [404]).catch(absent);
}
