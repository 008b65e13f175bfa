import t from 'tap';
import { connectEngine } from '../../runner/common/engine';
import { StackReleases } from '../../runner/swarm/stack-releases';
import { createRecord, recordName, removeRecord, readRecord } from '../../runner/swarm/store';
import { VirtualClock } from '../controller/support';
import { sharedLab, uniqueName } from '../lab';
import { realContext } from '../lab/context';

t.test('the release of a stack is the newest one', async (t) => {
  const lab = await sharedLab(t);
  const clock = new VirtualClock();
  const context = realContext({ env: lab.environment() });
  const engine = connectEngine(context);
  const releases = new StackReleases(engine, { ...context, clock });
  const [shop, other] = [uniqueName('shop'), uniqueName('other')];
  const nameOf = (stack: string, number: number) => recordName('release', stack, number);
  const create = async (stack: string, number: number) => {
    const labels = { kind: 'release', stack, number: String(number) };
    await createRecord(engine, nameOf(stack, number), labels, {}, context);
    t.teardown(() => remove(stack, number));
  };
  const remove = async (stack: string, number: number) => {
    const record = await readRecord(engine, nameOf(stack, number), context);
    if (record) await removeRecord(engine, record.id, context);
  };
  const event = (action: string, stack: string, number: number) =>
    releases.told({ type: 'config', action, name: nameOf(stack, number) });
  await create(shop, 9);
  await create(shop, 10);
  await releases.look();
  t.equal(releases.releases.get(shop), '10', 'by number');

  const before = releases.releases;
  await create(shop, 11);
  await releases.look();
  t.equal(releases.releases, before, 'it is not read all the time');
  event('create', shop, 11);
  t.equal(releases.releases.get(shop), '11', 'but told by an event');
  event('remove', shop, 9);
  await releases.look();
  t.equal(releases.releases.get(shop), '11');
  releases.told({ type: 'config', action: 'create', name: 'homeostat-accepted-0123456789ab' });
  releases.told({ type: 'config', action: 'create', name: 'mine' });

  await create(other, 1);
  event('create', other, 1);
  await releases.look();
  t.equal(releases.releases.get(other), '1', 'a stack that was not known is read');
  await remove(shop, 11);
  event('remove', shop, 11);
  await releases.look();
  t.equal(releases.releases.get(shop), '10', 'what is taken back is read again');
  await create(shop, 12);
  await clock.advance(601_000);
  await releases.look();
  t.equal(releases.releases.get(shop), '12', 'an event that was lost is made up for');
});
