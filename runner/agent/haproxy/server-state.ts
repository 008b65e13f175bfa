import { isIP } from 'node:net';
import type { ServerLine } from './configuration';

/**
 * State of servers as HAProxy writes and reads it: https://docs.haproxy.org/3.0/management.html, "show servers state".
 * Version 1 is the only one; 2.6 and 3.0 have the same fields.
 */
const heading =
  '1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight' +
  ' srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state' +
  ' bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr' +
  ' srv_agent_addr srv_agent_port\n';

const column = { backend: 1, id: 2, name: 3, address: 4, host: 17, port: 18, tls: 20, checkPort: 21 };
const columns = 25;

/** A server that runs, as if it had been resolved a moment ago: weights and checks are those of the configuration. */
const fresh = '0 - 0 - - 2 0 1 1 0 1 0 0 6 0 0 0 - 0 - 0 0 - - 0'.split(' ');

type Row = string[];

const rowsOf = (text: string): Row[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' '))
    .filter((row) => row.length === columns);

/** Rows with an address of what `show servers state` answers. */
export const parseState = (text: string): Row[] => rowsOf(text).filter((row) => isIP(row[column.address]!) !== 0);

/** Backends of which that answer speaks, also those that no server was found for yet. */
export const backendsOf = (text: string): Set<string> => new Set(rowsOf(text).map((row) => row[column.backend]!));

/**
 * The state with which HAProxy starts on a configuration: what the process before knew of the same backends and host
 * names, and for the others the addresses that were found. Two things HAProxy does not do by itself:
 * - servers move up to the first names of their row: with an empty one before them they would lose their address to it
 *   at the first DNS answer, and the backend would be empty for a moment;
 * - ports and TLS are those of the new configuration; HAProxy takes them from the state.
 */
export function composeState(servers: ServerLine[], running: Row[], found: Map<string, string[]>): string {
  const known = new Map<string, Row[]>();
  for (const row of running) {
    const key = keyOf(row[column.backend]!, hostOf(row));
    known.set(key, [...(known.get(key) ?? []), row]);
  }
  const rows = servers.flatMap((line) => {
    if (line.constant) return [];
    const before = known.get(keyOf(line.backend, line.host)) ?? [];
    const rowsNow = before.length > 0 ? before : line.resolved ? freshRows(found.get(line.host) ?? []) : [];
    return rowsNow.slice(0, line.names.length).map((row, index) => adapted(row, line, index));
  });
  return heading + rows.map((row) => `${row.join(' ')}\n`).join('');
}

const keyOf = (backend: string, host: string) => `${backend} ${host}`;

/** A server without host name is known by its address. */
const hostOf = (row: Row) => (row[column.host] === '-' ? row[column.address]! : row[column.host]!);

const freshRows = (addresses: string[]): Row[] =>
  [...new Set(addresses)].map((address) => fresh.with(column.address, address));

function adapted(row: Row, line: ServerLine, index: number): Row {
  return row
    .with(column.backend, line.backend)
    .with(column.id, String(index + 1))
    .with(column.name, line.names[index]!)
    .with(column.host, line.resolved ? line.host : '-')
    .with(column.port, String(line.port))
    .with(column.tls, line.tls ? '1' : '0')
    .with(column.checkPort, String(line.checkPort));
}
