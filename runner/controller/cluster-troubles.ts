import type { Story } from '../people/notices';
import type { NodeFacts } from '../swarm/facts';
import type { ServiceState } from './model';

/** What of the cluster people are told about. */
export interface ClusterView {
  /** The label by which services take part: controllers for other services tell of theirs. */
  scope: string;
  services: ServiceState[];
  nodes: NodeFacts[];
  certificates: { name: string; notAfter?: string }[];
}

/** Milliseconds before its end when a certificate should long have been renewed. */
const certificateTime = 7 * 86_400_000;
const most = 30;

/** What is wrong at this moment, as stories that go on. */
export function clusterTroubles({ scope, services, nodes, certificates }: ClusterView, now: number): Story[] {
  const quarantined = services.filter(({ state }) => state === 'quarantined');
  return [
    ...nodes.filter(({ state }) => state !== 'ready').map(nodeLost),
    ...quarantined.slice(0, most).map((service) => badLabels(service, scope)),
    ...certificates
      .filter(({ notAfter }) => notAfter !== undefined && Date.parse(notAfter) - now < certificateTime)
      .map(({ name, notAfter }) => certificateEnds(name, notAfter!, now)),
  ];
}

const nodeLost = ({ id, hostname, address, role, state }: NodeFacts): Story => ({
  ...{ story: `node ${id}`, kind: 'node', subject: hostname },
  title: `node ${hostname} is lost`,
  lines: [`${role}, ${address}, state ${state}; the Swarm starts its tasks elsewhere`],
  level: 'danger',
});

const badLabels = ({ name, problems, lastGood }: ServiceState, scope: string): Story => ({
  ...{ story: `labels ${scope} ${name}`, kind: 'quarantine', subject: name },
  title: `${name}: its labels are wrong`,
  lines: [
    lastGood ? 'the last good version of its labels stays in force' : 'it has no route until they are right',
    ...problems.map(({ label, message }) => (label ? `${label}: ${message}` : message)),
  ],
  level: 'warning',
});

const certificateEnds = (name: string, notAfter: string, now: number): Story => ({
  ...{ story: `certificate ${name}`, kind: 'certificate', subject: name },
  title: `the certificate ${name} ${Date.parse(notAfter) <= now ? 'has ended' : 'ends soon'}`,
  lines: [`it ends at ${notAfter} and was not renewed`],
  level: 'danger',
});

const ends: Record<string, (subject: string) => string> = {
  node: (subject) => `node ${subject} is back`,
  quarantine: (subject) => `${subject}: its labels are good again`,
  certificate: (subject) => `the certificate ${subject} is good again`,
};

/** Kinds of stories that are told here. */
export const troubleKinds = Object.keys(ends);

/** The end of a story that was told. */
export const endOf = ({ story, kind, subject }: Pick<Story, 'story' | 'kind' | 'subject'>): Story => ({
  ...{ story, kind, subject },
  title: ends[kind]!(subject),
  lines: [],
  level: 'good',
  ended: true,
});
