/** What HAProxy was given: its configuration, and its map files by name. */
export interface Given {
  configuration: string;
  maps: Record<string, string>;
}

/** Keys in other characters could be read as more than a key by HAProxy's command line; they wait for the reload. */
const plainKey = /^[A-Za-z0-9._~/*-]+$/;
/** More are not worth asking for one by one: the reload is as fast. */
const most = 100;

/**
 * Commands that take out of HAProxy's maps what leads to backends that are gone in the next configuration: such a route
 * need not wait until that one is loaded. What still has a backend stays, wherever its routes have gone.
 * @see https://docs.haproxy.org/3.0/management.html#9.3-del%20map
 */
export function withdrawals({ configuration, maps }: Given, next: string): string[] {
  const kept = backendsIn(next);
  const gone = new Set([...backendsIn(configuration)].filter((name) => !kept.has(name)));
  const commands = Object.entries(maps).flatMap(([name, text]) =>
    text.split('\n').flatMap((line) => {
      const [key = '', value = ''] = line.split(' ');
      return gone.has(value) && plainKey.test(key) ? [`@1 del map ${name} ${key}`] : [];
    }),
  );
  return commands.length > most ? [] : commands;
}

const backendsIn = (configuration: string) =>
  new Set([...configuration.matchAll(/^backend (\S+)/gm)].map((match) => match[1]!));
