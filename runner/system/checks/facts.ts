import type { Context } from '../../common/context';
import { engineError, request, type Engine } from '../../common/engine';
import { HomeostatError } from '../../common/errors';
import type { Service } from '../../swarm/types';
import type { SwarmInfo } from '../swarm-init';
import type { Node } from '../nodes';

export interface EngineInfo {
  DockerRootDir: string;
  /** Time of the Engine's machine. */
  SystemTime: string;
  Swarm?: SwarmInfo;
}

export interface ServiceWithStatus extends Service {
  ServiceStatus?: { RunningTasks: number; DesiredTasks: number };
}

/** What was read of the Engine before anything is judged; what could not be read is missing, with its fault. */
export interface Facts {
  /** Unix socket of an Engine on this machine; undefined for one that is reached by network. */
  socket: string | undefined;
  version?: { Version: string; ApiVersion: string };
  engineFault?: HomeostatError;
  info?: EngineInfo;
  /** Our wall clock before and after the Engine was asked for its information, in milliseconds. */
  asked?: { before: number; after: number };
  nodes?: Node[];
  nodesFault?: HomeostatError;
  services?: ServiceWithStatus[];
}

/**
 * Longest for one answer, in milliseconds. A manager that is about to lose its leader takes 20 s for what needs the
 * Swarm, so each answer is read apart from the others.
 */
const answerLimit = 8000;

/** Reads what the checks judge: everything at once, each answer in bounded time. */
export async function readFacts(engine: Engine, context: Context): Promise<Facts> {
  const read = async <T>(what: string, path: string, query = {}): Promise<{ value?: T; fault?: HomeostatError }> => {
    const late = AbortSignal.timeout(answerLimit);
    const signal = AbortSignal.any([context.signal, late]);
    try {
      return { value: await request<T>(engine, 'GET', path, { query, signal }) };
    } catch (error) {
      if (context.signal.aborted) throw context.signal.reason;
      return { fault: late.aborted ? lateFault(what, path) : engineError(what, error) };
    }
  };
  const before = context.clock.now().getTime();
  let after = before;
  const [version, info, nodes, services] = await Promise.all([
    read<{ Version: string; ApiVersion: string }>('asking the Engine', '/version'),
    read<EngineInfo>('asking the Engine', '/info').finally(() => (after = context.clock.now().getTime())),
    read<Node[]>('listing the nodes', '/nodes'),
    read<ServiceWithStatus[]>('listing the services', '/services', { status: true }),
  ]);
  return {
    socket: (engine.modem as { socketPath?: string }).socketPath,
    ...(version.value ? { version: version.value } : {}),
    ...(version.fault ? { engineFault: version.fault } : {}),
    ...(info.value ? { info: info.value, asked: { before, after } } : {}),
    ...(nodes.value ? { nodes: nodes.value } : {}),
    ...(nodes.fault ? { nodesFault: nodes.fault } : {}),
    ...(services.value ? { services: services.value } : {}),
  };
}

const lateFault = (what: string, path: string) =>
  new HomeostatError(path === '/nodes' ? 'SWARM_NO_LEADER' : 'ENGINE_UNREACHABLE', what, {
    cause: `no answer within ${answerLimit / 1000} s`,
  });
