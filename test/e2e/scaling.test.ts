import http from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { noRaces, raceService } from '../bench/scaling-races';
import { sharedLab, uniqueName, withLab, type Lab } from '../lab';
import { liveService, Project, until, webProject } from './support';

const labelled = ['--label', 'com.df.scaleMin=1', '--label', 'com.df.scaleMax=4'];

/** A service that does nothing, and the runner to scale it with. */
async function service(t: Test, lab: Lab, options: string[] = labelled, replicas = 2) {
  const name = uniqueName('idle');
  const image = await lab.imageId('busybox');
  const flags = ['--detach', '--endpoint-mode', 'dnsrr', '--init', '--stop-grace-period', '1s', '--no-resolve-image'];
  const create = ['service', 'create', '--name', name, ...flags, '--replicas', String(replicas), ...options];
  await lab.docker(1, ...create, image, 'sleep', '100000');
  const project = new Project(lab, name, image);
  t.teardown(async () => {
    await lab.docker(1, 'service', 'rm', name).catch(() => '');
    await project.remove();
  });
  t.ok(await until(async () => (await running(lab, name)) === replicas, 60), `${name} runs`);
  return { name, project, replicas: async () => (await liveService(lab, name))?.replicas };
}

const running = async (lab: Lab, name: string): Promise<number> => {
  const list = ['service', 'ps', name, '--filter', 'desired-state=running', '--format', '{{.CurrentState}}'];
  const states = (await lab.docker(1, ...list)).split('\n');
  return states.filter((state) => state.startsWith('Running')).length;
};

