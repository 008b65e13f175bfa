import type { Context } from '../common/context';
import { messageOf } from '../common/errors';
import type { Service } from '../swarm/types';
import { controllerClient, controllerLabel } from './controller-client';

/** A service as the controller tells it. */
export interface DoorService {
  name: string;
  stack?: string;
  state: 'accepted' | 'quarantined' | 'ignored';
  problems: { severity: 'error' | 'warning'; label?: string; message: string }[];
  /** Its last good version is served. */
  lastGood: boolean;
  routes: string[];
}

export interface DoorProxy {
  agent: string;
  node: string;
  engineVersion: string;
  running: string;
  behind: boolean;
  refused?: { revision: string; message: string };
}

export interface DoorCertificate {
  name: string;
  source: string;
  domains: string[];
  notAfter?: string;
  problem?: string;
  warnings: string[];
}

/** What the controller knows; with a problem where it cannot be asked. */
export interface DoorStatus {
  problem?: string;
  services: DoorService[];
  proxies: DoorProxy[];
  certificates: DoorCertificate[];
}

/** Asks the controller, if there is one, what it knows of routes, proxies and certificates. */
export async function readDoor(services: Service[], context: Context): Promise<DoorStatus | undefined> {
  const controller = services.find(({ Spec }) => Spec.Labels?.[controllerLabel] !== undefined);
  if (!controller) return undefined;
  try {
    const http = await controllerClient(controller, context);
    const [known, proxies, certificates] = await Promise.all([
      http.get<DoorService[]>('/v1/services'),
      http.get<DoorProxy[]>('/v1/proxies'),
      http.get<DoorCertificate[]>('/v1/certificates'),
    ]);
    return { services: known.data, proxies: proxies.data, certificates: certificates.data };
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    const problem = `the controller does not answer: ${messageOf(error)}`;
    return { problem, services: [], proxies: [], certificates: [] };
  }
}
