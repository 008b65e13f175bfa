import { isIPv4 } from 'node:net';

export interface ClusterSettings {
  /** Host names or addresses that all members are found under, such as tasks.homeostat-monitor_alertmanager. */
  peers: string[];
  /** Port of the members among themselves. */
  port: number;
  /** The address of this member for the others; undefined leaves the choice to Alertmanager. */
  advertise?: string | undefined;
  /** The address to listen on. */
  listen?: string;
}

/**
 * Alertmanager's arguments for its own cluster. Names are given as they are: it resolves them again every 15 s, so that
 * members that start at the same time find each other. Without names it stands alone.
 */
export function clusterArguments(cluster: ClusterSettings | undefined): string[] {
  if (!cluster || cluster.peers.length === 0) return ['--cluster.listen-address='];
  const { peers, port, advertise, listen = '0.0.0.0' } = cluster;
  return [
    `--cluster.listen-address=${listen}:${port}`,
    ...(advertise === undefined ? [] : [`--cluster.advertise-address=${advertise}:${port}`]),
    ...peers.map((peer) => `--cluster.peer=${peer.includes(':') ? peer : `${peer}:${port}`}`),
    // The first alerts wait for the cluster to settle; it has in a few seconds, or nobody is there.
    '--cluster.settle-timeout=15s',
    '--cluster.reconnect-timeout=10m',
  ];
}

export interface LocalAddress {
  /** Name of the network interface. */
  name: string;
  address: string;
  netmask: string;
  internal: boolean;
}

/**
 * The address under which others on the same network reach this machine: the one in whose network one of the known
 * addresses is, else the only one that is not on an interface with a default route, for that one leads out of the Swarm.
 */
export function advertiseAddress(local: LocalAddress[], known: string[], defaultRoutes: string[]): string | undefined {
  const candidates = local.filter(({ address, internal }) => !internal && isIPv4(address));
  const shared = candidates.find(({ address, netmask }) =>
    known.some((other) => isIPv4(other) && masked(other, netmask) === masked(address, netmask)),
  );
  if (shared) return shared.address;
  const inner = candidates.filter(({ name }) => !defaultRoutes.includes(name));
  return inner.length === 1 ? inner[0]!.address : undefined;
}

const masked = (address: string, netmask: string) => {
  const mask = netmask.split('.').map(Number);
  return address
    .split('.')
    .map((part, index) => Number(part) & mask[index]!)
    .join('.');
};

/** Interfaces with a default route in the text of /proc/net/route. */
export function defaultInterfaces(routes: string): string[] {
  return routes
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')
    .map(([name]) => name!);
}
