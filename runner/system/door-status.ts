import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import path from 'node:path';
import axios from 'axios';
import type { Context } from '../common/context';
import { messageOf } from '../common/errors';
import type { Service } from '../swarm/types';
import { controllerFolder } from './door';
import { stateFolder } from './state';

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

/** Label on the controller's service. */
export const controllerLabel = 'com.homeostat.controller';
const answerLimit = 5000;

interface Access {
  address: string;
  token: string;
  ca?: string;
}

/**
 * How the controller is asked: as HOMEOSTAT_CONTROLLER, HOMEOSTAT_READER_TOKEN and HOMEOSTAT_CONTROLLER_CA (a file) say,
 * else with what `up` left on this machine, at the port that its service publishes through the proxy.
 */
async function accessTo(service: Service, context: Context): Promise<Access> {
  const folder = controllerFolder(stateFolder(context));
  const own = (name: string) => readFile(path.join(folder, name), 'utf8').then((text) => text.trim());
  const port = service.Spec.Labels?.['com.df.srcPort'] ?? '7080';
  const { HOMEOSTAT_CONTROLLER: address, HOMEOSTAT_READER_TOKEN: token, HOMEOSTAT_CONTROLLER_CA: ca } = context.env;
  const certificate = ca ? readFile(ca, 'utf8') : address ? undefined : own('certificate.pem');
  return {
    address: address ?? `https://127.0.0.1:${port}`,
    token: token ?? (await own('reader-token')),
    ...(certificate ? { ca: await certificate } : {}),
  };
}

/** Asks the controller, if there is one, what it knows of routes, proxies and certificates. */
export async function readDoor(services: Service[], context: Context): Promise<DoorStatus | undefined> {
  const controller = services.find(({ Spec }) => Spec.Labels?.[controllerLabel] !== undefined);
  if (!controller) return undefined;
  try {
    const { address, token, ca } = await accessTo(controller, context);
    const http = axios.create({
      baseURL: address,
      headers: { authorization: `Bearer ${token}` },
      timeout: answerLimit,
      proxy: false,
      signal: context.signal,
      ...(ca ? { httpsAgent: new Agent({ ca }) } : {}),
    });
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