t.test('what cannot be scaled is refused with the reason, and nothing is changed', async (t) => {
  const lab = await sharedLab(t);
  const { name, project, replicas } = await service(t, lab);
  const refused = async (args: string[], code: number, says: RegExp, environment: Record<string, string> = {}) => {
    const ended = await project.run(['scale', ...args], environment);
    t.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`);
    t.match(ended.stderr, says);
  };
  for (const scale of ['1e9', '-', "'; rm -rf /", '+0', '99999', 'sideways', '1.5'])
    await refused([name, `--scale=${scale}`], 2, /scale is '.*allowed is up, down, a number/);
  await refused(['$(id)', 'up'], 2, /service is '\$\(id\)'/);
  await refused([name, 'up', '--by', '-3'], 2, /by is '-3'/);
  await refused([name, '3', '--by', '3'], 2, /by is '3'/);
  await refused(['nobody-knows-it', '3'], 2, /there is no service/);
  await refused([name, '9'], 6, /9 is beyond its maximum of 4/);
  await refused([name, '3'], 6, /HOMEOSTAT_SCALE_SERVICES does not name it/, { HOMEOSTAT_SCALE_SERVICES: 'other_*' });
  await refused([name, '3'], 2, /HOMEOSTAT_SCALE_COOLDOWN_UP is 'soon'/, { HOMEOSTAT_SCALE_COOLDOWN_UP: 'soon' });
  const plain = await service(t, lab, []);
  await refused([plain.name, '3'], 6, /no label that says so/);
  const broken = await service(t, lab, ['--label', 'com.df.scaleMax=many']);
  await refused([broken.name, '3'], 6, /scaleMax is 'many'; it must be/);
  const global = uniqueName('idle');
  const image = await lab.imageId('busybox');
  const create = ['service', 'create', '--detach', '--name', global, '--mode', 'global', '--no-resolve-image'];
  await lab.docker(1, ...create, ...labelled, image, 'sleep', '100000');
  t.teardown(() => lab.docker(1, 'service', 'rm', global));
  await refused([global, '3'], 6, /it is global/);
  t.equal(await replicas(), 2);
});

t.test('a person scales, and it is observed and written down', async (t) => {
  const lab = await sharedLab(t);
  const { name, project, replicas } = await service(t, lab);
  const plan = await project.run(['scale', name, '+1', '--dry-run', '--json']);
  t.match(plan.result.plan, { decision: { verdict: 'scale', from: 2, to: 3 }, live: { replicas: 2, running: 2 } });
  t.equal(await replicas(), 2, 'a dry run changes nothing');
  const grown = await project.run(['scale', name, '+1']);
  t.equal(grown.code, 0, grown.stderr);
  t.match(grown.result, { verdict: 'scale', from: 2, to: 3, observed: true, running: 3 });
  t.equal(await running(lab, name), 3);
  const same = await project.run(['scale', name, '3']);
  t.match([same.code, same.result.verdict], [0, 'none']);
  const shrunk = await project.run(['scale', name, '-1', '--id', 'once', '--from-alert=false']);
  t.equal(shrunk.code, 0, shrunk.stderr);
  const again = await project.run(['scale', name, '-1', '--id', 'once', '--from-alert=false']);
  t.match([again.code, again.result.error?.scaling?.guard], [6, 'repeat'], 'the same request again is one action');
  const explained = await project.run(['scale', name, '--explain']);
  t.match(explained.stdout, /changes, newest first\n.* 3 → 2 .*\n.* 2 → 3 /);
  t.match(explained.stdout, /✗ cooldown .*down waits 5m00s after a change/);
  t.match(explained.stdout, /what was not done, newest first\n.*refuse: it was carried out/);
});

t.test('a runner that is killed at any moment leaves one step to be seen, and no second one', async (t) => {
  const lab = await sharedLab(t);
  for (const moment of [200, 350, 450, 550, 700, 900]) {
    const { name, project, replicas } = await service(t, lab, [...labelled, '--label', 'com.df.scaleCooldownUp=1h'], 1);
    const args = ['scale', name, 'up', '--id', '0123456789abcdef@2026-01-01T00:00:00Z'];
    const { child, ended } = project.start(args);
    setTimeout(() => child.kill('SIGKILL'), moment);
    await ended;
    t.ok(await until(async () => (await running(lab, name)) === (await replicas()), 60));
    const told = (await replicas()) === 2 ? ['hold', 'none'] : ['scale'];
    const again = await project.run(args);
    t.equal(again.code, 0, again.stderr);
    t.ok(told.includes(String(again.result.verdict)), `killed after ${moment} ms: ${JSON.stringify(again.result)}`);
    t.equal(await replicas(), 2);
  }
});

t.test('a hold and a silence keep alerts and people from scaling', async (t) => {
  const lab = await sharedLab(t);
  const { name, project, replicas } = await service(t, lab);
  t.equal((await project.run(['hold', name])).code, 2, 'a hold needs a reason');
  t.equal((await project.run(['hold', 'nobody-knows-it', '--reason', 'x'])).code, 2);
  const held = await project.run(['hold', name, '--for', '2h', '--only', 'up', '--reason', 'campaign']);
  t.match(held.result, { service: name, held: 'up', reason: 'campaign' });
  t.ok((await project.run(['hold', '--json'])).result.holds.some((each: { service: string }) => each.service === name));
  const person = await project.run(['scale', name, '3']);
  t.match([person.code, person.stderr], [6, /it is held until .* by .*: campaign/]);
  const alert = await project.run(['scale', name, 'up', '--from-alert']);
  t.match([alert.code, alert.result.verdict, alert.result.guard], [0, 'hold', 'hold'], 'a build is not red for it');
  t.equal((await project.run(['scale', name, '1'])).code, 0, 'the other direction is free');
  t.equal((await project.run(['hold', name, '--release'])).code, 0);
  t.equal((await project.run(['scale', name, '2'])).code, 0);

  const matchers = [{ name: 'service', value: name, isRegex: false, isEqual: true }];
  const endsAt = new Date(Date.now() + 3_600_000).toISOString();
  const silence = { matchers, endsAt, createdBy: 'jane', comment: 'known', status: { state: 'active' } };
  const alertmanager = http.createServer((request, response) =>
    response.end(JSON.stringify(request.url?.includes('silences') ? [silence] : [])),
  );
  await new Promise<void>((resolve) => alertmanager.listen(0, '127.0.0.1', resolve));
  t.teardown(() => alertmanager.close());
  const url = `http://127.0.0.1:${(alertmanager.address() as AddressInfo).port}`;
  const silenced = await project.run(['scale', name, '3'], { HOMEOSTAT_ALERTMANAGER: url });
  t.match([silenced.code, silenced.stderr], [6, /silenced in Alertmanager until .* by jane: known/]);
  silence.status.state = 'expired';
  const id = '0123456789abcdef@2026-01-01T00:00:00Z';
  const over = await project.run(['scale', name, 'up', '--id', id], { HOMEOSTAT_ALERTMANAGER: url });
  t.match(over.result, { verdict: 'hold', guard: 'alert', reason: 'the alert no longer fires' });
  const away = await project.run(['scale', name, '3'], { HOMEOSTAT_ALERTMANAGER: 'http://127.0.0.1:1' });
  t.match([away.code, away.stderr], [0, /cannot be asked for silences/], 'an Alertmanager that is away is told of');
  t.equal(await replicas(), 3);
});

t.test('at its limit people are asked, and what they decide is done', async (t) => {
  const lab = await sharedLab(t);
  const { name, project, replicas } = await service(t, lab, ['--label', 'com.df.scaleMax=2']);
  const fast = { HOMEOSTAT_SCALE_COOLDOWN_UP: '0', HOMEOSTAT_SELF_APPROVAL: 'true' };
  const alert = () => project.run(['scale', name, 'up', '--from-alert'], fast);
  const asked = await alert();
  t.match([asked.code, asked.result], [0, { verdict: 'ask', guard: 'limit', question: /^q-/ }], asked.stderr);
  t.equal((await alert()).result.question, asked.result.question, 'while it is open it is asked once');
  const answer = (question: string, ...words: string[]) =>
    project.run(['answer', question, ...words, '--by', 'jane'], fast);
  const done = await answer(String(asked.result.question), 'scale');
  t.equal(done.code, 0, done.stderr);
  t.equal(await replicas(), 3, 'beyond the limit, as decided');

  const next = await alert();
  t.match(next.result, { verdict: 'ask', reason: /maximum of 2, with 3 replicas/ });
  t.equal((await answer(String(next.result.question), 'scale', '--always')).code, 0);
  t.equal(await replicas(), 4);
  t.equal((await project.run(['scale', name, '3'], fast)).code, 0);
  t.match((await alert()).result, { verdict: 'scale', to: 4, reason: /standing rule of jane allows/ });

  const last = await alert();
  t.match(last.result, { verdict: 'ask' });
  t.equal((await answer(String(last.result.question), 'ignore')).code, 0);
  t.match((await alert()).result, { verdict: 'hold', guard: 'limit', reason: /jane decided to ignore it/ });
  t.equal(await replicas(), 4);
});

t.test('a decision that comes too late for what it was about changes nothing', async (t) => {
  const lab = await sharedLab(t);
  const { name, project, replicas } = await service(t, lab, ['--label', 'com.df.scaleMax=2']);
  const fast = { HOMEOSTAT_SELF_APPROVAL: 'true' };
  const asked = await project.run(['scale', name, 'up', '--from-alert'], fast);
  t.equal((await project.run(['scale', name, '1'])).code, 0);
  const answered = await project.run(['answer', String(asked.result.question), 'scale', '--by', 'jane'], fast);
  t.match([answered.code, answered.stderr], [1, /it has 1 replica now, no longer 2/]);
  t.equal(await replicas(), 1);
  const held = await project.run(['hold', '--json']);
  t.notOk(held.result.holds.some((each: { service: string }) => each.service === name));
});

t.test('while a deploy runs nothing is scaled, and its end lets the next one through', async (t) => {
  const lab = await sharedLab(t);
  const name = uniqueName('shop');
  const deploy = ["labels: {com.df.scaleMin: '1', com.df.scaleMax: '6'}"];
  const project = await webProject(t, lab, name, { deploy });
  t.equal((await project.run(['deploy', '--image', await project.publish('1')])).code, 0);
  const second = await project.publish('2');
  const deploying = project.start(['deploy', '--image', second, '--monitor', '6s']);
  const full = `${name}_${name}`;
  let ended = false;
  void deploying.ended.then(() => (ended = true));
  const held: string[] = [];
  t.ok(
    await until(async () => {
      const { result } = await project.run(['scale', full, 'up', '--from-alert']);
      if (!ended && result.verdict === 'hold') held.push(String(result.guard));
      return held.length >= 2 || ended;
    }, 60),
  );
  t.ok(held.length > 0, 'it was asked for meanwhile');
  t.ok(
    held.every((guard) => ['rollout', 'cooldown', 'pending'].includes(guard)),
    held.join(', '),
  );
  const deployed = await deploying.ended;
  t.equal(deployed.code, 0, deployed.stderr);
  const wanted = (await liveService(lab, full))!.replicas + 1;
  const after = await project.run(['scale', full, '+1']);
  t.match([after.code, (await liveService(lab, full))?.replicas], [0, wanted], after.stderr);
  t.match((await liveService(lab, full))?.image, second, 'the release stays');
});

t.test('writers that race lose nothing, and no request is done twice', async (t) => {
  const lab = await sharedLab(t);
  const image = await lab.imageId('busybox');
  const races = noRaces();
  await Promise.all([raceService(lab, image, 12, races), raceService(lab, image, 12, races)]);
  const { lost, outside, doubled, duringRollout, failed } = races;
  t.same(
    { lost, outside, doubled, duringRollout, failed },
    { lost: [], outside: [], doubled: [], duringRollout: [], failed: [] },
  );
  t.ok(races.conflicts > 0, `${races.conflicts} writes came second`);
  t.ok(races.scaled > 3, `${races.scaled} were carried out`);
});

t.test('services are spread anew, all of them and one after the other', async (t) => {
  const lab = await sharedLab(t);
  const one = await service(t, lab, ['--label', 'com.df.reschedule=true']);
  const other = await service(t, lab, ['--label', 'com.df.reschedule=true']);
  const apart = await service(t, lab, []);
  const tasks = async (name: string) =>
    (await lab.docker(1, 'service', 'ps', name, '-q', '--filter', 'desired-state=running')).split('\n').sort();
  const before = await Promise.all([one, other, apart].map(({ name }) => tasks(name)));
  const spread = await one.project.run(['scale', '--reschedule']);
  t.equal(spread.code, 0, spread.stderr);
  const done = (spread.result.services as { service: string; outcome: string }[]).filter(({ service: name }) =>
    [one.name, other.name].includes(name),
  );
  t.match(done, [{ outcome: 'rescheduled' }, { outcome: 'rescheduled' }]);
  const after = await Promise.all([one, other, apart].map(({ name }) => tasks(name)));
  t.notOk(
    after[0]!.some((id) => before[0]!.includes(id)),
    'the tasks of the first are new',
  );
  t.notOk(
    after[1]!.some((id) => before[1]!.includes(id)),
    'and those of the second',
  );
  t.same(after[2], before[2], 'who did not ask for it is left alone');
});

t.test('a node is emptied without a moment of too few tasks', async (t) => {
  const lab = await withLab(t, { nodes: 3, managers: 1 });
  const name = uniqueName('spread');
  const project = await webProject(t, lab, name, { replicas: 4 });
  const image = await project.publish('1');
  t.equal((await project.run(['deploy', '--image', image])).code, 0);
  const full = `${name}_${name}`;
  const on = async (node: string) =>
    (await lab.docker(1, 'node', 'ps', node, '--filter', 'desired-state=running', '-q')).split('\n').filter(Boolean)
      .length;
  t.ok(await until(async () => (await on('node2')) > 0, 30), 'it has tasks');
  const counts: number[] = [];
  let draining = true;
  const counting = (async () => {
    while (draining) counts.push(await running(lab, full));
  })();
  const plan = await project.run(['drain', 'node2', '--dry-run', '--json']);
  t.match(plan.result.plan, { node: 'node2', services: [{ service: full, replicas: 4 }] });
  const drained = await project.run(['drain', 'node2', '--deadline', '60s']);
  draining = false;
  await counting;
  t.equal(drained.code, 0, drained.stderr);
  t.equal(await on('node2'), 0);
  t.equal(Math.min(...counts), 4, `never fewer than four ran: ${[...new Set(counts)].join(', ')}`);
  t.equal((await liveService(lab, full))?.replicas, 4);
  t.equal((await project.run(['drain', 'node9'])).code, 2);
  t.equal((await project.run(['drain', 'node2', '--end'])).code, 0);

  await lab.docker(1, 'service', 'update', '--detach', '--constraint-add', 'node.hostname==node3', full);
  t.ok(await until(async () => (await on('node3')) === 4 && (await running(lab, full)) === 4, 60), 'all on one node');
  t.ok(
    await until(
      async () =>
        (await lab.docker(1, 'service', 'inspect', full, '--format', '{{.UpdateStatus.State}}')) === 'completed',
      60,
    ),
  );
  const stuck = await project.run(['drain', 'node3', '--deadline', '3s']);
  t.match([stuck.code, stuck.stderr], [5, /0 of 4 run elsewhere/]);
  t.equal((await liveService(lab, full))?.replicas, 4, 'everything was put back');
  t.equal(await lab.docker(1, 'node', 'inspect', 'node3', '--format', '{{.Spec.Availability}}'), 'active');

  await lab.docker(1, 'service', 'update', '--detach', '--constraint-rm', 'node.hostname==node3', full);
  await lab.docker(1, 'service', 'update', '--detach', '--label-add', 'com.df.scaleWorkerNodeMax=2', full);
  const driver = path.join(project.folder, 'machines');
  const order = path.join(project.folder, 'order.json');
  // Machines that join and leave, as far as the Swarm can tell: one that is there takes tasks, or takes none.
  const script = [
    '#!/bin/sh',
    `cat >${order}`,
    `grep -q '"add"' ${order} || exit 0`,
    'for node in node2 node3; do docker node update --availability active $node; done',
  ];
  writeFileSync(driver, `${script.join('\n')}\n`, { mode: 0o755 });
  const nodes = (scale: string, environment: Record<string, string> = {}) =>
    project.run(['scale', full, scale, '--type', 'worker'], {
      HOMEOSTAT_NODE_SCALER: `command:${driver}`,
      ...environment,
    });
  t.match(await nodes('up'), { code: 6, stderr: /there are 2 workers, and at most 2 are to be/ });
  t.match(await nodes('down', { HOMEOSTAT_NODE_SCALER: '' }), { code: 8, stderr: /nothing is set that adds/ });
  const fewer = await nodes('down');
  t.equal(fewer.code, 0, fewer.stderr);
  t.match(fewer.result, { decision: { from: 2, to: 1 }, nodes: [/^node[23]$/] });
  t.match(JSON.parse(readFileSync(order, 'utf8')), {
    action: 'remove',
    role: 'worker',
    wanted: 1,
    nodes: fewer.result.nodes,
  });
  t.equal(await on(String(fewer.result.nodes[0])), 0, 'it was drained first');
  t.equal(await running(lab, full), 4);
  t.match(await nodes('up'), { code: 6, stderr: /has to show first/ });
  const more = await nodes('up', { HOMEOSTAT_SCALE_NODE_COOLDOWN: '0' });
  t.equal(more.code, 0, more.stderr);
  t.match(more.result, { decision: { from: 1, to: 2 }, nodes: fewer.result.nodes });
});
