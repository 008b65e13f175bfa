import { label, refused, type Form } from './definition';
import { boolean, choice, longDuration, text, token } from './forms';
import { compressionAlgorithms, headerNames, headers, hosts, mediaTypes, users } from './lists';
import { readPath } from './match';

const checkPath: Form<string> = {
  name: 'path, `auto` or `none`',
  allowed: 'auto, none, or a path that begins with /',
  pattern: 'auto|none|/.*',
  read(value) {
    if (value === 'auto' || value === 'none') return value;
    const [path = '', ...query] = value.split('?');
    const read = value.startsWith('/') && query.length <= 1 ? readPath(path, 'path') : '';
    return typeof read === 'string' || !/^[\w\-.~!$&()*+,;=:@%/]*$/.test(query[0] ?? '') ? refused : value;
  },
};

const template: Form<string> = {
  name: 'path',
  allowed: 'the name or path of a template, such as /templates/shop.tmpl',
  read: (value) => (/^[\w./-]{1,200}$/.test(value) && !value.endsWith('/') ? value.split('/').at(-1)! : refused),
};

const certificate: Form<string> = {
  name: 'PEM',
  allowed: 'a PEM text with a certificate and its private key, which has no passphrase',
  read(value) {
    // One line with \n in it is how a PEM gets through an environment variable.
    const pem = value.includes('\n') ? value : value.replaceAll('\\n', '\n');
    const complete =
      /-----BEGIN CERTIFICATE-----/.test(pem) && /-----BEGIN (?:(?!ENCRYPTED)\w+ )?PRIVATE KEY-----/.test(pem);
    return complete ? `${pem.trim()}\n` : refused;
  },
};

const header = (meaning: string, example: string) =>
  label({ group: 'headers', form: headers, dockerFlow: 'proxy', example, meaning });

const headerToDelete = (meaning: string, example: string) =>
  label({ group: 'headers', form: headerNames, dockerFlow: 'proxy', example, meaning });

