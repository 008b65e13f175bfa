import { createSocket } from 'node:dgram';
import type { Context } from '../common/context';
import { ask, connectEngine, request, type Engine } from '../common/engine';
import { fail, HomeostatError } from '../common/errors';
import { addToState } from './state';

/** What the Engine says of its part in a Swarm (https://docs.docker.com/engine/api/v1.41/#tag/System/operation/SystemInfo). */
export interface SwarmInfo {
  LocalNodeState?: 'inactive' | 'pending' | 'active' | 'error' | 'locked' | '';
  ControlAvailable?: boolean;
  NodeID?: string;
  Error?: string;
}

export interface SwarmInitOptions {
  /** Address or interface under which other nodes reach this one; default: that of the default route. */
  advertiseAddress?: string | undefined;
}

/**
 * Sees to it that the Engine is a manager of a Swarm; one that is made is noted in the state of that folder.
 * @throws SWARM_NOT_MANAGER, SWARM_UNUSABLE, ENGINE_UNREACHABLE, ENGINE_FAILED
 */
export async function ensureSwarm(
  engine: Engine,
  folder: string,
  options: SwarmInitOptions,
  context: Context,
): Promise<'present' | 'made'> {
  if (isManager(await swarmInfo(engine, context))) return 'present';
  const address = options.advertiseAddress ?? (await defaultAddress(context));
  context.log.info(`initialising a Swarm${address ? ` that advertises ${address}` : ''}`);
  await addToState(folder, (state) => ({ ...state, swarm: true }));
  try {
    // The listen address is what `docker swarm init` sends when none is given.
    const body = { ListenAddr: '0.0.0.0:2377', ...(address ? { AdvertiseAddr: address } : {}) };
    await ask(context, 'initialising the Swarm', () => request(engine, 'POST', '/swarm/init', { body }));
    return 'made';
  } catch (error) {
    await addToState(folder, ({ swarm: _swarm, ...state }) => state);
    // Somebody else may have been quicker.
    if (isManager(await swarmInfo(engine, context))) return 'present';
    if (error instanceof HomeostatError && error.code === 'ENGINE_FAILED')
      fail('ENGINE_FAILED', 'the Swarm could not be initialised', {
        ...(error.causeText ? { cause: error.causeText } : {}),
        remedy: 'Name an address of this machine that other nodes can reach with --advertise-addr.',
      });
    throw error;
  }
}

export async function swarmInfo(engine: Engine, context: Context): Promise<SwarmInfo> {
  const info = await ask(context, 'asking for the Swarm', () => request<{ Swarm?: SwarmInfo }>(engine, 'GET', '/info'));
  return info.Swarm ?? {};
}

/** Whether a Swarm is there and can be managed from here; false when there is none; else an error that says why. */
function isManager({ LocalNodeState, ControlAvailable, Error: cause }: SwarmInfo): boolean {
  if (!LocalNodeState || LocalNodeState === 'inactive') return false;
  if (LocalNodeState === 'active' && ControlAvailable) return true;
  if (LocalNodeState === 'active')
    fail('SWARM_NOT_MANAGER', 'this Engine is a worker of a Swarm that is there already');
  return fail('SWARM_UNUSABLE', `this Engine's part in its Swarm is '${LocalNodeState}'`, {
    ...(cause ? { cause } : {}),
    ...(LocalNodeState === 'locked' ? { remedy: 'Run `docker swarm unlock` with the key of the Swarm.' } : {}),
  });
}

/**
 * Address of the interface that the default route leaves by; undefined where there is none, or where the Engine is on
 * another machine and so has to choose itself.
 */
export async function defaultAddress(context: Context): Promise<string | undefined> {
  const { socketPath } = connectEngine(context).modem as { socketPath?: string };
  if (!socketPath) return undefined;
  const socket = createSocket('udp4');
  try {
    // Connecting a UDP socket sends nothing; it only makes the kernel choose the source address (192.0.2.1: RFC 5737).
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(9, '192.0.2.1', resolve);
    });
    return socket.address().address;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}
