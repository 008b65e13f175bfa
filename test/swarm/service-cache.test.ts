import t from 'tap';
import { ServiceCache } from '../../runner/swarm/service-cache';
import type { ListedService } from '../../runner/swarm/facts';

const listed = (ID: string, version: number, running: number, label = 'a'): ListedService =>
  ({
    ID,
    Version: { Index: version },
    Spec: { Name: `n-${ID}`, Labels: { label }, Mode: { Replicated: { Replicas: 2 } }, TaskTemplate: {} },
    ServiceStatus: { RunningTasks: running, DesiredTasks: 2 },
  }) as never;

t.test('a service that has not changed is the same object, and one that has is read anew', (t) => {
  const cache = new ServiceCache();
  const [one, two] = cache.factsOf([listed('1', 10, 2), listed('2', 11, 2)]);
  const [same, changed] = cache.factsOf([listed('1', 10, 2), listed('2', 12, 2, 'b')]);
  t.equal(same, one);
  t.not(changed, two);
  t.same(changed!.labels, { label: 'b' });
  t.end();
});

t.test('counts of tasks change by themselves; the labels stay the same object', (t) => {
  const cache = new ServiceCache();
  const [before] = cache.factsOf([listed('1', 10, 2)]);
  const [after] = cache.factsOf([listed('1', 10, 1)]);
  t.match(after, { running: 1, wanted: 2 });
  t.match(before, { running: 2 }, 'what was told before is not changed');
  t.equal(after!.labels, before!.labels);
  t.end();
});

t.test('a service that went and came again is read anew', (t) => {
  const cache = new ServiceCache();
  const [before] = cache.factsOf([listed('1', 10, 2)]);
  t.same(cache.factsOf([]), []);
  const [after] = cache.factsOf([listed('1', 10, 2)]);
  t.not(after, before);
  t.same(after, before);
  t.end();
});
