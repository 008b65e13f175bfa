import type { Context } from '../common/context';
import { connectEngine } from '../common/engine';
import { fail } from '../common/errors';
import { printable } from '../common/log';
import type { ImageReference } from '../image/reference';
import { makeCheck, type Check, type CheckDefinition, type Verdict } from './checks/check';
import { doorCheck } from './checks/door';
import { nodeImagesCheck } from './checks/node-images';
import { monitorCheck } from './checks/monitor';
import { clockCheck, diskCheck, engineCheck } from './checks/engine';
import { readFacts } from './checks/facts';
import { loadBalancingCheck } from './checks/load-balancing';
import { portCheck } from './checks/ports';
import { clientCheck, gitCheck, nodeCheck } from './checks/programs';
import { nameCheck, registryCheck } from './checks/registry';
import { leaderCheck, nodesCheck, swarmCheck } from './checks/swarm';

export interface DoctorSettings {
  /** Version of Node.js that runs this. */
  nodeVersion: string;
  /** Repository of the registry that is written to; undefined when no registry is named. */
  registry?: ImageReference | undefined;
  /** Ports of the system's own services on the loopback. */
  ports: number[];
  /** Image with Node.js for the probe of IPVS; default: the runner's, when the Engine has it. */
  probeImage?: string;
}

/** All checks of machine and Swarm, in the order in which they are told. */
export const checksOf = (settings: DoctorSettings): CheckDefinition[] => [
  nodeCheck(settings.nodeVersion),
  clientCheck,
  gitCheck,
  engineCheck,
  clockCheck,
  diskCheck,
  swarmCheck,
  leaderCheck,
  nodesCheck,
  loadBalancingCheck(settings.probeImage),
  nodeImagesCheck,
  doorCheck,
  monitorCheck,
  nameCheck(settings.registry),
  registryCheck(settings.registry),
  ...settings.ports.map(portCheck),
];

/** Longest that everything may take, in milliseconds. */
const wholeLimit = 29_000;

/** Makes all checks at once, in half a minute at most. */
export async function examine(definitions: CheckDefinition[], context: Context): Promise<Check[]> {
  const start = context.clock.monotonic();
  const engine = connectEngine(context);
  const facts = await readFacts(engine, context);
  const left = wholeLimit - (context.clock.monotonic() - start);
  return Promise.all(definitions.map((definition) => makeCheck(definition, { engine, facts, context }, left)));
}

const signs: Record<Verdict, string> = { ok: '✔', warning: '!', failed: '✘', unknown: '?' };

/** The checks as a table for people. */
export function renderChecks(checks: Check[]): string {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, verdict, detail, remedy }) => [
    `${signs[verdict]} ${name.padEnd(width)}  ${oneLine(detail)}`,
    ...(remedy ? [`  ${' '.repeat(width)}  → ${oneLine(remedy)}`] : []),
  ]);
  const count = (verdict: Verdict) => checks.filter((check) => check.verdict === verdict).length;
  const told: [Verdict, string][] = [
    ['failed', 'failed'],
    ['warning', 'to look at'],
    ['unknown', 'not known'],
  ];
  const rest = told.flatMap(([verdict, words]) => (count(verdict) > 0 ? [`${count(verdict)} ${words}`] : []));
  return [...lines, '', [`${count('ok')} well`, ...rest].join(', ')].join('\n');
}

const oneLine = (text: string) => printable(text.replace(/\s*\n\s*/g, '; '));

/** @throws DOCTOR_FOUND with the failed checks as evidence */
export function requireHealth(checks: Check[]): void {
  const failures = checks.filter(({ verdict }) => verdict === 'failed');
  if (failures.length === 0) return;
  fail('DOCTOR_FOUND', `the doctor found ${failures.length === 1 ? 'a problem' : `${failures.length} problems`}`, {
    evidence: failures.map(({ name, detail, remedy }) => `${name}: ${oneLine(detail)} → ${oneLine(remedy ?? '')}`),
    data: { checks },
  });
}
