import t, { type Test } from 'tap';
import { JenkinsServer } from './jenkins-server';
import { clientOf, failureOf } from './support';

const scale = 'service-scale';
const parameters = ['service', 'scale', 'by', 'id', 'at'];

/** A test with a Jenkins of its own, of which nothing was asked that it does not know. */
function scene(name: string, work: (t: Test, server: JenkinsServer) => Promise<void>): void {
  t.test(name, async (t) => {
    const server = await new JenkinsServer().start(t);
    server.job(scale, parameters);
    server.job('plain');
    await work(t, server);
    t.same(server.violations, []);
  });
}

scene('what a real Jenkins was observed to answer: from the request to the end of the build', async (t, server) => {
  const client = clientOf(server);
  const number = await client.started(await client.trigger(scale, { service: 'a & b', scale: 'up', id: '1' }));
  let log = '';
  t.match(await client.follow(scale, number, (text) => (log += text)), { number: 1, result: 'SUCCESS' });
  t.match(log, 'Started by user');
  t.same(server.builds(scale)[0]!.parameters, { service: 'a & b', scale: 'up', by: '', id: '1', at: '' });
  await client.started(await client.trigger('plain'));
  t.equal(server.builds('plain').length, 1);
});

scene('303: an equal request that waits already is the one that counts', async (t, server) => {
  server.free = false;
  const client = clientOf(server);
  const request = { service: 'shop', scale: 'up' };
  const first = await client.trigger(scale, request);
  t.equal(await client.trigger(scale, request), first);
  t.not(await client.trigger(scale, { ...request, scale: 'down' }), first);
  const late = await failureOf(client.started(first, 100));
  t.match(late, { causeText: /next available executor/, remedy: /agent/ });
});

scene(
  'each refusal says why and what to do, with exit code 8, is not tried again, and starts nothing',
  async (t, server) => {
    server.job('off', [], { disabled: true });
    server.user('reader', ['overall', 'read']).user('stranger', ['overall']).user('nobody', []);
    const refused = async (work: Promise<unknown>, causeText: RegExp, remedy: RegExp) => {
      server.calls.length = 0;
      t.match(await failureOf(work), { code: 'JENKINS_FAILED', exit: 8, causeText, remedy });
      t.ok(server.posts().length <= 1);
    };
    const client = clientOf(server);
    await refused(client.trigger(scale), /400: the job takes no parameters, or takes some/, /Declare the parameters/);
    await refused(client.trigger('plain', { a: 'b' }), /400/, /Declare/);
    await refused(client.trigger('none'), /404: there is no such job/, /renamed/);
    await refused(client.trigger('off'), /409: the job is disabled/, /Enable/);
    await refused(clientOf(server, 'reader').trigger('plain'), /403: this user may not/, /Job\/Build/);
    await refused(clientOf(server, 'reader').stop(scale, 1), /404/, /./);
    await refused(clientOf(server, 'stranger').trigger('plain'), /404/, /Job\/Read/);
    await refused(clientOf(server, 'nobody').trigger('plain'), /403/, /./);
    server.users.get('reader')!.token = 'another';
    const wrong = clientOf(server, 'reader');
    server.users.get('reader')!.token = 'revoked meanwhile';
    await refused(wrong.trigger('plain'), /401: user and token/, /new API token/);
    server.users.get('tester')!.token = server.users.get('tester')!.password;
    await refused(clientOf(server).trigger('plain'), /crumb/, /API token/);
    t.same([server.builds(scale), server.builds('plain'), server.builds('off')], [[], [], []]);
  },
);

scene('stop, and stop of what has ended', async (t, server) => {
  server.quick = false;
  const client = clientOf(server);
  const number = await client.started(await client.trigger('plain'));
  await client.stop('plain', number);
  t.match(await client.follow('plain', number, () => undefined), { result: 'ABORTED' });
  await client.stop('plain', number);
  const builder = clientOf(server.user('builder', ['overall', 'read', 'build']), 'builder');
  t.match(await failureOf(builder.stop('plain', number)), { causeText: /403/ });
});

