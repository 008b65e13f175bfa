import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { sharedLab, uniqueName, withLab, type Lab } from '../lab';
import { proxyEngine } from './engine-proxy';
import { Project, type Ended } from './support';

// The slow ones wait for somebody else's time limits, so they run side by side.
t.jobs = 5;

/** A small image under a name of its own in a registry, and a folder from which it is pushed. */
async function pushProject(t: Test, lab: Lab, registry: string): Promise<{ project: Project; image: string }> {
  const name = uniqueName('push');
  const image = `${registry}/tests/${name}`;
  await lab.docker(1, 'tag', await lab.image('busybox'), `${image}:1`);
  const project = new Project(lab, name, image);
  t.teardown(async () => {
    await lab.docker(1, 'image', 'rm', `${image}:1`).catch(() => '');
    await project.remove();
  });
  return { project, image };
}

/** The digest that the registry itself gives for a tag. */
async function digestAt(image: string, tag: string, authorization?: string): Promise<string | null> {
  const [registry, ...repository] = image.split('/');
  const answer = await fetch(`http://${registry}/v2/${repository.join('/')}/manifests/${tag}`, {
    method: 'HEAD',
    headers: {
      accept: 'application/vnd.docker.distribution.manifest.v2+json',
      ...(authorization ? { authorization } : {}),
    },
  });
  return answer.headers.get('docker-content-digest');
}

/** A docker configuration folder, gone at the end. */
function dockerConfig(t: Test, config: object): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'homeostat-config-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
  return folder;
}

/** What a command said in any way. */
const said = ({ stdout, stderr, result }: Ended) => stdout + stderr + JSON.stringify(result);

/** A port on the lab's side of this machine behind which nobody listens, until `open` passes it on to a registry. */
async function closedPort(t: Test, lab: Lab): Promise<{ address: string; open: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const listen = (server: Server, port: number) =>
    new Promise<number>((resolve) =>
      server.listen(port, lab.gateway, () => resolve((server.address() as { port: number }).port)),
    );
  const probe = createServer();
  const port = await listen(probe, 0);
  await new Promise((resolve) => probe.close(resolve));
  const [host, target] = lab.openRegistry.address.split(':') as [string, string];
  const server = createServer((client) => {
    const registry = connect(Number(target), host);
    for (const [one, other] of [
      [client, registry],
      [registry, client],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
  });
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  });
  return { address: `${lab.gateway}:${port}`, open: async () => void (await listen(server, port)) };
}

t.test('the digest is the one that the registry gives', async (t) => {
  const lab = await sharedLab(t);
  const { project, image } = await pushProject(t, lab, lab.openRegistry.address);
  const planned = await project.run(['push', '--image', image, '--tag', '1', '--dry-run', '--json']);
  t.equal(planned.code, 0, planned.stderr);
  t.equal(await digestAt(image, '1'), null, 'a dry run pushes nothing');

  const pushed = await project.run(['push', '--image', image, '--tag', '1', '--json']);
  t.equal(pushed.code, 0, pushed.stderr);
  const digest = await digestAt(image, '1');
  t.match(digest, /^sha256:[0-9a-f]{64}$/);
  t.same(pushed.result, { image: `${image}:1`, digest, reference: `${image}@${digest}` });
  t.same(JSON.parse(pushed.stdout), pushed.result);
  t.same((await project.run(['push', '--image', `${image}:1`])).result, pushed.result, 'twice is the same');

  const missing = await project.run(['push', '--image', image, '--tag', 'never-built']);
  t.equal(missing.code, 1, missing.stderr);
  t.match(missing.stderr, /PUSH_FAILED[^]*(does not exist|not exist locally)/);
  t.ok(missing.seconds < 10, 'what will not pass is not tried again');
});

