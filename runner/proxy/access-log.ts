import type { ProxySettings } from './model';

/** When, from whom, and by what way to which task. */
const way: [string, string][] = [
  ['time', '"%Ts.%ms"'],
  ['client', '"%[src]"'],
  ['frontend', '"%f"'],
  ['backend', '"%b"'],
  ['server', '"%s"'],
  ['task', '"%si:%sp"'],
];

/**
 * One line of JSON a request. Texts of the client go through the `json` converter, so that none can end a string; the
 * query is left out, for it may hold secrets. Times are milliseconds, -1 where it did not come to that:
 * https://docs.haproxy.org/3.0/configuration.html#8.4
 */
export function httpLogFormat(headers: string[]): string {
  const fields: [string, string][] = [
    ...way,
    ['method', '"%HM"'],
    ['host', '"%[var(txn.host),json(utf8s)]"'],
    ['path', '"%[var(txn.path),json(utf8s)]"'],
    ['status', '%ST'],
    ['bytes', '%B'],
    ['termination', '"%ts"'],
    ['retries', '"%rc"'],
    ['timeRequest', '%TR'],
    ['timeQueue', '%Tw'],
    ['timeConnect', '%Tc'],
    ['timeResponse', '%Tr'],
    ['timeTotal', '%Ta'],
  ];
  headers.forEach((name, index) =>
    fields.push([`header:${name.toLowerCase()}`, `"%[capture.req.hdr(${index}),json(utf8s)]"`]),
  );
  return asJson(fields);
}

/** One line of JSON a connection. */
export const tcpLogFormat = asJson([
  ...way,
  ['bytes', '%B'],
  ['termination', '"%ts"'],
  ['retries', '"%rc"'],
  ['timeQueue', '%Tw'],
  ['timeConnect', '%Tc'],
  ['timeTotal', '%Tt'],
]);

function asJson(fields: [string, string][]): string {
  return `'{${fields.map(([name, value]) => `"${name}":${value}`).join(',')}}'`;
}

/** Lines of `defaults` that say what is logged. */
export const logLines = (format: string, accessLog: ProxySettings['accessLog']): string[] =>
  accessLog === 'none'
    ? []
    : [
        'log global',
        `log-format ${format}`,
        'option dontlognull',
        ...(accessLog === 'errors' ? ['option dontlog-normal'] : []),
      ];
