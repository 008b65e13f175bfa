import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statfsSync } from 'node:fs';
import { promisify } from 'node:util';
import t from 'tap';
import { runLab, sharedLab, uniqueName, withLab, type Lab } from '../lab';

const run = promisify(execFile);

/** Everything on the machine that belongs to a lab: by its name, and by its subnet unless another lab has that by now. */
async function traces(name: string, subnet: string): Promise<string[]> {
  const slot = subnet.split('.')[2]!;
  const outputs = await Promise.all([
    run('ip', ['-o', '-4', 'addr']),
    run('iptables-save', []),
    run('ip', ['netns', 'list']),
    run('ps', ['-eo', 'args']),
    run('sh', ['-c', 'find /sys/fs/cgroup /var/lib/homeostat-lab -maxdepth 4 -type d; cat /proc/self/mounts']),
  ]);
  const slots = await run('sh', ['-c', 'cat /var/lib/homeostat-lab/*/slot || true']);
  const marks = [`/${name}`, ...(slots.stdout.split('\n').includes(slot) ? [] : [`${subnet}.`, `homeostat-${slot}-`])];
  return outputs
    .flatMap(({ stdout }) => stdout.split('\n'))
    .filter((line) => marks.some((mark) => line.includes(mark)));
}

async function waitFor(what: string, seconds: number, check: () => Promise<boolean>) {
  const end = Date.now() + seconds * 1000;
  while (!(await check().catch(() => false))) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const serve = (lab: Lab, node: number, image: string, name: string) =>
  lab.docker(
    node,
    'run',
    '--detach',
    '--name',
    name,
    '--publish',
    '8080:80',
    '--restart',
    'always',
    image,
    'sh',
    '-c',
    'mkdir -p /w && echo here >/w/index.html && exec httpd -f -h /w',
  );

const nodeState = async (lab: Lab, host: string) =>
  lab.docker(1, 'node', 'ls', '--filter', `name=${host}`, '--format', '{{.Status}}');

t.test('one node is a whole Swarm', async (t) => {
  const lab = await sharedLab(t);
  t.equal(
    await lab.docker(1, 'info', '--format', '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}'),
    'active true',
  );
  t.equal(await lab.exec(1, 'hostname'), 'node1');
  t.match(await lab.exec(1, 'cat', '/proc/1/comm'), 'tini');
  t.equal((await lab.engine().ping()).toString(), 'OK');
});

t.test('its registries take images, the private one only with the password', async (t) => {
  const lab = await sharedLab(t);
  const image = await lab.image('busybox');
  const name = uniqueName('registry');
  const { address, user, password } = lab.registry;
  for (const target of [lab.openRegistry.address, address]) await lab.docker(1, 'tag', image, `${target}/${name}:1`);
  await lab.docker(1, 'push', `${lab.openRegistry.address}/${name}:1`);
  await t.rejects(lab.docker(1, 'push', `${address}/${name}:1`), /no basic auth credentials/);
  await t.rejects(lab.docker(1, 'login', '--username', user, '--password', 'wrong', address), /401|unauthorized/);
  await lab.docker(1, 'login', '--username', user, '--password', password, address);
  await lab.docker(1, 'push', `${address}/${name}:1`);
  await lab.docker(1, 'logout', address);
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const tags = await fetch(`http://${address}/v2/${name}/tags/list`, { headers: { authorization } });
  t.same(await tags.json(), { name, tags: ['1'] });
  t.equal((await fetch(`http://${address}/v2/`)).status, 401);
});

t.test('a small registry gets full', async (t) => {
  const lab = await withLab(t);
  const { address } = await lab.smallRegistry('small', 15002, '4m');
  const upload = async (megabytes: number) => {
    const blob = Buffer.alloc(megabytes << 20);
    const started = await fetch(`http://${address}/v2/any/blobs/uploads/`, { method: 'POST' });
    const digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`;
    const target = new URL(started.headers.get('location')!);
    target.searchParams.set('digest', digest);
    return (await fetch(target, { method: 'PUT', body: blob })).status;
  };
  t.equal(await upload(1), 201);
  t.equal(await upload(8), 500);
});

t.test('its images run', async (t) => {
  const lab = await sharedLab(t);
  t.match(await lab.docker(1, 'run', '--rm', await lab.image('node'), 'node', '--version'), /^v\d+\./);
  t.match(await lab.docker(1, 'run', '--rm', await lab.image('node'), 'git', '--version'), /git version/);
  t.match(await lab.docker(1, 'run', '--rm', await lab.image('base'), 'cat', '/etc/os-release'), /trixie/);
  t.equal(await lab.docker(1, 'run', '--rm', await lab.image('busybox'), 'echo', 'yes'), 'yes');
});

t.test('two labs side by side do not see each other, but nodes reach the world outside their lab', async (t) => {
  const [one, two] = await Promise.all([withLab(t), withLab(t)]);
  t.not(one.address(), two.address());
  await serve(two, 1, await two.image('busybox'), 'web');
  t.equal(await one.docker(1, 'ps', '--quiet'), '');
  const answer = () =>
    one.exec(1, 'bash', '-c', `exec 3<>/dev/tcp/${two.address()}/8080; printf 'GET / HTTP/1.0\r\n\r\n' >&3; cat <&3`);
  await waitFor('an answer through the root namespace', 10, async () => (await answer()).includes('here'));
  t.equal((await (await fetch(`http://${two.address()}:8080/`)).text()).trim(), 'here', 'and from the test itself');
  await one.down();
  t.equal((await two.engine().ping()).toString(), 'OK', 'one going away leaves the other');
  t.match(await answer().catch(String), /is not up/);
});

t.test('nodes break as machines do', async (t) => {
  const lab = await withLab(t, { nodes: 3, managers: 1, initFlags: '--dispatcher-heartbeat 1s' });
  const image = await lab.image('busybox', 2);
  await serve(lab, 2, image, 'web');
  const answers = async () => (await fetch(`http://${lab.address(2)}:8080/`, { signal: AbortSignal.timeout(1000) })).ok;
  await waitFor('the container answers', 10, answers);

  await lab.stopEngine(2);
  await t.rejects(lab.docker(2, 'ps'), /Cannot connect/);
  t.ok(await lab.exec(2, 'pidof', 'httpd', 'busybox'), 'containers go on without the Engine');
  await lab.startEngine(2);
  await waitFor('the container after the Engine', 60, answers);

  await lab.cut(2);
  await t.rejects(answers());
  await waitFor('node2 is seen to be down', 90, async () => (await nodeState(lab, 'node2')) === 'Down');
  await lab.heal(2);
  await waitFor('node2 is back', 90, async () => (await nodeState(lab, 'node2')) === 'Ready');

  await lab.powerOff(2);
  await t.rejects(answers());
  await t.rejects(lab.exec(2, 'true'), /node2 is off/);
  await lab.boot(2);
  await waitFor('the container after the reboot', 60, answers);
  await waitFor('node2 after the reboot', 90, async () => (await nodeState(lab, 'node2')) === 'Ready');
});

t.test('both versions of control groups', async (t) => {
  const only2 = statfsSync('/sys/fs/cgroup').type === 0x63677270;
  const hybrid = /^cgroup2? \S+ cgroup2 /m.test(readFileSync('/proc/self/mounts', 'utf8'));
  const versions: (1 | 2)[] = only2 ? [2] : hybrid ? [1, 2] : [1];
  for (const version of versions) {
    const lab = await withLab(t, { cgroups: version });
    t.equal(await lab.docker(1, 'info', '--format', '{{.CgroupVersion}}'), String(version));
    t.equal(await lab.docker(1, 'run', '--rm', await lab.image('busybox'), 'echo', 'runs'), 'runs');
    await lab.down();
  }
});

t.test('down leaves nothing', async (t) => {
  const lab = await withLab(t, { nodes: 2 });
  const subnet = lab.address().replace(/\.1$/, '');
  await lab.docker(1, 'run', '--detach', await lab.image('busybox'), 'sleep', '1000');
  t.not((await traces(lab.name, subnet)).length, 0);
  await lab.down();
  t.same(await traces(lab.name, subnet), []);
  await t.resolves(lab.down(), 'and twice is as good as once');
});

t.test('a lab whose owner was killed is removed by the next one', async (t) => {
  const owner = spawn('sleep', ['1000']);
  const name = uniqueName('orphan');
  t.teardown(() => runLab(name, ['down']));
  await runLab(name, ['up', '1'], { LAB_OWNER: String(owner.pid) });
  const { subnet } = JSON.parse(await runLab(name, ['describe'])) as { subnet: string };
  await withLab(t);
  t.match(await runLab(name, ['list']), name, 'while the owner lives it stays');
  owner.kill('SIGKILL');
  await new Promise((resolve) => owner.once('exit', resolve));
  await withLab(t);
  t.notMatch(await runLab(name, ['list']), name);
  t.same(await traces(name, subnet), []);
});

t.test('a start that is killed halfway is removed by the next one', async (t) => {
  const name = uniqueName('half');
  t.teardown(() => runLab(name, ['down']));
  const half = spawn('test/lab/lab', ['up', '2'], { env: { ...process.env, LAB: name }, detached: true });
  await waitFor('a node process', 10, async () =>
    (await run('ps', ['-eo', 'args'])).stdout.includes(`${name}/node1.sock`),
  );
  process.kill(-half.pid!, 'SIGKILL');
  await new Promise((resolve) => half.once('exit', resolve));
  await withLab(t);
  t.notMatch(await runLab(name, ['list']), name);
  t.same(
    (await run('ps', ['-eo', 'args'])).stdout.split('\n').filter((line) => line.includes(`/${name}/`)),
    [],
  );
});

t.test('misuse is refused in words', async (t) => {
  const lab = await sharedLab(t);
  await t.rejects(runLab('x', ['up', '12']), /a lab has 1 to 9/);
  await t.rejects(runLab('Bad Name', ['up']), /is not a name/);
  await t.rejects(runLab(lab.name, ['up']), /is already up/);
  await t.rejects(runLab('never-started', ['docker', '1', 'ps']), /is not up/);
  await t.rejects(lab.boot(1), /already up/);
});
