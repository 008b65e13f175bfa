import { labelPairs } from '../common/metrics';

/** A container as the Engine describes it; the numbers that change all the time come from elsewhere. */
export interface ContainerFacts {
  id: string;
  /** Process 1 of the container, in the Engine's numbers; 0 while it waits to be restarted. */
  pid: number;
  /** Seconds since 1970. */
  startedAt: number;
  restarts: number;
  /** Undefined where it has no health check. */
  healthy?: boolean;
  /** Bytes; 0 is no limit. */
  memoryLimit: number;
  /** Microseconds of processor time in each period; 0 is no limit. */
  cpuQuota: number;
  /** Microseconds. */
  cpuPeriod: number;
  /** Its network interfaces are its own, and not those of the node or of another container. */
  ownNetwork: boolean;
  /** Its labels, as they stand in each of its metrics, in UTF-8. */
  labels: Buffer;
}

/** The parts of an answer to an inspection (https://docs.docker.com/engine/api/v1.41/#operation/ContainerInspect). */
export interface InspectedContainer {
  Id: string;
  Name?: string;
  RestartCount?: number;
  State?: { Running?: boolean; Pid?: number; StartedAt?: string; Health?: { Status?: string } | null };
  Config?: { Image?: string; Labels?: Record<string, string> | null };
  HostConfig?: { Memory?: number; NanoCpus?: number; CpuQuota?: number; CpuPeriod?: number; NetworkMode?: string };
}

/** Labels of containers that become labels of metrics, as cAdvisor names them. */
const passedOn = [
  'com.docker.swarm.service.name',
  'com.docker.swarm.service.id',
  'com.docker.swarm.task.name',
  'com.docker.swarm.task.id',
  'com.docker.swarm.node.id',
  'com.docker.stack.namespace',
].map((label) => [label, `container_label_${label.replaceAll('.', '_')}`] as const);

/** Microseconds; what the Engine uses where nobody says otherwise. */
const usualPeriod = 100_000;

export function containerFacts(inspected: InspectedContainer): ContainerFacts {
  const { Id, State, Config, HostConfig = {} } = inspected;
  const status = State?.Health?.Status;
  const period = HostConfig.CpuPeriod || usualPeriod;
  const byCpus = HostConfig.NanoCpus ? Math.round((HostConfig.NanoCpus / 1e9) * period) : 0;
  const startedAt = Date.parse(State?.StartedAt ?? '') / 1000;
  return {
    id: Id,
    pid: State?.Pid ?? 0,
    startedAt: startedAt > 0 ? startedAt : 0,
    restarts: inspected.RestartCount ?? 0,
    ...(status && status !== 'none' ? { healthy: status === 'healthy' } : {}),
    memoryLimit: HostConfig.Memory ?? 0,
    cpuQuota: byCpus || Math.max(0, HostConfig.CpuQuota ?? 0),
    cpuPeriod: period,
    ownNetwork: !/^(?:host|none|container:.*)$/.test(HostConfig.NetworkMode ?? ''),
    labels: Buffer.from(
      labelPairs({
        id: `/docker/${Id}`,
        name: (inspected.Name ?? '').replace(/^\//, ''),
        image: Config?.Image ?? '',
        ...labelsOf(Config?.Labels ?? {}),
      }),
    ),
  };
}

const labelsOf = (labels: Record<string, string>) =>
  Object.fromEntries(
    passedOn.flatMap(([label, name]) => {
      const value = Object.hasOwn(labels, label) ? labels[label] : undefined;
      return value ? [[name, value]] : [];
    }),
  );
