/**
 * The services that a message of `haproxy -c` is about, by the lines, sections and certificates it names; sorted, and
 * empty where it is about none.
 * @param config haproxy.cfg as `renderProxy` wrote it
 * @param message what HAProxy wrote; warnings beside an alert blame nobody
 */
export function guiltyServices(config: string, message: string): string[] {
  const lines = config.split('\n');
  const owners = ownersOf(lines);
  const guilty = new Set<string>();
  const blame = (service: string | undefined) => {
    if (service !== undefined) guilty.add(service);
  };
  for (const alert of alertsOf(message)) {
    for (const [, number] of alert.matchAll(/haproxy\.cfg:(\d+)/g)) blame(owners.byLine[Number(number) - 1]);
    for (const [, name] of alert.matchAll(/'([\w.-]+:[\w.:-]+)'/g)) blame(owners.bySection.get(name!));
    for (const [, name] of alert.matchAll(/certs\/service-([\w.-]+)\.pem/g)) {
      if (owners.services.has(name!)) blame(name);
    }
  }
  return [...guilty].sort();
}

/** The alerts of a message with the lines that go on; all of it where nothing is marked so. */
function alertsOf(message: string): string[] {
  const parts = message.split(/^(?=\[(?:ALERT|WARNING|NOTICE|DIAG)\])/m);
  const alerts = parts.filter((part) => part.startsWith('[ALERT]'));
  return alerts.length > 0 ? alerts : [message];
}

function ownersOf(lines: string[]) {
  const byLine: (string | undefined)[] = [];
  const bySection = new Map<string, string>();
  const services = new Set<string>();
  let owner: string | undefined;
  let next: string | undefined;
  for (const line of lines) {
    const marked = /^( *)# service: (.+)$/.exec(line);
    if (marked) {
      services.add(marked[2]!);
      // A mark in front of a section holds for the whole of it, one within a section to the next mark.
      if (marked[1] === '') next = marked[2];
      else owner = marked[2];
    } else if (/^\S/.test(line) && !line.startsWith('#')) {
      owner = next;
      next = undefined;
      const name = line.split(' ')[1];
      if (owner !== undefined && name) bySection.set(name, owner);
    } else if (/^ +# /.test(line)) owner = undefined;
    byLine.push(marked ? marked[2] : owner);
  }
  return { byLine, bySection, services };
}
