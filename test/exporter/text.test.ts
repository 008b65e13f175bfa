import fc from 'fast-check';
import t from 'tap';
import { containerFacts, type InspectedContainer } from '../../runner/exporter/container-facts';
import { engineReading } from '../../runner/exporter/engine-stats';
import { memoryReading, type Reading } from '../../runner/exporter/reading';
import type { NodeReading } from '../../runner/exporter/readings';
import { Page } from '../../runner/exporter/page';
import { writeMetrics } from '../../runner/exporter/text';
import { promtoolSays, samplesOf, withoutCadvisorsNames } from './support';

const traffic = { bytes: 1, packets: 2, errors: 3, dropped: 4 };
const full: Reading = {
  memory: memoryReading(9000, 4000, 3000, 1000),
  cpuSeconds: 0.5,
  interfaces: [
    { name: 'eth0', receive: traffic, transmit: { ...traffic, bytes: 5 } },
    { name: 'odd"\\', receive: traffic, transmit: traffic },
  ],
};

const nodeReading = (read: [InspectedContainer, Reading][]): NodeReading => ({
  ...{ up: true, at: 1_800_000_000.5, seconds: 0.01, sources: { files: read.length, engine: 0 }, unread: 0 },
  read: read.map(([inspected, reading]) => ({ container: containerFacts(inspected), reading })),
});

function exporterText(node: NodeReading): string {
  const page = new Page();
  page.add('of an earlier reading');
  page.clear();
  writeMetrics(page, node);
  return page.bytes().toString();
}

const label = 'com.docker.swarm.service.name';

t.test('a container with everything, and one with nothing', (t) => {
  const text = exporterText(
    nodeReading([
      [
        {
          Id: 'a',
          Name: '/shop',
          RestartCount: 2,
          State: { Running: true, Pid: 7, StartedAt: '2026-01-01T00:00:00.25Z', Health: { Status: 'unhealthy' } },
          Config: { Image: 'shop@sha256:1', Labels: { [label]: 'shop_web', other: 'x' } },
          HostConfig: { Memory: 1024, NanoCpus: 1_500_000_000 },
        },
        full,
      ],
      [
        { Id: 'b', State: { Running: true, Pid: 0, StartedAt: '0001-01-01T00:00:00Z', Health: null } },
        { interfaces: [] },
      ],
    ]),
  );
  t.equal(withoutCadvisorsNames(promtoolSays(text)), '');
  const samples = samplesOf(text);
  const of = (name: string) =>
    samples.filter((each) => each.name === name).map(({ labels, value }) => [labels.id, value, labels.interface]);
  t.same(of('container_memory_working_set_bytes'), [['/docker/a', 8000, undefined]]);
  t.same(of('container_spec_cpu_quota'), [['/docker/a', 150_000, undefined]]);
  t.same(of('container_start_time_seconds'), [
    ['/docker/a', 1_767_225_600.25, undefined],
    ['/docker/b', 0, undefined],
  ]);
  t.same(of('homeostat_container_health'), [['/docker/a', 0, undefined]]);
  t.same(of('homeostat_container_restarts_total'), [
    ['/docker/a', 2, undefined],
    ['/docker/b', 0, undefined],
  ]);
  t.same(of('container_network_transmit_bytes_total'), [
    ['/docker/a', 5, 'eth0'],
    ['/docker/a', 1, 'odd"\\'],
  ]);
  t.same(samples.find(({ name }) => name === 'container_cpu_usage_seconds_total')?.labels, {
    ...{ id: '/docker/a', name: 'shop', image: 'shop@sha256:1', cpu: 'total' },
    container_label_com_docker_swarm_service_name: 'shop_web',
  });
  t.end();
});

t.test('while the Engine is away there is no container', (t) => {
  const text = exporterText({ ...nodeReading([]), up: false });
  t.match(text, /^homeostat_exporter_up 0$/m);
  t.notMatch(text, /container_/);
  t.equal(promtoolSays(text), '');
  t.end();
});

t.test('no name, image or label leaves its quotes', (t) => {
  const any = fc.string({ unit: 'binary', minLength: 1 });
  const texts: string[] = [];
  fc.assert(
    fc.property(any, any, any, (name, image, service) => {
      const inspected = { Id: 'a', Name: `/${name}`, Config: { Image: image, Labels: { [label]: service } } };
      const text = exporterText(nodeReading([[inspected, full]]));
      texts.push(text);
      const told = samplesOf(text).filter(({ labels }) => labels.id !== undefined);
      if (told.length < 10) return false;
      return told.every(
        ({ labels }) =>
          labels.name === name &&
          labels.image === image &&
          labels.container_label_com_docker_swarm_service_name === service,
      );
    }),
    { numRuns: 1000 },
  );
  for (const text of texts.slice(-10)) t.equal(withoutCadvisorsNames(promtoolSays(text)), '');
  t.end();
});

t.test('an answer of the Engine for a container that has just ended', (t) => {
  t.same(engineReading({}), { interfaces: [] });
  t.same(engineReading({ memory_stats: {}, cpu_stats: { cpu_usage: { total_usage: 0 } } }), {
    cpuSeconds: 0,
    interfaces: [],
  });
  const second = { usage: 10, stats: { anon: 1, file: 2, inactive_file: 3 } };
  t.same(engineReading({ memory_stats: second }).memory, { usage: 10, cache: 2, rss: 1, workingSet: 7 });
  t.end();
});
