import { certificateRows, doorProblems, proxyRows } from '../door-render';
import { readDoor, type DoorStatus } from '../door-status';
import { failed, ok, warning, type CheckDefinition, type Finding } from './check';

/** Whether the controller answers, every proxy runs what it says, no service is quarantined, no certificate in danger. */
export const doorCheck: CheckDefinition = {
  name: 'door',
  needs: 'manager',
  async look({ facts, context }) {
    return judgeDoor(await readDoor(facts.services ?? [], context));
  },
};

export function judgeDoor(door: DoorStatus | undefined): Finding {
  if (!door) return ok('there is none; `homeostat up` starts controller and proxy');
  if (door.problem)
    return failed(door.problem, 'Look at its log: `docker service logs homeostat-controller_controller`.');
  const problems = doorProblems(door);
  if (proxyRows(door).length === 0)
    return failed('no proxy asks the controller', 'Look at its log: `docker service logs homeostat-proxy_proxy`.');
  if (problems.length > 0) return warning(problems.join('; '), 'See `homeostat status` for the reasons.');
  const routes = door.services.reduce((sum, service) => sum + service.routes.length, 0);
  return ok(`${routes} routes on ${door.proxies.length} proxies, ${certificateRows(door).length} certificates`);
}
