import t from 'tap';
import { eventually, hasRoute, Site, startController } from '../controller/live';
import { route } from '../controller/support';
import { uniqueName, withLab } from '../lab';

t.test('a restarted Engine and a Swarm without a leader are waited for', async (t) => {
  const lab = await withLab(t, { nodes: 2, managers: 2 });
  const place = await new Site(lab).prepare(t);
  const live = await startController(t, place);
  const name = uniqueName('shop');
  await place.create(name, route('/before'));
  await eventually(() => hasRoute('/before')(live));
  await lab.stopEngine(1);
  await eventually(async () => (await live.reader.get<{ failing?: object }>('/v1/status')).data.failing !== undefined);
  t.ok(await hasRoute('/before')(live), 'what is published stays');
  await lab.startEngine(1);
  await eventually(
    async () =>
      place.update(name, route('/after-restart')).then(
        () => true,
        () => false,
      ),
    30_000,
  );
  await eventually(() => hasRoute('/after-restart')(live), 30_000);
  await lab.powerOff(2);
  await eventually(
    async () => (await live.reader.get<{ failing?: object }>('/v1/status')).data.failing !== undefined,
    60_000,
  );
  await new Promise((resolve) => setTimeout(resolve, 3000));
  t.ok(await hasRoute('/after-restart')(live), 'without a leader too');
  await lab.boot(2);
  await eventually(
    async () =>
      place.update(name, route('/after-leader')).then(
        () => true,
        () => false,
      ),
    60_000,
  );
  const took = await eventually(() => hasRoute('/after-leader')(live), 30_000);
  t.ok(took < 12_000, `${Math.round(took)} ms after there was one again`);
  t.notOk((await live.reader.get<{ failing?: object }>('/v1/status')).data.failing);
});
