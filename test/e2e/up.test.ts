import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { ask as request } from './door';
import type { AdaptationResult } from '../../runner/system/adaptation';
import { askedFor, machine, scalings, systemAsItIs } from './machine';
import { runner, until } from './support';

const execute = promisify(execFile);

t.test('up makes a system out of nothing and sends four commits through it; down leaves nothing', async (t) => {
  const place = await machine(t);
  const { lab, home, state, run } = place;
  await lab.image('base');
  await lab.docker(1, 'swarm', 'leave', '--force');

  const plan = await run('up', '--dry-run', '--json');
  t.equal(plan.code, 0, plan.stderr);
  t.match((JSON.parse(plan.stdout) as { plan: object }).plan, {
    install: [],
    startEngine: false,
    stacks: ['homeostat-registry', 'homeostat-controller', 'homeostat-proxy', 'homeostat-jobs', 'homeostat-monitor'],
  });
  t.notOk(existsSync(state), 'a dry run makes nothing');

  const up = await run('up', '--json');
  t.equal(up.code, 0, up.stderr.slice(-2000));
  const { chapters, checkout, adaptation } = JSON.parse(up.stdout) as {
    checkout: string;
    adaptation: AdaptationResult;
    chapters: { exit: number; traffic: { requests: number; seen: Record<string, number>; failures: object } }[];
  };
  t.same(
    chapters.map((chapter) => chapter.exit),
    [0, 0, 1, 3],
    'two good commits, a red one, one that is put back',
  );
  const [first, second, third, fourth] = chapters.map(({ traffic }) => traffic);
  t.same(Object.keys(first!.seen), ['1'], 'the first release is reached through the door');
  t.same(Object.keys(second!.seen), ['1', '2'], 'a client saw the old version and then the new one');
  t.same(Object.keys(third!.seen), ['2'], 'the red commit never reached it');
  t.ok(second!.requests > 50 && fourth!.requests > 50, 'it asked all the time');
  const failures = [first!, second!, third!, fourth!].map((traffic) => traffic.failures);
  const refused = async () =>
    (await lab.docker(1, 'service', 'logs', '--raw', 'homeostat-proxy_proxy'))
      .split('\n')
      .filter((line) => /"status":(5|-)|is DOWN|no server/.test(line))
      .slice(-40);
  t.same(failures, [{}, {}, {}, {}], 'and no request was lost', { proxy: await refused() });

  const releases = await run('releases', '--stack', 'greeter', '--json');
  t.match(JSON.parse(releases.stdout), {
    releases: [
      { number: 3, state: 'rolled-back' },
      { number: 2, state: 'released' },
      { number: 1, state: 'released' },
    ],
  });
  // The rollback that just ended may have cost a slot its task, which Swarm is then still replacing.
  const whole = async () => /greeter_greeter +2\/2/.test((await run('status')).stdout);
  t.ok(await until(whole), 'both tasks of the greeter are told to run');
  const told = (await run('status')).stdout;
  t.match(told, /routes: http:\/\/greeter\.localhost/, 'its routes are told');
  t.match(told, /proxies\n {2}✔ node1 +HAProxy 3/);
  const own = await lab.exec(1, 'wget', '-q', '-O', '-', '--header=Host: homeostat.localhost', 'http://127.0.0.1/');
  t.match(own, '<title>Homeostat</title>', 'the status page is reached from the node itself');
  t.match(
    readFileSync(path.join(home, '.docker/config.json'), 'utf8'),
    /127\.0\.0\.1:5000/,
    'the registry is logged in to',
  );
  t.notMatch(up.stderr, readFileSync(path.join(state, 'git-token'), 'utf8').trim(), 'no token is in the log');

  t.match(told, /alerts: greeter_greeter_busy → job service-scale, up; greeter_greeter_idle → job service-scale, down/);

  t.equal(adaptation.failed, 0, 'no request was lost while the example grew and shrank');
  t.ok(adaptation.requests > 1000);
  t.same(
    adaptation.moments.map(({ what }) => what),
    [
      'the alert fires',
      'the job service-scale runs',
      'the Swarm is told: 3 tasks',
      'the new task is well',
      'the new task has answered a request',
      'at its maximum: a person is asked',
      'the Swarm is told: 4 tasks',
      'the new task is well',
      'the new task has answered a request',
      'the alert for calm fires',
      '3 tasks are left',
      '2 tasks are left',
    ],
    'the example adapts, and a person is asked only at its limit',
  );
  const builds = await scalings(place);
  t.same([...new Set(builds.map((build) => askedFor(build).user))], ['alertmanager']);
  const page = await request({ address: lab.address(), host: 'homeostat.localhost' });
  t.equal(page.status, 403, 'the status page is for the node itself');

  const asItWas = await systemAsItIs(place);
  const again = await run('up', '--json');
  t.equal(again.code, 0, again.stderr.slice(-2000));
  t.same(
    (JSON.parse(again.stdout) as typeof up & { chapters: { exit: number }[] }).chapters.map((chapter) => chapter.exit),
    [0],
    'repeated, one more version goes through',
  );
  t.equal(await systemAsItIs(place), asItWas, 'and nothing of the system was changed');
  t.ok(existsSync(path.join(checkout, 'homeostat.yml')));

  const down = await run('down');
  t.equal(down.code, 0, down.stderr);
  t.notOk(existsSync(state), 'the state folder is gone');
  t.match(await lab.docker(1, 'info', '--format', '{{.Swarm.LocalNodeState}}'), 'inactive');
  t.equal(await lab.docker(1, 'volume', 'ls', '-q'), '');
  t.equal(await lab.docker(1, 'ps', '-aq'), '');
  t.equal(
    await lab.docker(1, 'image', 'ls', '--format', '{{.Repository}}'),
    'debian',
    'only the base image that was there before stays',
  );
  t.notMatch(readFileSync(path.join(home, '.docker/config.json'), 'utf8'), /127\.0\.0\.1:5000/);
  t.equal((await run('down')).code, 0, 'down may be repeated');
});

t.test('a port that cannot be is refused before anything is looked at', async (t) => {
  const refused = execute(process.execPath, [runner, 'up', '--jobs-port', '99999'], {
    env: { PATH: process.env.PATH },
  });
  await t.rejects(refused, { code: 2, stderr: /--jobs-port is 99999; 1 to 65535 is allowed/ });
});