t.test('a private registry, with credentials from each place there is', async (t) => {
  const lab = await sharedLab(t);
  const { address, user, password } = lab.registry;
  const { project, image } = await pushProject(t, lab, address);
  const login = (secret: string) => Buffer.from(`${user}:${secret}`).toString('base64');
  const helpers = mkdtempSync(path.join(tmpdir(), 'homeostat-helpers-'));
  t.teardown(() => rmSync(helpers, { recursive: true, force: true }));
  mkdirSync(helpers, { recursive: true });
  const helper = (name: string, script: string) => {
    const file = path.join(helpers, `docker-credential-${name}`);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  };
  helper('lab', `read -r server; printf '{"ServerURL":"%s","Username":"${user}","Secret":"${password}"}' "$server"`);
  helper('empty', 'echo credentials not found in native keychain; exit 1');
  helper('broken', 'echo the keychain is locked >&2; exit 2');
  helper('babble', 'echo hello');
  const PATH = `${helpers}:${process.env.PATH}`;
  const none = dockerConfig(t, {});
  const basic = `Basic ${login(password)}`;
  const registryPassword = 'wrong-but-secret-2718';

  const green: [string, Record<string, string>][] = [
    ['auths', { DOCKER_CONFIG: dockerConfig(t, { auths: { [address]: { auth: login(password) } } }) }],
    [
      'auths by URL',
      { DOCKER_CONFIG: dockerConfig(t, { auths: { [`http://${address}/v2/`]: { auth: login(password) } } }) },
    ],
    ['credHelpers', { PATH, DOCKER_CONFIG: dockerConfig(t, { credHelpers: { [address]: 'lab' } }) }],
    ['credsStore', { PATH, DOCKER_CONFIG: dockerConfig(t, { credsStore: 'lab' }) }],
    [
      'a helper that has none, then auths',
      {
        PATH,
        DOCKER_CONFIG: dockerConfig(t, { credsStore: 'empty', auths: { [address]: { auth: login(password) } } }),
      },
    ],
    [
      'the environment, which wins',
      {
        HOMEOSTAT_REGISTRY_USER: user,
        HOMEOSTAT_REGISTRY_PASSWORD: password,
        DOCKER_CONFIG: dockerConfig(t, { auths: { [address]: { auth: login(registryPassword) } } }),
      },
    ],
  ];
  for (const [name, environment] of green) {
    const pushed = await project.run(['push', '--image', `${image}:1`, '--debug'], environment);
    t.equal(pushed.code, 0, `${name}: ${pushed.stderr}`);
    t.equal(pushed.result.digest, await digestAt(image, '1', basic));
    t.notMatch(said(pushed), password);
    t.notMatch(said(pushed), login(password));
  }

  const red: [string, Record<string, string>, RegExp][] = [
    ['no credentials', { DOCKER_CONFIG: none }, /no basic auth|authentication required|unauthorized/],
    ['no configuration', { DOCKER_CONFIG: '/nowhere/at-all' }, /no basic auth|authentication required|unauthorized/],
    [
      'a wrong password',
      { DOCKER_CONFIG: dockerConfig(t, { auths: { [address]: { auth: login(registryPassword) } } }) },
      /unauthorized/,
    ],
    [
      'a wrong password in the environment',
      { HOMEOSTAT_REGISTRY_USER: user, HOMEOSTAT_REGISTRY_PASSWORD: registryPassword },
      /unauthorized/,
    ],
    [
      'a broken helper',
      { PATH, DOCKER_CONFIG: dockerConfig(t, { credsStore: 'broken' }) },
      /docker-credential-broken.*[^]*the keychain is locked/,
    ],
    [
      'a helper that babbles',
      { PATH, DOCKER_CONFIG: dockerConfig(t, { credsStore: 'babble' }) },
      /docker-credential-babble/,
    ],
    [
      'a helper that is not there',
      { DOCKER_CONFIG: dockerConfig(t, { credsStore: 'nowhere' }) },
      /docker-credential-nowhere/,
    ],
    ['a helper with a bad name', { DOCKER_CONFIG: dockerConfig(t, { credsStore: '../../bin/sh' }) }, /helper name/],
  ];
  const configuration = path.join(dockerConfig(t, {}), 'config.json');
  writeFileSync(configuration, '{"auths": ');
  red.push(['a configuration that is not JSON', { DOCKER_CONFIG: path.dirname(configuration) }, /not a JSON object/]);
  for (const [name, environment, words] of red) {
    const pushed = await project.run(['push', '--image', `${image}:1`], environment);
    t.equal(pushed.code, 8, `${name}: ${pushed.stderr}`);
    t.match(
      pushed.result.error,
      { code: name.endsWith('not there') ? 'CLI_MISSING' : 'REGISTRY_DENIED', exitCode: 8 },
      name,
    );
    t.match(pushed.stderr, words);
    t.ok(pushed.seconds < 10, 'what will not pass is not tried again');
    t.notMatch(said(pushed), registryPassword);
  }
});