/** Labels that hold for all routes of a service. */
export const serviceLabels = {
  sessionType: label({
    group: 'service',
    form: text,
    dockerFlow: 'proxy',
    example: 'sticky-server',
    meaning: 'With `sticky-server` a cookie keeps a client at the same task; other kinds are not known.',
  }),
  connectionMode: label({
    group: 'service',
    form: choice('http-keep-alive', 'http-tunnel', 'httpclose', 'http-server-close', 'forceclose'),
    dockerFlow: 'proxy',
    default: 'http-keep-alive, or as the proxy is set',
    example: 'http-server-close',
    meaning: 'How connections to the tasks are kept.',
  }),
  compressionAlgo: label({
    group: 'service',
    form: compressionAlgorithms,
    dockerFlow: 'proxy',
    default: 'none, or as the proxy is set',
    example: 'gzip',
    meaning: 'How answers are compressed.',
  }),
  compressionType: label({
    group: 'service',
    form: mediaTypes,
    dockerFlow: 'proxy',
    default: 'all',
    example: 'text/css text/html application/json',
    meaning: 'Media types that are compressed; needs `compressionAlgo`.',
  }),
  checkPath: label({
    group: 'service',
    form: checkPath,
    default: 'auto',
    example: '/healthz',
    meaning:
      'Path that the proxy asks each task for; `auto` takes it from the service’s own health check, `none` only connects.',
  }),
  backendExtra: label({
    group: 'service',
    form: text,
    dockerFlow: 'proxy',
    example: 'option httpchk HEAD /status',
    raw: true,
    longest: 8192,
    meaning: 'Lines for the service’s backend; only for services that the operator lists.',
  }),
  addReqHeader: header('Headers to add to requests.', 'X-Forwarded-Port %[dst_port],X-Forwarded-Ssl on if { ssl_fc }'),
  setReqHeader: header('Headers of requests to replace.', 'X-Forwarded-Prefix /shop'),
  delReqHeader: headerToDelete('Headers to take out of requests.', 'X-Forwarded-For,Cookie'),
  addResHeader: header('Headers to add to answers.', 'X-Frame-Options: DENY'),
  setResHeader: header('Headers of answers to replace.', 'Server shop'),
  delResHeader: headerToDelete('Headers to take out of answers.', 'Server,X-Powered-By'),
  users: label({
    group: 'security',
    form: users,
    dockerFlow: 'proxy',
    example: 'alice:secret,bob',
    secret: true,
    raw: true,
    longest: 8192,
    meaning:
      'Who may use the service, by basic authentication; without password it comes from `usersSecret` or the proxy’s own users.',
  }),
  usersSecret: label({
    group: 'security',
    form: token,
    dockerFlow: 'proxy',
    example: 'monitoring',
    meaning: 'The Docker secret `dfp_users_<value>` holds users, one `name:password` a line or separated by commas.',
  }),
  usersPassEncrypted: label({
    group: 'security',
    form: boolean,
    dockerFlow: 'proxy',
    default: 'false',
    example: 'true',
    meaning: 'Passwords are crypt(3) hashes, as `mkpasswd -m sha-512` makes them.',
  }),
  ignoreAuthorization: label({
    group: 'security',
    form: boolean,
    indexed: true,
    dockerFlow: 'proxy',
    default: 'false',
    example: 'true',
    meaning: 'Nobody is asked for a password on this route.',
  }),
  verifyClientSsl: label({
    group: 'security',
    form: boolean,
    indexed: true,
    dockerFlow: 'proxy',
    default: 'false',
    example: 'true',
    meaning: 'A client must show a certificate of the proxy’s CA; others get 403.',
  }),
  sslVerifyNone: label({
    group: 'security',
    form: boolean,
    indexed: true,
    dockerFlow: 'proxy',
    default: 'false',
    example: 'true',
    meaning: 'Requests go to the tasks by TLS, and their certificates are not checked.',
  }),
  redirectWhenHttpProto: label({
    group: 'security',
    form: boolean,
    dockerFlow: 'proxy',
    default: 'false',
    example: 'true',
    meaning: 'Redirects to HTTPS where X-Forwarded-Proto says http; for a load balancer in front of the proxy.',
  }),
  redirectUnlessHttpsProto: label({
    group: 'security',
    form: boolean,
    dockerFlow: 'proxy',
    default: 'false',
    example: 'true',
    meaning: 'Redirects to HTTPS unless X-Forwarded-Proto says https.',
  }),
  hsts: label({
    group: 'security',
    form: longDuration,
    default: 'none, or as the proxy is set',
    example: '180d',
    meaning: 'Strict-Transport-Security: browsers come back by HTTPS only, for that long.',
  }),
  serviceCert: label({
    group: 'security',
    form: certificate,
    dockerFlow: 'proxy',
    example: '-----BEGIN CERTIFICATE-----…',
    secret: true,
    raw: true,
    longest: 65_536,
    meaning: 'Certificate, chain and key as PEM; a Docker secret `cert-<name>` is the better place.',
  }),
  'letsencrypt.host': label({
    group: 'security',
    form: hosts,
    dockerFlow: 'letsencrypt',
    example: 'shop.example.com',
    meaning: 'Host names to get a certificate for, automatically.',
  }),
  'letsencrypt.email': label({
    group: 'security',
    form: {
      name: 'e-mail address',
      allowed: 'an e-mail address',
      read: (value) => (/^[\w.!#$%&*+/=?^`{|}~-]{1,64}@[\w.-]{1,253}$/.test(value) ? value : refused),
    } satisfies Form<string>,
    dockerFlow: 'letsencrypt',
    example: 'admin@example.com',
    meaning: 'Where the certificate authority writes to.',
  }),
  'letsencrypt.testing': label({
    group: 'security',
    form: boolean,
    dockerFlow: 'letsencrypt',
    default: 'false',
    example: 'true',
    meaning: 'The certificate comes from the authority’s test service, which browsers do not trust.',
  }),
  templateFePath: label({
    group: 'templates',
    form: template,
    dockerFlow: 'proxy',
    example: '/templates/shop-frontend.tmpl',
    meaning:
      'The operator’s template of that file name replaces the service’s frontend part; only for services that the operator lists.',
  }),
  templateBePath: label({
    group: 'templates',
    form: template,
    dockerFlow: 'proxy',
    example: '/templates/shop-backend.tmpl',
    meaning:
      'The operator’s template of that file name replaces the service’s backend part; only for services that the operator lists.',
  }),
  userDef: label({
    group: 'templates',
    form: text,
    indexed: true,
    dockerFlow: 'proxy',
    example: 'anything',
    raw: true,
    longest: 8192,
    meaning: 'A text for templates.',
  }),
};
