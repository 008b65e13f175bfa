import type { DoorService, DoorStatus } from './door-status';

/** Routes and problems of one service, as lines below its row. */
export function doorLines(door: DoorStatus | undefined, service: string): string[] {
  const known = door?.services.find(({ name }) => name === service);
  if (!known) return [];
  const told = known.problems.map(({ severity, label, message }) =>
    [severity, label, message].filter(Boolean).join(': '),
  );
  return [...(known.routes.length > 0 ? [routesOf(known)] : []), ...quarantine(known), ...told];
}

const shown = 5;

const routesOf = ({ routes }: DoorService): string =>
  `routes: ${routes.slice(0, shown).join(', ')}${routes.length > shown ? ` and ${routes.length - shown} more` : ''}`;

const quarantine = ({ state, lastGood }: DoorService): string[] => {
  if (state !== 'quarantined') return [];
  return [`quarantined: ${lastGood ? 'its last good version is served' : 'it is not served'}`];
};

/** Proxies as rows of cells. */
export function proxyRows(door: DoorStatus | undefined): string[][] {
  return (door?.proxies ?? []).map(({ agent, node, engineVersion, running, behind, refused }) => [
    `${behind || refused ? '!' : '✔'} ${node || agent}`,
    `HAProxy ${engineVersion}`,
    running ? `revision ${running.slice(0, 8)}` : 'nothing loaded yet',
    refused ? `refused ${refused.revision.slice(0, 8)}: ${refused.message.split('\n')[0]}` : behind ? 'behind' : '',
  ]);
}

/** Certificates as rows of cells. */
export function certificateRows(door: DoorStatus | undefined): string[][] {
  return (door?.certificates ?? []).map(({ name, source, domains, notAfter, problem, warnings }) => [
    `${problem || warnings.length > 0 ? '!' : '✔'} ${name}`,
    source,
    domains.slice(0, shown).join(', '),
    problem ?? [...(notAfter ? [`until ${notAfter.slice(0, 10)}`] : []), ...warnings].join('; '),
  ]);
}

/** What of the door is not well, in words. */
export function doorProblems(door: DoorStatus | undefined): string[] {
  if (!door) return [];
  const quarantined = door.services.filter(({ state }) => state === 'quarantined').map(({ name }) => name);
  const behind = door.proxies.filter((proxy) => proxy.behind || proxy.refused).map(({ node, agent }) => node || agent);
  const certificates = door.certificates.filter(({ problem, warnings }) => problem || warnings.length > 0);
  return [
    ...(door.problem ? [door.problem] : []),
    ...(quarantined.length > 0 ? [`quarantined: ${quarantined.join(', ')}`] : []),
    ...(behind.length > 0 ? [`proxies behind: ${behind.join(', ')}`] : []),
    ...certificates.map(({ name, problem, warnings }) => `certificate ${name}: ${problem ?? warnings.join('; ')}`),
  ];
}