scene(
  'inputs: listed, released, given values, aborted; one that is answered already is told as such',
  async (t, server) => {
    server.quick = false;
    server.user('releaser', ['overall', 'read']).user('reader', ['overall', 'read']);
    const client = clientOf(server);
    await client.started(await client.trigger('plain'));
    const build = server.builds('plain')[0]!;
    const path = 'job/plain/1';
    for (const id of ['Deploy', 'Version', 'Stop']) build.inputs.set(id, ['releaser']);
    t.same(
      (await client.pendingInputs('plain', 1)).map(({ id }) => id),
      ['Deploy', 'Version', 'Stop'],
    );
    const refused = await failureOf(clientOf(server, 'reader').answerInput(path, 'Deploy', 'proceed'));
    t.match(refused, { causeText: /400: this user may not answer the input/, remedy: /submitter/ });
    t.equal(await clientOf(server, 'releaser').answerInput(path, 'Deploy', 'proceed'), true);
    t.equal(await client.answerInput(path, 'Deploy', 'proceed'), false, 'somebody was faster');
    t.equal(await client.answerInput(path, 'Version', 'proceed', { tag: '1 "2"', größe: 'ja' }), true);
    t.same(build.answers, [
      { id: 'Deploy', by: 'releaser', parameters: undefined },
      { id: 'Version', by: 'tester', parameters: { tag: '1 "2"', größe: 'ja' } },
    ]);
    t.equal(await client.answerInput(path, 'Stop', 'abort'), true);
    t.equal(build.result, 'ABORTED');
    t.equal(await client.answerInput(path, 'Stop', 'abort'), false);
    server.stages = false;
    t.same(await client.pendingInputs('plain', 1), [], 'without the plugin that lists them');
    for (const odd of ['job/../1', 'script', 'job/a/1/stop'])
      t.match(await failureOf(client.answerInput(odd, 'Deploy', 'proceed')), { message: /not the path of a build/ });
  },
);

scene('folders and names that are not ASCII', async (t, server) => {
  const client = clientOf(server);
  for (const name of ['team/größe', 'ünï cödé/日本 % ? # +/job']) {
    server.job(name, ['id']);
    const number = await client.started(await client.trigger(name, { id: 'größe' }));
    t.match(await client.follow(name, number, () => undefined), { result: 'SUCCESS' });
    t.equal(await client.lastBuild(name), 1);
    t.equal(server.builds(name)[0]!.parameters.id, 'größe');
  }
});

scene('a wrong root URL: the number of the item counts, not the host before it', async (t, server) => {
  server.rootUrl = 'http://wrong.example/elsewhere/';
  server.quick = false;
  const client = clientOf(server);
  const number = await client.started(await client.trigger('plain'));
  await client.stop('plain', number);
  t.match(await client.follow('plain', number, () => undefined), { result: 'ABORTED' });
});

scene('ten thousand items in the queue: only what is needed is read', async (t, server) => {
  server.free = false;
  for (let id = 1; id <= 10_000; id++)
    server.items.push({ id, job: scale, parameters: { service: `s${id}`, scale: 'up', by: '', id: `i${id}`, at: '' } });
  let lost = 0;
  server.faults.push(async ({ method }, response, pass) => {
    if (method !== 'POST' || lost++ > 0) return false;
    await pass();
    response.destroy();
    return true;
  });
  const before = process.memoryUsage().heapUsed;
  const start = performance.now();
  const item = await clientOf(server, 'tester', { answer: 10_000 }).trigger(scale, {
    service: 'mine',
    scale: 'up',
    id: 'mine',
  });
  t.ok(performance.now() - start < 3000);
  t.ok(process.memoryUsage().heapUsed - before < 100 * 2 ** 20);
  t.equal(item, 10_001);
  t.equal(server.items.length, 10_001, 'no double');
});
