import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { Environment } from '../../runner/common/context';
import { credentialsFor } from '../../runner/image/registry-auth';
import { failureOf, testContext } from '../common/support';

const encode = (text: string) => Buffer.from(text).toString('base64');

/** A context with a docker configuration and with credential helpers, as scripts on the PATH. */
function world(t: Test, config: unknown, helpers: Record<string, string> = {}, env: Environment = {}) {
  const folder = t.testdir({
    'config.json': typeof config === 'string' ? config : JSON.stringify(config),
    bin: Object.fromEntries(
      Object.entries(helpers).map(([name, script]) => [`docker-credential-${name}`, `#!/bin/sh\n${script}\n`]),
    ),
  });
  for (const name of Object.keys(helpers)) chmodSync(path.join(folder, 'bin', `docker-credential-${name}`), 0o755);
  return testContext({
    env: { PATH: `${folder}/bin:${process.env.PATH}`, DOCKER_CONFIG: folder, FOLDER: folder, ...env },
  });
}
const host = 'registry.example.com:5000';
const answers = (user: string, secret: string) =>
  `printf '%s' '${JSON.stringify({ ServerURL: host, Username: user, Secret: secret })}'`;

t.test('a configuration that cannot be read or understood is told, without what is in it', async (t) => {
  const secret = encode('me:opensesame');
  const bad: [unknown, RegExp][] = [
    [`{"auths": {"${host}": {"auth": "${secret}"}}`, /not a JSON object/],
    [secret, /not a JSON object/],
    ['', /not a JSON object/],
    ['null', /not a JSON object/],
    ['[]', /not a JSON object/],
    [{ auths: { [host]: { auth: 7 } } }, /auths\.registry\.example\.com:5000\.auth: .*expected string/],
    [{ credHelpers: ['x'] }, /credHelpers: /],
    [{ credsStore: {} }, /credsStore: /],
  ];
  for (const [config, cause] of bad) {
    const context = world(t, config);
    const error = await failureOf(() => credentialsFor(host, context));
    t.equal(error.code, 'REGISTRY_DENIED');
    t.match(`${error.message} ${error.causeText}`, cause);
    t.notMatch(`${error.message} ${error.causeText}`, secret.slice(0, 8));
  }
  const context = world(t, {});
  mkdirSync(path.join(context.env.DOCKER_CONFIG!, 'other/config.json'), { recursive: true });
  const folder = { ...context, env: { ...context.env, DOCKER_CONFIG: path.join(context.env.DOCKER_CONFIG!, 'other') } };
  t.match(await failureOf(() => credentialsFor(host, folder)), { code: 'REGISTRY_DENIED', causeText: /EISDIR/ });
});

t.test('a helper that fails, is missing, hangs on its input or prints rubbish is told by name', async (t) => {
  const table: [string, string, object][] = [
    ['echo "the keychain is locked" >&2; exit 1', 'REGISTRY_DENIED', { causeText: 'the keychain is locked' }],
    ['exit 3', 'REGISTRY_DENIED', { causeText: 'it ended with exit code 3' }],
    ['echo opensesame', 'REGISTRY_DENIED', { message: /docker-credential-test is not JSON/ }],
    ['true', 'REGISTRY_DENIED', { message: /is not JSON/ }],
    ['echo null', 'REGISTRY_DENIED', { message: /is not JSON/ }],
    [`echo '{"Username": 1, "Secret": ["opensesame"]}'`, 'REGISTRY_DENIED', { message: /is not JSON/ }],
  ];
  for (const [script, code, more] of table) {
    const error = await failureOf(() => credentialsFor(host, world(t, { credsStore: 'test' }, { test: script })));
    t.match(error, { code, ...more }, script);
    t.notMatch(`${error.message} ${error.causeText}`, 'opensesame');
  }
  const missing = await failureOf(() => credentialsFor(host, world(t, { credsStore: 'nowhere' })));
  t.match(missing, { code: 'CLI_MISSING', message: /docker-credential-nowhere/ });
  const evil = await failureOf(() => credentialsFor(host, world(t, { credsStore: '../../bin/sh' })));
  t.match(evil, { code: 'REGISTRY_DENIED', message: /not a legal credential helper name/ });
});

t.test('a stop ends a helper that hangs', async (t) => {
  const context = world(t, { credsStore: 'test' }, { test: 'sleep 30; true' });
  const signal = AbortSignal.timeout(300);
  await t.rejects(credentialsFor(host, { ...context, signal }), { name: 'TimeoutError' });
});

