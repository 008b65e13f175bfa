import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { ask as request } from './door';
import { askedFor, machine, scalings, systemAsItIs } from './machine';
import { liveService, runner, until } from './support';

const execute = promisify(execFile);

/** So many requests a second to the example until it is stopped; @returns what was not answered well */
function load(address: string, rate: number): () => Promise<string[]> {
  const bad: string[] = [];
  const asked: Promise<void>[] = [];
  const one = () =>
    request({ address, host: 'greeter.localhost' }).then(
      ({ status }) => void (status === 200 || bad.push(String(status))),
      (error: unknown) => void bad.push(String(error)),
    );
  const timer = setInterval(() => asked.push(one()), 1000 / rate);
  return async () => {
    clearInterval(timer);
    await Promise.all(asked);
    return bad;
  };
}

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
  const { chapters, checkout } = JSON.parse(up.stdout) as {
    checkout: string;
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
  t.match(
    readFileSync(path.join(home, '.docker/config.json'), 'utf8'),
    /127\.0\.0\.1:5000/,
    'the registry is logged in to',
  );
  t.notMatch(up.stderr, readFileSync(path.join(state, 'git-token'), 'utf8').trim(), 'no token is in the log');

  t.match(told, /alerts: greeter_greeter_busy → job service-scale, up; greeter_greeter_idle → job service-scale, down/);

  await t.test('load makes an alert, the alert a build, the build one more replica', async (t) => {
    const before = (await liveService(lab, 'greeter_greeter'))!.replicas;
    const stop = load(lab.address(), 200);
    const asked = async () => (await scalings(place)).some((build) => askedFor(build).scale === 'up');
    t.ok(await until(asked, 120), 'the job server has a build');
    const more = async () => (await liveService(lab, 'greeter_greeter'))!.replicas > before;
    t.ok(await until(more, 60), 'which scales the service');
    t.same(await stop(), [], 'and no request was lost');
    const [first] = (await scalings(place)).filter((build) => askedFor(build).scale === 'up');
    t.match(askedFor(first!), { service: 'greeter_greeter', user: 'alertmanager' });
  });

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
