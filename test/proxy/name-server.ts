import dgram from 'node:dgram';

interface Teardown {
  teardown(undo: () => unknown): unknown;
}

/** A name server with the addresses that a test gives it, such as Docker's own has them for `tasks.<service>`. */
export async function nameServer(t: Teardown) {
  const addresses = new Map<string, string[]>();
  /** Names for which it says nothing. */
  const silent = new Set<string>();
  /** Questions by name. */
  const asked = new Map<string, number>();
  const socket = dgram.createSocket('udp4');
  socket.on('message', (message, { port, address }) => {
    const { name, end, type } = questionOf(message);
    asked.set(name, (asked.get(name) ?? 0) + 1);
    if (silent.has(name)) return;
    const found = type === 1 ? (addresses.get(name) ?? []) : [];
    const header = Buffer.from(message.subarray(0, 12));
    header.writeUInt16BE(found.length > 0 ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(found.length, 6);
    header.writeUInt16BE(0, 8);
    header.writeUInt16BE(0, 10);
    const records = found.map((each) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 2, 88, 0, 4, ...each.split('.').map(Number)]),
    );
    socket.send(Buffer.concat([header, message.subarray(12, end), ...records]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await new Promise<void>((done) => socket.once('listening', done));
  t.teardown(() => socket.close());
  return { resolver: `127.0.0.1:${socket.address().port}`, addresses, silent, asked };
}

/** https://www.rfc-editor.org/rfc/rfc1035#section-4.1.2 */
function questionOf(message: Buffer): { name: string; end: number; type: number } {
  const parts: string[] = [];
  let at = 12;
  while (message[at]! > 0) {
    parts.push(message.toString('latin1', at + 1, at + 1 + message[at]!));
    at += message[at]! + 1;
  }
  return { name: parts.join('.').toLowerCase(), end: at + 5, type: message.readUInt16BE(at + 1) };
}