t.test('without any credentials the registry is asked as nobody', async (t) => {
  t.equal(await credentialsFor(host, world(t, {})), undefined);
  t.equal(await credentialsFor(host, world(t, { auths: null, credHelpers: null })), undefined);
  t.equal(
    await credentialsFor(host, world(t, { auths: { [host]: {}, 'other.example.com': { auth: encode('a:b') } } })),
    undefined,
  );
  const gone = testContext({ env: { DOCKER_CONFIG: '/nowhere/at/all' } });
  t.equal(await credentialsFor(host, gone), undefined);
  const forgetful = 'echo "credentials not found in native keychain"; exit 1';
  t.equal(await credentialsFor(host, world(t, { credsStore: 'test' }, { test: forgetful })), undefined);
});

t.test('credentials in the configuration are found, however the registry is written there', async (t) => {
  for (const key of [host, `https://${host}`, `http://${host}/v2/`]) {
    const context = world(t, { auths: { [key]: { auth: encode('me:pass:with:colons') } } });
    t.same(
      await credentialsFor(host, context),
      { username: 'me', password: 'pass:with:colons', serveraddress: host },
      key,
    );
  }
  const apart = world(t, { auths: { [host]: { username: 'me', password: 'opensesame' } } });
  t.match(await credentialsFor(host, apart), { username: 'me', password: 'opensesame' });
  const hub = world(t, { auths: { 'https://index.docker.io/v1/': { auth: encode('me:opensesame') } } });
  t.match(await credentialsFor('docker.io', hub), { username: 'me', serveraddress: 'https://index.docker.io/v1/' });
  const token = world(t, { auths: { [host]: { auth: encode('me:'), identitytoken: 'a-token' } } });
  t.same(await credentialsFor(host, token), { identitytoken: 'a-token', serveraddress: host });
});

t.test('the helper of the registry is asked, else the store, else the configuration itself', async (t) => {
  const config = {
    auths: { [host]: { auth: encode('plain:secret-0') } },
    credHelpers: { [host]: 'special' },
    credsStore: 'store',
  };
  const helpers = {
    special: `cat >$FOLDER/asked; ${answers('special', 'secret-1')}`,
    store: answers('store', 'secret-2'),
  };
  const context = world(t, config, helpers);
  t.match(await credentialsFor(host, context), { username: 'special', password: 'secret-1' });
  t.equal(readFileSync(path.join(context.env.FOLDER!, 'asked'), 'utf8'), host, 'the address is its input');
  t.match(await credentialsFor('other.example.com', world(t, config, helpers)), { username: 'store' });
  const forgetful = { ...helpers, special: 'echo "credentials not found in native keychain"; exit 1' };
  t.match(await credentialsFor(host, world(t, config, forgetful)), { username: 'plain', password: 'secret-0' });
});

t.test('a helper may hand out a token instead of a password', async (t) => {
  const context = world(t, { credsStore: 'test' }, { test: answers('<token>', 'a-long-token') });
  t.same(await credentialsFor(host, context), { identitytoken: 'a-long-token', serveraddress: host });
  t.equal(context.masker('x a-long-token'), 'x ****');
});

t.test('the environment wins, for one registry only', async (t) => {
  const env = { HOMEOSTAT_REGISTRY_USER: 'me', HOMEOSTAT_REGISTRY_PASSWORD: 'opensesame' };
  const context = world(t, { auths: { [host]: { auth: encode('other:secret-0') } } }, {}, env);
  t.same(await credentialsFor(host, context), { username: 'me', password: 'opensesame', serveraddress: host });
  t.equal(await credentialsFor('evil.example.com', context, host), undefined, 'an image that is only built on');
  t.equal(
    (await credentialsFor(host, { ...context, env: { ...context.env, HOMEOSTAT_REGISTRY: 'b.example.com' } }))
      ?.username,
    'other',
  );
  const half = world(t, {}, {}, { HOMEOSTAT_REGISTRY_USER: 'me' });
  t.equal(await credentialsFor(host, half), undefined);
});

t.test('what was found is masked from then on, in every form it is sent in', async (t) => {
  const context = world(t, { auths: { [host]: { auth: encode('me:opensesame') } } });
  await credentialsFor(host, context);
  const header = Buffer.from(JSON.stringify({ username: 'me', password: 'opensesame' })).toString('base64');
  for (const text of ['opensesame', encode('me:opensesame'), header])
    t.notMatch(context.masker(`x ${text} y`), /opensesame|bWU6b3BlbnNlc2FtZQ/);
  t.not(context.masker(header), header);
});
