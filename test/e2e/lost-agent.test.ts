import t from 'tap';
import { sharedLab } from '../lab';
import { allTests, deliveryProject, leftovers } from './delivery';
import { liveService, runningImages, until } from './support';

// Most of the time goes into waiting for the Swarm, so the tests run side by side.
t.jobs = 2;

// What the steps of Jenkins cannot do where their agent is gone is done by whoever comes next.

const config = `${allTests}deploy: {deadline: 40s, monitor: 8s}\ncandidate: {deadline: 25s}\n`;

t.test(
  'an agent is lost in mid-deploy: the next pipeline takes the lease over and settles the rollout, and says so',
  async (t) => {
    const lab = await sharedLab(t);
    const project = await deliveryProject(t, lab, { config });
    const service = `${project.name}_${project.name}`;
    const first = await project.run(['pipeline', '--build', '1']);
    t.equal(first.code, 0, first.stderr);
    const before = (await liveService(lab, service))!.image;

    project.write({ 'www/second.html': 'second\n' });
    project.commit('second');
    const lost = project.start(['pipeline', '--build', '2']);
    t.ok(await until(async () => (await liveService(lab, service))!.image !== before, 90), 'it deploys');
    lost.child.kill('SIGKILL');
    await lost.ended;

    project.write({ 'www/third.html': 'third\n' });
    project.commit('third');
    const next = await project.run(['pipeline', '--build', '3']);
    t.equal(next.code, 0, next.stderr);
    t.match(
      next.stderr,
      new RegExp(`the lease on .*${project.name}.* was left by a deploy.* that died .*it is taken over`),
    );
    t.match(next.stderr, /rollout 2 of .* was left unfinished; settling it/);
    const { releases } = (await project.run(['releases', '--json'])).result as {
      releases: { number: number; state: string }[];
    };
    t.same(
      releases.map(({ number, state }) => [number, state]),
      [
        [3, 'released'],
        [2, 'released'],
        [1, 'released'],
      ],
    );
    t.same(await leftovers(lab, project.name), [], 'no candidate is left');
  },
);

t.test('an agent is lost in mid-deploy of a bad release: status puts the good one back, and says so', async (t) => {
  const lab = await sharedLab(t);
  const project = await deliveryProject(t, lab, { config });
  const service = `${project.name}_${project.name}`;
  t.equal((await project.run(['pipeline', '--build', '1'])).code, 0);
  const good = (await liveService(lab, service))!.image;

  project.write({ start: '[ -e /www/bad ] && sleep 3 && exit 1\nexec httpd -f -p 8080 -h /www\n' });
  project.write({ 'www/bad': 'yes\n' });
  project.commit('bad');
  t.equal((await project.run(['build', '--tag', 'bad'])).code, 0);
  const { reference } = (await project.run(['push', '--tag', 'bad'])).result as { reference: string };
  const lost = project.start(['deploy', '--image', reference]);
  t.ok(await until(async () => (await liveService(lab, service))!.image === reference, 60), 'it deploys');
  lost.child.kill('SIGKILL');
  await lost.ended;
  const status = await project.run(['status']);
  t.equal(status.code, 0, status.stderr);
  t.match(status.stderr, /that died .*it is taken over/);
  t.match(status.stderr, /rollout 2 of .* was left unfinished; settling it/);
  t.same([...new Set(await runningImages(lab, service))], [good]);
});
