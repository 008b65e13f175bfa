/** A node of the Swarm, as far as it is looked at (https://docs.docker.com/engine/api/v1.41/#tag/Node). */
export interface Node {
  ID: string;
  Spec: { Role: 'manager' | 'worker'; Availability: 'active' | 'pause' | 'drain' };
  Description?: { Hostname?: string; Engine?: { EngineVersion?: string } };
  Status: { State: string; Message?: string; Addr?: string };
  ManagerStatus?: { Leader?: boolean; Reachability?: string; Addr?: string };
}

export const hostOf = (node: Node): string => node.Description?.Hostname ?? node.ID;

/** Whether the node runs and takes tasks. */
export const takesTasks = (node: Node): boolean => node.Status.State === 'ready' && node.Spec.Availability === 'active';

export const isManager = (node: Node): boolean => node.Spec.Role === 'manager';

export const isReachable = (node: Node): boolean => node.ManagerStatus?.Reachability === 'reachable';
