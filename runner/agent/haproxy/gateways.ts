/**
 * Default gateways in the text of /proc/net/route: what comes from this machine's own containers and published ports
 * seems to come from there. Addresses are hexadecimal there, the last byte first.
 */
export function defaultGateways(routes: string): string[] {
  const gateways = routes
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, destination, gateway, , , , , mask]) => destination === zero && mask === zero && gateway !== zero)
    .map(([, , gateway]) => gateway!)
    .filter((gateway) => /^[0-9A-Fa-f]{8}$/.test(gateway))
    .map((gateway) => [...Buffer.from(gateway, 'hex')].reverse().join('.'));
  return [...new Set(gateways)];
}

const zero = '00000000';
