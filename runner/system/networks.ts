import type { Context } from '../common/context';
import { ask, request, statusOf, type Engine } from '../common/engine';
import { addToState, including } from './state';

/** The network on which the system's own services find each other. */
export const systemNetwork = 'homeostat';
/** The network on which the proxy finds the services it leads to; the name that Docker Flow's users have already. */
export const proxyNetwork = 'proxy';

/** Sees to it that the system's overlay networks are there; one that is made is noted in the state of that folder. */
export async function ensureNetworks(engine: Engine, folder: string, context: Context): Promise<void> {
  for (const name of [systemNetwork, proxyNetwork]) {
    if (await networkExists(engine, name, context)) continue;
    await addToState(folder, (state) => ({ ...state, networks: including(state.networks, name) }));
    const body = { Name: name, Driver: 'overlay', Attachable: true, CheckDuplicate: true };
    await ask(context, `making the network ${name}`, () => request(engine, 'POST', '/networks/create', { body }));
  }
}

async function networkExists(engine: Engine, name: string, context: Context): Promise<boolean> {
  const read = () => request(engine, 'GET', `/networks/${name}`, { query: { scope: 'swarm' } });
  return ask(context, `looking for the network ${name}`, read, [404]).then(
    () => true,
    (error: unknown) => {
      if (statusOf(error) === 404) return false;
      throw error;
    },
  );
}