type Push = ReturnType<Project['start']>;

/** Until a push has told that it was refused and tries again, or has ended. */
const refused = ({ child, ended }: Push) =>
  Promise.race([
    ended,
    new Promise((resolve) => child.stderr?.on('data', (text) => /trying again/.test(String(text)) && resolve(text))),
  ]);

t.test('a registry that is away: tried again for half a minute, and no longer', async (t) => {
  const lab = await sharedLab(t);
  const closed = await closedPort(t, lab);
  const late = await closedPort(t, lab);
  const [never, later] = await Promise.all([pushProject(t, lab, closed.address), pushProject(t, lab, late.address)]);
  const push = ({ project, image }: typeof never) => project.start(['push', '--image', `${image}:1`]);
  const [patient, saved, ended] = [push(never), push(later), push(never)];
  const [unreachable, delayed, stopped] = await Promise.all([
    patient.ended,
    refused(saved).then(() => late.open().then(() => saved.ended)),
    refused(ended).then(async () => {
      const start = performance.now();
      ended.child.kill('SIGTERM');
      return { ...(await ended.ended), after: performance.now() - start };
    }),
  ]);
  t.equal(unreachable.code, 8, unreachable.stderr);
  t.match(unreachable.result.error, { code: 'REGISTRY_UNREACHABLE', cause: /connection refused/ });
  t.ok(unreachable.seconds > 15 && unreachable.seconds < 45, `${unreachable.seconds} s`);
  t.match(unreachable.stderr, /trying again/);
  t.ok(unreachable.stderr.split('\n').length < 30, 'without filling the log');

  t.equal(delayed.code, 0, delayed.stderr);
  t.match(delayed.stderr, /connection refused; trying again/);
  t.equal(delayed.result.digest, await digestAt(later.image, '1'));
  t.ok(delayed.seconds < 25, `${delayed.seconds} s`);

  t.equal(stopped.code, 143, stopped.stderr);
  t.ok(stopped.after < 5000);
});

t.test('a registry whose disk is full', async (t) => {
  const lab = await withLab(t);
  const { address } = await lab.smallRegistry('full', 15002, '1m');
  const { project, image } = await pushProject(t, lab, address);
  const pushed = await project.run(['push', '--image', `${image}:1`]);
  t.equal(pushed.code, 1, pushed.stderr);
  t.match(pushed.result.error, { code: 'PUSH_FAILED', cause: /no space left|500|unknown/i, remedy: /disk space/ });
  t.match(pushed.stderr, /the registry did not take a layer/, 'told before the Engine has given up');
  t.ok(pushed.seconds < 70, `${pushed.seconds} s: the Engine’s own five tries, and none on top`);
  t.equal(await digestAt(image, '1'), null);
});

t.test('an answer of the Engine that is cut is one clear error', async (t) => {
  const lab = await sharedLab(t);
  const { project, image } = await pushProject(t, lab, lab.openRegistry.address);
  const host = await proxyEngine(t, lab.socket(), {
    answer: (url, _piece, response) => url.includes('/push') && Boolean(response.end()),
  });
  const pushed = await project.run(['push', '--image', `${image}:1`], { DOCKER_HOST: host });
  t.equal(pushed.code, 8, pushed.stderr);
  t.match(pushed.result.error, { code: 'ENGINE_FAILED', cause: /cut/ });
});
