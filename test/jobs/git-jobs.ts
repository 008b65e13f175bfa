import { chownSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import t from 'tap';
import { consoleOf, ended, git, repositoryIn, startServer, temporaryFolder, until } from './support';

const yaml = (url: string, more = '') => `
jobs:
  shop:
    repository: ${url}
    branches: [main, 'release/*']
    environment: { RECORD: $RECORD }
    ${more}
`;

async function shopServer(test: Parameters<typeof startServer>[0], more = '') {
  const folder = temporaryFolder(test);
  const repository = repositoryIn(folder);
  const server = await startServer(test, yaml(repository.url, more), folder);
  const client = await server.client();
  const notify = (query: string) => client.post(`git/notifyCommit?url=${encodeURIComponent(repository.url)}${query}`);
  const workspace = path.join(server.data, 'workspace/shop');
  return { server, client, repository, notify, workspace };
}

t.test('a pipeline job runs in a checkout of exactly one commit', async (t) => {
  const { server, client, repository, workspace } = await shopServer(t);
  t.equal((await client.post('job/shop/build')).status, 201);
  const build = await ended(client, 'shop');
  t.equal(build.result, 'SUCCESS');
  const [call] = server.records();
  t.same(call!.args, ['pipeline', '--build', '1']);
  t.match(call!.env, { GIT_COMMIT: repository.first, GIT_BRANCH: 'main', JOB_NAME: 'shop', BUILD_NUMBER: '1' });
  t.equal(call!.cwd, workspace);
  t.match(build.actions.at(-1), { lastBuiltRevision: { SHA1: repository.first }, remoteUrls: [repository.url] });
  t.match(await consoleOf(client, 'shop'), `Checked out main at ${repository.first}`);

  writeFileSync(path.join(workspace, 'version'), 'changed by a build');
  mkdirSync(path.join(workspace, 'left/over'), { recursive: true });
  git(workspace, 'init', '--quiet', 'nested');
  writeFileSync(path.join(workspace, '.git/index.lock'), 'of a git that was killed');
  const second = repository.commit('version', '2');
  await client.post('job/shop/build');
  t.equal((await ended(client, 'shop', 2)).result, 'SUCCESS');
  t.equal(git(workspace, 'rev-parse', 'HEAD'), second);
  t.equal(readFileSync(path.join(workspace, 'version'), 'utf8'), '2');
  t.same(readdirSync(workspace).sort(), ['.git', 'version'], 'nothing of the build before is left');
});

t.test('notifyCommit polls: a head that was built is not built again, a given commit is', async (t) => {
  const { server, client, repository, notify } = await shopServer(t);
  const first = await notify('');
  t.equal(first.status, 200);
  t.equal(first.headers.triggered, `${server.url}job/shop/`);
  t.match(first.data, /^Scheduled polling of shop/);
  const build = await ended(client, 'shop');
  t.match(build.actions, [{ causes: [{ shortDescription: 'Started by an SCM change' }] }, {}]);

  await notify('&branches=main');
  await until(() => server.logged().includes('shop: nothing new on main, not built'));
  const item = await client.get(`queue/item/${build.queueId + 1}/api/json`);
  t.match(item.data, { cancelled: true, executable: null });
  t.equal((await client.get('job/shop/2/api/json')).status, 404);

  await notify(`&branches=main&sha1=${repository.first}`);
  t.equal((await ended(client, 'shop', 2)).result, 'SUCCESS', 'a branch without news, but a commit is given');
  const second = repository.commit('version', '2');
  await notify(`&sha1=${repository.first}`);
  await ended(client, 'shop', 3);
  t.equal(server.records().at(-1)!.env.GIT_COMMIT, repository.first, 'the commit, not the head');
  await notify('&branches=main');
  await ended(client, 'shop', 4);
  t.equal(server.records().at(-1)!.env.GIT_COMMIT, second);
});

t.test('the branch filter holds, for branches and for commits', async (t) => {
  const { server, client, repository, notify } = await shopServer(t);
  const hidden = repository.commit('version', 'evil', 'evil');
  const other = await notify('&branches=evil');
  t.equal(other.status, 200);
  t.notOk('triggered' in other.headers);
  t.match(other.data, /^No git jobs using repository: file:.* and branches: evil/);
  await notify(`&sha1=${hidden}`);
  t.equal((await ended(client, 'shop')).result, 'FAILURE');
  t.match(await consoleOf(client, 'shop'), /is not on a branch that the job may build/);
  await notify(`&sha1=${hidden}&branches=main`);
  t.equal((await ended(client, 'shop', 2)).result, 'FAILURE');
  t.equal(server.records().length, 0, 'nothing of it ever ran');

  const release = repository.commit('version', '3', 'release/3');
  await notify('&branches=release/3,evil');
  await ended(client, 'shop', 3);
  t.match(server.records()[0]!.env, { GIT_BRANCH: 'release/3', GIT_COMMIT: release });
  await notify('&branches=release/none');
  await notify(`&sha1=${'0'.repeat(40)}`);
  t.equal((await ended(client, 'shop', 4)).result, 'FAILURE', 'a commit that does not exist');
});

t.test('what notifyCommit refuses', async (t) => {
  const { client, repository, notify } = await shopServer(t);
  t.equal((await client.get('git/notifyCommit')).status, 400, 'no url');
  for (const branch of ['--upload-pack=x', 'a b', 'a..b', '-x', 'x.lock', '@{', 'a%0ab'])
    t.equal((await notify(`&branches=${branch}`)).status, 400, branch);
  for (const commit of ['main', 'abc', '--all', `${repository.first}x`])
    t.equal((await notify(`&sha1=${commit}`)).status, 400, commit);
  t.equal((await client.get('git/notifyCommit?url=https://elsewhere.example/x.git')).status, 200);
  t.equal((await client.get('queue/api/json')).data.items.length, 0);
});

t.test('a remote side that is away fails the build and keeps the workspace', async (t) => {
  const { server, client, repository, workspace, notify } = await shopServer(t);
  await client.post('job/shop/build');
  await ended(client, 'shop');
  git(repository.work, 'remote', 'set-url', 'origin', repository.bare);
  const { renameSync } = await import('node:fs');
  renameSync(repository.bare, `${repository.bare}.away`);
  await notify('');
  t.equal((await ended(client, 'shop', 2)).result, 'FAILURE', 'a poll that cannot ask builds, so that it is seen');
  t.match(
    await consoleOf(client, 'shop', 2),
    /error GIT_FAILED: git ls-remote failed for the job shop\n {2}cause: .*not/,
  );
  t.ok(existsSync(path.join(workspace, '.git')));
  renameSync(`${repository.bare}.away`, repository.bare);
  await client.post('job/shop/build');
  t.equal((await ended(client, 'shop', 3)).result, 'SUCCESS');
  t.equal(server.records().length, 2);
});

t.test('a damaged workspace is made anew', async (t) => {
  const { client, workspace } = await shopServer(t);
  await client.post('job/shop/build');
  await ended(client, 'shop');
  writeFileSync(path.join(workspace, '.git/HEAD'), 'nonsense');
  await client.post('job/shop/build');
  t.equal((await ended(client, 'shop', 2)).result, 'SUCCESS');
});

t.test('a repository of another owner', async (t) => {
  const folder = temporaryFolder(t);
  const { url, bare } = repositoryIn(folder);
  if (process.getuid?.() === 0) {
    const all = readdirSync(bare, { recursive: true }) as string[];
    for (const name of ['', ...all]) chownSync(path.join(bare, name), 12_345, 12_345);
  }
  const server = await startServer(t, yaml(url), folder);
  const client = await server.client();
  await client.post('job/shop/build');
  t.equal((await ended(client, 'shop')).result, 'SUCCESS');
});

t.test('a git server that never answers is given up, and can be stopped', async (t) => {
  const silent = net.createServer(() => undefined).listen(0, '127.0.0.1');
  const sockets = new Set<net.Socket>();
  silent.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  t.teardown(() => {
    sockets.forEach((socket) => socket.destroy());
    silent.close();
  });
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as net.AddressInfo;
  const url = `http://127.0.0.1:${port}/shop.git`;
  const server = await startServer(t, yaml(url, 'gitTimeout: 1s'));
  const client = await server.client();
  await client.post('job/shop/build');
  t.equal((await ended(client, 'shop')).result, 'FAILURE');
  t.match(await consoleOf(client, 'shop'), /cause: it took longer than 1\.0s/);
  const patient = await server.restart(yaml(url, 'gitTimeout: 1h'));
  const next = await patient.client();
  await next.post('job/shop/build');
  await until(async () => (await next.get('job/shop/2/api/json')).data.building === true);
  await next.post('job/shop/2/stop');
  t.equal((await ended(next, 'shop', 2, 5000)).result, 'ABORTED');
  t.equal(server.records().length, 0, 'neither pipeline nor clean-up: nothing had been started');
});

t.test('deploy key and known hosts reach ssh as they are, and nothing else', async (t) => {
  const folder = temporaryFolder(t);
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(path.join(folder, "key's"), 'PRIVATE KEY', { mode: 0o644 });
  writeFileSync(path.join(folder, 'known hosts'), 'git.example ssh-ed25519 AAAA\n');
  writeFileSync(path.join(bin, 'ssh'), `#!/bin/sh\nprintf '%s\\n' "$@" > ${folder}/arguments\nexit 1\n`, {
    mode: 0o755,
  });
  const more = `deployKey: "key's"\n    knownHosts: known hosts\n`;
  const server = await startServer(
    t,
    yaml('git@git.example:team/shop.git', more),
    folder,
    `${bin}:${process.env.PATH}`,
  );
  const client = await server.client();
  await client.post('job/shop/build');
  t.equal((await ended(client, 'shop')).result, 'FAILURE');
  const words = readFileSync(path.join(folder, 'arguments'), 'utf8').split('\n');
  const key = words[words.indexOf('-i') + 1]!;
  t.equal(readFileSync(key, 'utf8'), 'PRIVATE KEY\n', 'a copy with the line end that ssh needs');
  const { statSync } = await import('node:fs');
  t.equal(statSync(key).mode & 0o777, 0o600, 'which only its owner may read');
  for (const option of [
    'StrictHostKeyChecking=yes',
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    `UserKnownHostsFile="${folder}/known hosts"`,
  ])
    t.ok(words.includes(option), option);
});
