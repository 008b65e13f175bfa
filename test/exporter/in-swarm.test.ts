import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { bundle } from '../../build/bundle';
import { withLab } from '../lab';
import { promtoolSays, samplesOf, until, withoutCadvisorsNames } from './support';

const compiled = mkdtempSync(path.join(tmpdir(), 'homeostat-runner-'));
t.before(() => bundle(compiled));
t.teardown(() => rmSync(compiled, { recursive: true, force: true }));

for (const cgroups of [1, 2] as const)
  t.test(`as a service of a Swarm on control groups of version ${cgroups}`, async (t) => {
    const lab = await withLab(t, { cgroups });
    const [node, busybox] = [await lab.image('node'), await lab.image('busybox')];
    const bind = (source: string, target: string) => ['--mount', `type=bind,src=${source},dst=${target},ro`];
    const mounts = [
      ...bind('/var/run/docker.sock', '/var/run/docker.sock'),
      ...bind('/sys/fs/cgroup', '/host/cgroup'),
      ...bind('/proc', '/host/proc'),
      ...bind(compiled, '/runner'),
    ];
    const create = (name: string, ...words: string[]) =>
      lab.docker(1, 'service', 'create', '--detach', '--no-resolve-image', '--name', name, ...words);
    await create(
      'shop_web',
      '--replicas',
      '2',
      '--container-label',
      'com.docker.stack.namespace=shop',
      busybox,
      'sleep',
      '1000',
    );
    const published = ['--publish', 'mode=host,target=9101,published=9101'];
    const program = ['node', '/runner/homeostat.cjs', 'exporter', '--cgroup', '/host/cgroup', '--proc', '/host/proc'];
    await create('exporter', '--mode', 'global', ...mounts, ...published, node, ...program);
    const text = async () =>
      fetch(`http://${lab.address()}:9101/metrics`).then(
        (answer) => answer.text(),
        () => '',
      );
    const told = async (name: string) => samplesOf(await text()).filter((sample) => sample.name === name);
    await until('all are known', async () => (await told('container_last_seen')).length === 3, 120_000);
    t.equal(withoutCadvisorsNames(promtoolSays(await text())), '');
    const sources = await told('homeostat_exporter_containers');
    t.equal(
      sources.find(({ labels }) => labels.source === 'files')?.value,
      3,
      "by the node's files, itself among them",
    );
    const tasks = (await told('container_cpu_usage_seconds_total')).filter(
      ({ labels }) => labels.container_label_com_docker_swarm_service_name === 'shop_web',
    );
    t.equal(tasks.length, 2);
    const { labels } = tasks[0]!;
    t.equal(labels.container_label_com_docker_stack_namespace, 'shop');
    t.match(labels.container_label_com_docker_swarm_task_name, /^shop_web\.[12]\.[a-z0-9]{25}$/);
    t.match(labels.container_label_com_docker_swarm_task_id, /^[a-z0-9]{25}$/);
    t.match(labels.container_label_com_docker_swarm_service_id, /^[a-z0-9]{25}$/);
    t.match(labels.container_label_com_docker_swarm_node_id, /^[a-z0-9]{25}$/);
    t.match(labels.image, /^homeostat-lab\/busybox/);
    t.equal((await told('container_network_receive_bytes_total')).length > 0, true);
    if (cgroups === 1) t.equal((await told('container_memory_usage_bytes')).length, 3);
    await lab.docker(1, 'service', 'rm', 'shop_web');
    await until('its tasks are gone', async () => (await told('container_last_seen')).length === 1, 120_000);
  });
