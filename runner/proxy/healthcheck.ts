import type { HttpCheck } from './model';

/** Paths that can stand in a request line. */
const target = /https?:\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(\d{1,5}))?(\/[^\s"'`|;&<>()$\\]*)?/gi;

/** Programs that ask by HTTP, and the script interpreters that may. */
const asksByHttp = /\b(?:curl|wget|http|fetch|urlopen|get|request)\b/i;

/** What makes a request more than a GET without headers. */
const special = /(?:^|\s)(?:-X|--request|-d|--data\S*|-H|--header|--post-data|-u|--user|--unix-socket)(?:[\s=]|$)/;

/**
 * The HTTP check that a container's own healthcheck makes, where it asks itself by plain HTTP: `curl`, `wget` and
 * scripts that fetch `http://localhost[:port]/path`. Undefined for anything else, among it requests with a method, body,
 * header or password of their own, TLS, and more than one address.
 * @param test as the Engine has it: `["CMD", ...]`, `["CMD-SHELL", "..."]` or `["NONE"]`
 */
export function httpCheckOf(test: string[] | undefined): HttpCheck | undefined {
  if (!test || test.length < 2 || !/^CMD(?:-SHELL)?$/.test(test[0]!)) return undefined;
  const command = test.slice(1).join(' ');
  const addresses = [...command.matchAll(target)];
  if (!asksByHttp.test(command.replace(target, '')) || special.test(command)) return undefined;
  if (addresses.length !== 1 || (command.match(/https?:\/\//gi) ?? []).length !== 1) return undefined;
  const [address, port, path = '/'] = addresses[0]!;
  if (/^https/i.test(address)) return undefined;
  // What follows the address must not be a part of it that was not understood, such as a shell variable.
  const after = command.charAt(addresses[0]!.index + address.length);
  if (after && !/[\s"'`)|;&>]/.test(after)) return undefined;
  const number = port === undefined ? 80 : Number(port);
  if (number < 1 || number > 65535) return undefined;
  return { path: path.replace(/#.*$/, '') || '/', port: number };
}
