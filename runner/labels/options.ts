import type { CertificateWish, ProxyOptions, User } from './description';
import { problemOfExpression } from './forms';
import type { Labels } from './reader';

/** Modes that HAProxy no longer has, and what is nearest to them. */
const modesOfOld: Record<string, string> = { 'http-tunnel': 'http-keep-alive', forceclose: 'httpclose' };

/** What holds for all routes of a service. */
export function optionsOf(labels: Labels): ProxyOptions {
  const session = labels.get('sessionType');
  if (session !== undefined && session !== 'sticky-server')
    labels.warn('sessionType', 0, `is '${session.slice(0, 80)}', which is not known; only sticky-server has an effect`);
  const mode = labels.get('connectionMode');
  const newer = mode && modesOfOld[mode];
  if (newer) labels.warn('connectionMode', 0, `is '${mode}', which HAProxy no longer has; ${newer} is used`);
  if (labels.has(['reqPathReplace']) && !labels.has(['reqPathSearch']))
    labels.warn('reqPathReplace', 0, 'has no effect without reqPathSearch');
  const search = labels.get('reqPathSearch');
  const problem = search && problemOfExpression(search);
  if (problem)
    labels.error('reqPathSearch', 0, `is '${search.slice(0, 80)}', which is no regular expression: ${problem}`);
  return {
    defaultBackend: labels.get('isDefaultBackend') ?? false,
    sticky: session === 'sticky-server',
    connectionMode: newer ?? mode,
    compression: compressionOf(labels),
    headers: {
      request: {
        add: labels.get('addReqHeader') ?? labels.get('addHeader') ?? [],
        set: labels.get('setReqHeader') ?? labels.get('setHeader') ?? [],
        delete: labels.get('delReqHeader') ?? [],
      },
      response: {
        add: labels.get('addResHeader') ?? [],
        set: labels.get('setResHeader') ?? [],
        delete: labels.get('delResHeader') ?? [],
      },
    },
    ...usersOf(labels),
    redirectWhenHttpProto: labels.get('redirectWhenHttpProto') ?? false,
    redirectUnlessHttpsProto: labels.get('redirectUnlessHttpsProto') ?? false,
    serviceCertificate: labels.get('serviceCert'),
    backendExtra: labels.get('backendExtra'),
    templates: templatesOf(labels),
    instance: labels.get('proxyInstanceName'),
    checkPath: labels.get('checkPath') ?? 'auto',
    hsts: labels.get('hsts'),
  };
}

function compressionOf(labels: Labels): ProxyOptions['compression'] {
  const algorithms = labels.get('compressionAlgo');
  const types = labels.get('compressionType');
  if (types && !algorithms && !labels.has(['compressionAlgo']))
    labels.warn('compressionType', 0, 'has no effect without compressionAlgo');
  return algorithms && { algorithms, types: types ?? [] };
}

/** What crypt(3) makes: `$6$salt$hash`, or thirteen characters of old. */
const hash = /^(?:\$[\w.,=/-]+(?:\$[\w.,=/-]+)+|[\w./]{13})$/;

function usersOf(labels: Labels): Pick<ProxyOptions, 'users' | 'userNames' | 'usersSecret' | 'usersEncrypted'> {
  const encrypted = labels.get('usersPassEncrypted') ?? false;
  const users: User[] = [];
  const userNames: string[] = [];
  for (const { name, password } of labels.get('users') ?? []) {
    if (password === undefined) userNames.push(name);
    else users.push({ name, password, encrypted });
    if (encrypted && password !== undefined && !hash.test(password))
      labels.error(
        'users',
        0,
        `has a password of '${name}' that is no crypt(3) hash, though usersPassEncrypted is true`,
      );
  }
  const names = [...users.map(({ name }) => name), ...userNames];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) labels.error('users', 0, `names '${twice}' twice`);
  return { users, userNames, usersSecret: labels.get('usersSecret'), usersEncrypted: encrypted };
}

function templatesOf(labels: Labels): ProxyOptions['templates'] {
  const frontend = labels.get('templateFePath');
  const backend = labels.get('templateBePath');
  return frontend === undefined && backend === undefined ? undefined : { frontend, backend };
}

/** The certificate that is to be got for the service. */
export function certificateOf(labels: Labels): CertificateWish | undefined {
  const hosts = labels.get('letsencrypt.host');
  if (!hosts) {
    for (const name of ['letsencrypt.email', 'letsencrypt.testing'] as const)
      if (labels.has([name]) && !labels.has(['letsencrypt.host']))
        labels.warn(name, 0, 'has no effect without letsencrypt.host');
    return undefined;
  }
  return { hosts, email: labels.get('letsencrypt.email'), testing: labels.get('letsencrypt.testing') ?? false };
}
