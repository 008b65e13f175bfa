import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readCgroup } from '../../runner/exporter/cgroup';
import { CgroupFolders } from '../../runner/exporter/cgroup-folders';
import { networkDevices } from '../../runner/exporter/network-devices';
import { withLab } from '../lab';
import { startExporter, until } from './support';

const id = (digit: string) => digit.repeat(64);

/** As a kernel 6.1 writes it, with what counts nothing here left out. */
const secondMemory = `anon 1191936
file 4198400
kernel 208896
sock 0
inactive_anon 1155072
active_anon 12288
inactive_file 4194304
active_file 4096
`;

t.test('control groups of version 2, with the driver of systemd', (t) => {
  const group = (digit: string, files: Record<string, string>) => ({ [`docker-${id(digit)}.scope`]: files });
  const full = {
    'memory.current': '5632000\n',
    'memory.stat': secondMemory,
    'cpu.stat': 'usage_usec 1500000\nuser_usec 1\n',
  };
  const root = t.testdir({
    'cgroup.controllers': 'cpuset cpu io memory pids\n',
    'init.scope': {},
    'system.slice': { ...group('a', full), ...group('b', { 'cpu.stat': full['cpu.stat'] }), 'ssh.service': {} },
  });
  const folders = new CgroupFolders(root);
  folders.look([id('a'), id('b'), id('c')]);
  t.same(readCgroup(folders.of(id('a'))!), {
    memory: { usage: 5_632_000, cache: 4_198_400, rss: 1_191_936, workingSet: 1_437_696 },
    cpuSeconds: 1.5,
  });
  t.same(readCgroup(folders.of(id('b'))!), { cpuSeconds: 1.5 }, 'memory that is not accounted for is not told of');
  t.equal(folders.of(id('c')), undefined);
  mkdirSync(path.join(root, 'system.slice', `docker-${id('c')}.scope`));
  folders.look([id('a'), id('c')]);
  t.equal(folders.of(id('c'))?.cpu, path.join(root, 'system.slice', `docker-${id('c')}.scope`));
  t.equal(folders.of(id('b')), undefined, 'what is not asked for is forgotten');
  t.equal(readCgroup(folders.of(id('c'))!), undefined, 'an empty one is gone');
  rmSync(path.join(root, 'system.slice'), { recursive: true });
  t.equal(readCgroup(folders.of(id('a'))!), undefined);
  t.end();
});

t.test('control groups of version 1, with controllers that share a mount', (t) => {
  const memory = {
    'memory.usage_in_bytes': '9000\n',
    'memory.stat': 'cache 1\nrss 2\ntotal_cache 4000\ntotal_rss 3000\ntotal_inactive_file 10000\n',
  };
  const below = (files: Record<string, string>) => ({ docker: { [id('a')]: files } });
  const root = t.testdir({
    memory: below(memory),
    'cpu,cpuacct': below({ 'cpuacct.usage': '2500000000\n' }),
    pids: below({}),
  });
  const folders = new CgroupFolders(root);
  folders.look([id('a')]);
  t.same(readCgroup(folders.of(id('a'))!), {
    memory: { usage: 9000, cache: 4000, rss: 3000, workingSet: 0 },
    cpuSeconds: 2.5,
  });
  t.end();
});

t.test('a folder without control groups, and one that is not there, have none', (t) => {
  for (const root of [t.testdir({}), '/nonexistent']) {
    const folders = new CgroupFolders(root);
    folders.look([id('a')]);
    t.equal(folders.of(id('a')), undefined);
  }
  t.end();
});

t.test('interfaces as the kernel lists them', (t) => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0
  eth0: 1746000   13000    1    2    0     0          0         0   900000    8000    3    4    0     0       0          0
  eth1:12345678901 5    0    0    0     0          0         0   1 2    0    0    0     0       0          0
veth12:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0
`;
  t.same(networkDevices(text), [
    {
      name: 'eth0',
      receive: { bytes: 1_746_000, packets: 13_000, errors: 1, dropped: 2 },
      transmit: { bytes: 900_000, packets: 8000, errors: 3, dropped: 4 },
    },
    {
      name: 'eth1',
      receive: { bytes: 12_345_678_901, packets: 5, errors: 0, dropped: 0 },
      transmit: { bytes: 1, packets: 2, errors: 0, dropped: 0 },
    },
  ]);
  for (const bad of ['', 'eth0:', 'eth0: 1 2 3', 'eth0: a b c d e f g h i j k l m n o p', ':::'])
    t.same(networkDevices(bad), []);
  t.end();
});

t.test('a node whose Engine uses version 2', async (t) => {
  const lab = await withLab(t, { cgroups: 2 });
  const image = await lab.image('busybox');
  await lab.docker(1, 'run', '--detach', '--name', 'busy', image, 'sh', '-c', 'while :; do :; done');
  const exporter = await startExporter(t, lab);
  const used = () => exporter.value('container_cpu_usage_seconds_total', 'busy');
  await until('its processor time is counted', async () => ((await used()) ?? 0) > 0.3);
  const files = (await exporter.samples()).find(({ labels }) => labels.source === 'files');
  t.equal(files?.value, 1, 'by the files of the node');
  t.ok((await exporter.value('container_network_receive_bytes_total', 'busy')) !== undefined);
});
