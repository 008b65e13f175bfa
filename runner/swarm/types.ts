/** The parts of the Engine's objects that decisions are made from (https://docs.docker.com/engine/api/v1.41/). */
export interface ServiceSpec {
  Name: string;
  Labels?: Record<string, string>;
  TaskTemplate: {
    ContainerSpec?: { Image: string; Healthcheck?: unknown; [key: string]: unknown };
    Networks?: { Target: string; Aliases?: string[] }[];
    [key: string]: unknown;
  };
  Mode: {
    Replicated?: { Replicas?: number };
    Global?: object;
    ReplicatedJob?: { TotalCompletions?: number; MaxConcurrent?: number };
    GlobalJob?: object;
  };
  UpdateConfig?: { Order?: string; Monitor?: number; [key: string]: unknown };
  EndpointSpec?: { Mode?: string; Ports?: { TargetPort: number; PublishedPort?: number; PublishMode?: string }[] };
  [key: string]: unknown;
}

export interface Service {
  ID: string;
  Version: { Index: number };
  Spec: ServiceSpec;
  PreviousSpec?: ServiceSpec;
  UpdateStatus?: { State?: string; Message?: string; StartedAt?: string; CompletedAt?: string };
}

export interface Task {
  ID: string;
  ServiceID: string;
  NodeID?: string;
  Slot?: number;
  DesiredState: string;
  CreatedAt: string;
  Spec: { ContainerSpec?: { Image: string } };
  Status: {
    State: string;
    Err?: string;
    Message?: string;
    Timestamp: string;
    ContainerStatus?: { ContainerID?: string; ExitCode?: number };
  };
  NetworksAttachments?: { Network: { ID: string; Spec: { Name: string } }; Addresses?: string[] }[];
}

export const stackLabel = 'com.docker.stack.namespace';

/** The stack that a service belongs to, or the service itself where it belongs to none. */
export const stackOf = ({ Spec }: Service): string => Spec.Labels?.[stackLabel] ?? Spec.Name;

/** Replicas the service wants, or undefined for a service that is not replicated. */
export const wantedReplicas = (spec: ServiceSpec): number | undefined =>
  spec.Mode.Replicated ? (spec.Mode.Replicated.Replicas ?? 1) : undefined;

/** The same spec with that many replicas; a spec that is not replicated stays as it is. */
export function withReplicas(spec: ServiceSpec, replicas: number | undefined): ServiceSpec {
  if (!spec.Mode.Replicated || replicas === undefined) return spec;
  return { ...spec, Mode: { ...spec.Mode, Replicated: { ...spec.Mode.Replicated, Replicas: replicas } } };
}

export const imageOf = (spec: ServiceSpec): string => spec.TaskTemplate.ContainerSpec?.Image ?? '';
