import { once } from 'node:events';
import { createServer, isIP } from 'node:net';

/** A place where a configuration listens by TCP. */
export interface Binding {
  /** IP address; empty for all. */
  host: string;
  port: number;
  /** Number of its line in the file, from 1. */
  line: number;
  frontend: string;
}

/** The TCP addresses of all `bind` lines; ports that are ranges and sockets of other kinds are left out. */
export function bindingsOf(text: string): Binding[] {
  const bindings: Binding[] = [];
  let frontend = '';
  text.split('\n').forEach((content, index) => {
    const [first, second = ''] = content.trim().split(/\s+/);
    if (first === 'frontend' || first === 'listen') frontend = second;
    if (first !== 'bind') return;
    for (const address of second.split(',')) {
      const match = /^(?:ipv[46]@)?(.*):(\d+)$/.exec(address);
      const host = match?.[1]!.replace(/^\[(.*)\]$/, '$1').replace(/^\*$/, '') ?? '@';
      if (host === '' || isIP(host) !== 0) bindings.push({ host, port: Number(match![2]), line: index + 1, frontend });
    }
  });
  return bindings;
}

/**
 * What stands in the way of listening where a new configuration wants to and the one before did not, in the words of
 * HAProxy; undefined where nothing does. `haproxy -c` does not try, and a reload that finds out closes all ports for two
 * seconds: it asks the old worker to let go, in case that one is in the way.
 */
export async function takenBinding(next: string, before: string, file: string): Promise<string | undefined> {
  const ports = new Set(bindingsOf(before).map(({ port }) => port));
  for (const { host, port, line, frontend } of bindingsOf(next)) {
    if (ports.has(port)) continue;
    const reason = await whyNot(host, port);
    if (reason !== undefined)
      return `[ALERT] Binding [${file}:${line}] for frontend ${frontend}: cannot bind socket (${reason}) for [${host}:${port}].`;
  }
  return undefined;
}

const reasons: Record<string, string> = {
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EACCES: 'Permission denied',
};

async function whyNot(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host: host || '0.0.0.0', port, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    return reasons[(error as NodeJS.ErrnoException).code ?? ''];
  }
  server.close();
  await once(server, 'close');
  return undefined;
}
