import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { consoleOf, ended, startServer, until } from './support';

const yaml = `
executors: 4
logMegabytes: 1
jobs:
  service-scale:
    command: scale
    arguments: [--dry-run]
    environment: { RECORD: $RECORD, WORDS: 'the secret is swordfish-9', TOKEN: { file: $FOLDER/secret } }
    parameters:
      mode:
      service: { default: shop }
      scale: { choices: [up, down] }
`;

t.test('a build runs the command with parameters in one JSON value and a clean environment', async (t) => {
  const folder = t.testdir({ secret: 'swordfish-9\n' });
  const server = await startServer(t, yaml, folder);
  const client = await server.client();
  await client.post('job/service-scale/buildWithParameters?mode=result&service=a%27b%24(id)&unknown=1');
  const build = await ended(client, 'service-scale');
  t.equal(build.result, 'SUCCESS');
  t.same(build.homeostat, { release: 7 }, 'the result document is part of the build');
  const [call] = server.records();
  t.same(call!.args, ['scale', '--dry-run']);
  t.same(
    call!.parameters,
    { mode: 'result', service: "a'b$(id)", scale: 'up' },
    'nothing parsed them, undeclared ones are gone',
  );
  t.match(call!.env, {
    JOB_NAME: 'service-scale',
    BUILD_NUMBER: '1',
    BUILD_URL: `${server.url}job/service-scale/1/`,
    HOMEOSTAT_RESULT: path.join(server.data, 'jobs/service-scale/builds/1/result.json'),
    TOKEN: 'swordfish-9',
  });
  t.equal(call!.env.DOCKER_HOST, 'tcp://127.0.0.1:1', 'what Docker needs is inherited');
  for (const name of ['HOMEOSTAT_DEADLINE', 'OTHER']) t.notOk(name in call!.env, `${name} of the server is not`);
  t.equal(call!.cwd, path.join(server.data, 'workspace/service-scale'));
});

t.test('an empty parameter counts as not given', async (t) => {
  const server = await startServer(t, yaml, t.testdir({ secret: 'x' }));
  const client = await server.client();
  await client.post('job/service-scale/buildWithParameters?service=');
  const build = await ended(client, 'service-scale');
  t.notOk('service' in server.records()[0]!.parameters);
  const parameters = build.actions.find((action) => 'parameters' in action)!.parameters as { name: string }[];
  t.same(
    parameters.map(({ name }) => name),
    ['mode', 'service', 'scale'],
    'Jenkins shows it all the same',
  );
});

t.test('results, secrets and the log', async (t) => {
  const server = await startServer(t, yaml, t.testdir({ secret: 'swordfish-9\n' }));
  const client = await server.client();
  const build = async (mode: string) => {
    const { headers } = await client.post(`job/service-scale/buildWithParameters?mode=${mode}`);
    const item = String(headers.location).replace(server.url, '');
    const number = await until(async () => (await client.get(`${item}api/json`)).data.executable?.number as number);
    return ended(client, 'service-scale', number, 30_000);
  };

  t.equal((await build('fail')).result, 'FAILURE', 'an exit code that is neither 0 nor 143');
  t.match(await consoleOf(client, 'service-scale', 'lastBuild'), /^Started by user tester\n[^]*\nFinished: FAILURE\n$/);

  t.equal((await build('crash')).result, 'FAILURE', 'a process that is killed from outside');
  t.match(await consoleOf(client, 'service-scale', 'lastBuild'), /ended by SIGKILL/);

  await build('print');
  const printed = await consoleOf(client, 'service-scale', 'lastBuild');
  t.match(printed, /the secret is \*\*\*\*/);
  t.notMatch(printed, /swordfish/);

  t.equal((await build('flood')).result, 'SUCCESS', '100 MB of output do not stop a build');
  const flooded = await consoleOf(client, 'service-scale', 'lastBuild');
  t.ok(flooded.length < 1_010_000, `the log has ${flooded.length} bytes`);
  t.match(flooded.slice(-300), /longer than 1 MB; the rest is left out\]\nFinished: SUCCESS\n$/);

  const started = Date.now();
  t.equal((await build('orphan')).result, 'SUCCESS', 'a process left behind does not hold the build');
  t.ok(Date.now() - started < 5000);
  const pid = /orphan (\d+)/.exec(await consoleOf(client, 'service-scale', 'lastBuild'))![1]!;
  await until(() => isGone(Number(pid)));
});

t.test('a build whose program or secret is missing fails and says so', async (t) => {
  const folder = t.testdir({ secret: 'swordfish-9' });
  const server = await startServer(t, yaml, folder);
  const client = await server.client();
  writeFileSync(path.join(folder, 'secret'), '');
  await client.post('job/service-scale/buildWithParameters');
  t.equal((await ended(client, 'service-scale')).result, 'FAILURE');
  t.match(await consoleOf(client, 'service-scale'), /error SECRET_MISSING.*TOKEN.*is empty/);
  t.equal(server.records().length, 0);
});

t.test('files of a build are private', async (t) => {
  const server = await startServer(t, yaml, t.testdir({ secret: 'x' }));
  const client = await server.client();
  await client.post('job/service-scale/buildWithParameters');
  await ended(client, 'service-scale');
  for (const name of ['log', 'build.json'])
    t.equal(statSync(path.join(server.data, 'jobs/service-scale/builds/1', name)).mode & 0o077, 0, name);
  t.equal(statSync(path.join(server.data, 'queue')).mode & 0o077, 0);
});

const isGone = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
};
