import { createHash } from 'node:crypto';

export type EngineName = 'haproxy' | 'prometheus' | 'alertmanager';

/** The whole configuration of one engine: files by their path below the bundle's folder. */
export interface Bundle {
  engine: EngineName;
  /** Proxy instance; empty for the usual one. */
  instance: string;
  /** Hash of the files. */
  revision: string;
  files: Record<string, string>;
}

/** What an agent tells of itself after each change. */
export interface AgentReport {
  engine: EngineName;
  instance: string;
  /** Host name of the container: one per task. */
  agent: string;
  /** Host name of the node, where it is known. */
  node: string;
  version: string;
  /** Version of the engine, such as 3.0.11. */
  engineVersion: string;
  /** Revision that the engine runs; empty before the first. */
  running: string;
  reloads: number;
  /** Set where the newest bundle was refused: its revision and the checker's own words. */
  refused?: { revision: string; message: string };
  /** What else ails the agent or its engine: an engine that ends again and again, a full disk. */
  problem?: string;
  /** Processes of earlier configurations that still finish what they have begun. */
  oldWorkers?: number;
}

export const agentHeader = 'homeostat-agent';

/** The same files have the same revision, whatever their order. */
export function revisionOf(files: Record<string, string>): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(files).sort()) hash.update(`${name}\0${files[name]!.length}\0${files[name]}\0`);
  return hash.digest('hex').slice(0, 16);
}

export const bundleOf = (engine: EngineName, instance: string, files: Record<string, string>): Bundle => ({
  engine,
  instance,
  revision: revisionOf(files),
  files,
});
