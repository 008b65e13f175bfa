import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import path from 'node:path';
import axios, { type AxiosInstance } from 'axios';
import type { Context } from '../common/context';
import type { Service } from '../swarm/types';
import { controllerFolder } from './services';
import { stateFolder } from './state';

/** Label on the controller's service. */
export const controllerLabel = 'com.homeostat.controller';
const answerLimit = 5000;

/**
 * Who asks the controller, as HOMEOSTAT_CONTROLLER, HOMEOSTAT_READER_TOKEN and HOMEOSTAT_CONTROLLER_CA (a file) say,
 * else with what `up` left on this machine, at the port that its service publishes through the proxy.
 */
export async function controllerClient(controller: Service, context: Context): Promise<AxiosInstance> {
  const folder = controllerFolder(stateFolder(context));
  const own = (name: string) => readFile(path.join(folder, name), 'utf8').then((text) => text.trim());
  const port = controller.Spec.Labels?.['com.df.srcPort'] ?? '7080';
  const { HOMEOSTAT_CONTROLLER: address, HOMEOSTAT_READER_TOKEN: token, HOMEOSTAT_CONTROLLER_CA: ca } = context.env;
  const certificate = ca ? readFile(ca, 'utf8') : address ? undefined : own('certificate.pem');
  return axios.create({
    baseURL: address ?? `https://127.0.0.1:${port}`,
    headers: { authorization: `Bearer ${token ?? (await own('reader-token'))}` },
    timeout: answerLimit,
    proxy: false,
    signal: context.signal,
    ...(certificate ? { httpsAgent: new Agent({ ca: await certificate }) } : {}),
  });
}
