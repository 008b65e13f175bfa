import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';

const entrypoint = path.join(__dirname, '../../resources/images/jenkins/entrypoint');
const token = `11${'0f'.repeat(16)}`;

interface Place {
  folder: string;
  run(environment?: Record<string, string>, args?: string[]): { status: number | null; said: string; started: string };
  secret(name: string, text: string): void;
}

/** A container in small: secrets, the list of them, a home, and a stand-in for the official start script. */
function place(t: Test, list: string, secrets: Record<string, string>): Place {
  const folder = t.testdir({
    home: {},
    secrets,
    'secrets.txt': list,
    bin: { 'jenkins.sh': '#!/bin/sh\necho "started $*" >"$JENKINS_HOME/started"\n' },
  });
  chmodSync(path.join(folder, 'bin/jenkins.sh'), 0o755);
  return {
    folder,
    secret: (name, text) => writeFileSync(path.join(folder, 'secrets', name), text),
    run(environment = {}, args = []) {
      const { status, stdout, stderr } = spawnSync('bash', [entrypoint, ...args], {
        encoding: 'utf8',
        env: {
          PATH: `${folder}/bin:${process.env.PATH}`,
          HOMEOSTAT_SECRETS: path.join(folder, 'secrets.txt'),
          SECRETS: path.join(folder, 'secrets'),
          JENKINS_HOME: path.join(folder, 'home'),
          ...environment,
        },
      });
      const started = path.join(folder, 'home/started');
      return { status, said: stdout + stderr, started: existsSync(started) ? readFileSync(started, 'utf8') : '' };
    },
  };
}

const all = 'token agent-token\npassword admin\nkey git-key\nhook git-hook-token\n';
const good = {
  'agent-token': `${token}\n`,
  admin: 'pass word $x\n',
  'git-key': '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n',
  'git-hook-token': 'hook "<&>" token\n',
};

t.test('with every secret there, Jenkins starts and knows the hash of the token of git servers', async (t) => {
  const { folder, run, secret } = place(t, all, good);
  const { status, said, started } = run({}, ['--prefix=/x']);
  t.equal(said, '');
  t.equal(status, 0);
  t.equal(started, 'started --prefix=/x\n');
  const file = path.join(folder, 'home/hudson.plugins.git.ApiTokenPropertyConfiguration.xml');
  const text = readFileSync(file, 'utf8');
  const hash = (of: string) => createHash('sha256').update(of).digest('hex');
  t.match(text, `<hash>${hash('hook "<&>" token')}</hash>`);
  t.match(text, /^<\?xml version='1\.1' encoding='UTF-8'\?>\n<hudson\.plugins\.git\.ApiTokenPropertyConfiguration>/);
  t.match(text, /<uuid>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}<\/uuid>/);
  t.notMatch(text, 'token</');
  t.equal(statSync(file).mode & 0o777, 0o600);
  secret('git-hook-token', 'another');
  t.equal(run().status, 0);
  t.match(readFileSync(file, 'utf8'), hash('another'), 'a new token replaces the old one');
});

t.test('one that is missing, empty or cannot be meant is named, and Jenkins is not started', async (t) => {
  for (const [name, text, problem] of [
    ['admin', undefined, 'the secret admin is missing: '],
    ['admin', '', 'the secret admin is empty'],
    ['admin', ' \n\t\n', 'the secret admin is empty'],
    ['admin', 'a${HOME}b', 'the secret admin contains ${, which'],
    ['agent-token', token.slice(1), 'the secret agent-token is no API token'],
    ['agent-token', token.toUpperCase(), 'the secret agent-token is no API token'],
    ['git-key', 'ssh-ed25519 AAAA', 'the secret git-key is no private key'],
    ['git-hook-token', '\n', 'the secret git-hook-token is empty'],
  ] as const) {
    const { folder, run, secret } = place(t, all, good);
    if (text === undefined) rmSync(path.join(folder, 'secrets', name));
    else secret(name, text);
    const { status, said, started } = run();
    t.equal(status, 1);
    t.ok(said.startsWith(`jenkins: ${problem}`), said);
    t.equal(started, '');
    if (text?.trim()) t.notMatch(said, text);
  }
});

t.test('all problems are told at once', async (t) => {
  const { run } = place(t, 'password a\npassword b\npassword c\n', { b: 'there' });
  const { status, said } = run();
  t.equal(status, 1);
  t.match(said, /the secret a is missing.*\n.*the secret c is missing.*\n$/);
});

t.test('a variable of the environment that Jenkins would take in the place of a secret is refused', async (t) => {
  const { run } = place(t, 'password ADMIN\n', { ADMIN: 'x' });
  t.match(run({ ADMIN: '' }), { status: 1, said: /has the name of an environment variable/ });
  t.equal(run().status, 0);
});

t.test('without the list nothing is started', async (t) => {
  for (const list of ['', undefined]) {
    const { folder, run } = place(t, list ?? 'x', {});
    if (list === undefined) rmSync(path.join(folder, 'secrets.txt'));
    t.match(run(), { status: 1, said: /secrets\.txt is missing or empty/, started: '' });
  }
});

t.test('a last line without an end counts too', async (t) => {
  const { run } = place(t, 'password a\npassword b', { a: 'x' });
  t.match(run(), { status: 1, said: /the secret b is missing/ });
});
