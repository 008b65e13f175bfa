import type { LabelProblem, ServiceDescription } from '../labels/description';

/** Something that is wrong with a service, with the label where it is one. */
export interface Problem {
  severity: 'error' | 'warning';
  label?: string;
  message: string;
  /** What a wrong label costs, where it is not the whole service. */
  costs?: LabelProblem['costs'];
}

/** `accepted`: served as it is; `quarantined`: its last good version is served, or nothing; `ignored`: does not take part. */
export type ServiceStateName = 'accepted' | 'quarantined' | 'ignored';

/** A service as GET /v1/services tells it. */
export interface ServiceState {
  name: string;
  stack: string;
  state: ServiceStateName;
  problems: Problem[];
  /** An earlier version of its labels is served in place of the present one. */
  lastGood: boolean;
  /** As a person writes them. */
  routes: string[];
  replicas: { running: number; wanted: number };
  slots: number;
}

/** The labels of a service at one time, with the networks of its tasks then. */
export interface Version {
  labels: Record<string, string>;
  networks: string[];
}

/** A version that was looked at. */
export interface Judged {
  version: Version;
  /** Of the labels that count. */
  hash: string;
  takesPart: boolean;
  /** There, and without an error. */
  description?: ServiceDescription;
  secretUsers: SecretUser[];
  problems: Problem[];
}

export interface SecretUser {
  name: string;
  password: string;
}

export const isGood = (judged: Judged): judged is Judged & { description: ServiceDescription } =>
  judged.description !== undefined &&
  !judged.problems.some(({ severity, costs }) => severity === 'error' && costs === undefined);

/** Label by which services are known as proxies; its value is the instance, empty for the usual one. */
export const proxyLabel = 'com.homeostat.proxy';
