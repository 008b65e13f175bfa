import t, { type Test } from 'tap';
import { makeCertificate } from '../controller/certificates/support';
import { JenkinsServer, type Fault } from './jenkins-server';
import { clientOf, failureOf } from './support';

const scale = 'service-scale';

async function jenkins(t: Test, tls?: { certificate: string; key: string }): Promise<JenkinsServer> {
  const server = await new JenkinsServer().start(t, tls);
  server.job(scale, ['service', 'scale', 'id']);
  server.job('plain');
  return server;
}

const starts = ({ method, path }: { method: string; path: string }) => method === 'POST' && /\/build/.test(path);
const always =
  (status: number, headers: Record<string, string> = {}, body = ''): Fault =>
  (_call, response) => {
    response.writeHead(status, headers).end(body);
    return true;
  };
const onlyStarts =
  (fault: Fault): Fault =>
  (call, response, pass) =>
    starts(call) ? fault(call, response, pass) : false;

const loginPage = '<html><head><title>Sign in</title></head><form><input name="j_username"></form></html>';

t.test('pages, redirections and errors in place of what was asked: told at once, and nothing is started', async (t) => {
  const cases: [string, Fault, RegExp, RegExp][] = [
    ['a page with 200', always(200, {}, '<html>welcome</html>'), /status 200 with something.*a page/, /with its path/],
    ['a login page with 200', always(200, {}, loginPage), /login page, with status 200/, /API token/],
    ['/login', always(302, { location: '/login?from=%2Fci' }), /login page at 127/, /API token/],
    ['Jenkins’ own SSO', always(302, { location: '/ci/securityRealm/commenceLogin' }), /login page/, /API token/],
    ['another host', always(302, { location: 'https://id.example/a/b' }), /login page at id\.example/, /proxy/],
    ['TLS', always(301, { location: '$SAME' }), /moved to https:\/\/ci\.example\/ci\//, /Use that address/],
    ['405', always(405), /405: the address wants another method/, /address is that of Jenkins/],
    ['418', always(418), /status 418/, /./],
    ['404 of a web server', always(404, {}, 'nginx'), /not said that Jenkins answers/, /./],
  ];
  for (const [name, fault, causeText, remedy] of cases) {
    const server = await jenkins(t);
    server.faults.push((call, response, pass) =>
      name === 'TLS'
        ? always(301, { location: `https://ci.example/ci/${call.path}` })(call, response, pass)
        : fault(call, response, pass),
    );
    for (const work of [() => clientOf(server).trigger('plain'), () => clientOf(server).lastBuild('plain')]) {
      server.calls.length = 0;
      t.match(await failureOf(work()), { code: 'JENKINS_FAILED', exit: 8, causeText, remedy }, name);
      t.ok(server.posts().length <= 1, name);
    }
    for (const work of [
      () => clientOf(server).stop('plain', 1),
      () => clientOf(server).answerInput('job/plain/1', 'Go', 'abort'),
    ])
      if (!/200|404|with 200/.test(name))
        t.match(await failureOf(work()), { causeText, remedy }, `${name}: not taken for done`);
  }
});

t.test('an answer of JSON that is cut, or none, is no answer; a queue’s plugin that says no is told', async (t) => {
  const server = await jenkins(t);
  server.faults.push(onlyStarts(always(302, { location: '.' })));
  t.match(await failureOf(clientOf(server).trigger('plain')), { causeText: /keeps it from the queue/ });
  server.faults.splice(0, 1, always(200, { 'X-Jenkins': '2.528.2' }, '{"lastBuild":'));
  t.match(await failureOf(clientOf(server).lastBuild('plain')), { causeText: /something other than what Jenkins/ });
  server.faults.splice(0, 1, (_call, response) => {
    response.writeHead(200, { 'Content-Length': '100' }).write('{"lastBuild"');
    setTimeout(() => response.destroy(), 10);
    return true;
  });
  t.match(await failureOf(clientOf(server).lastBuild('plain')), { message: /gives no answer/ });
  t.ok(server.calls.length > 3, 'what only reads is tried again');
});

t.test('a Jenkins that is slow: what reads is tried again, what starts a build is looked for', async (t) => {
  const server = await jenkins(t);
  let slow = 1;
  server.faults.push(async (call, response, pass) => {
    if (!starts(call) || slow-- <= 0) return false;
    await pass();
    setTimeout(() => response.writeHead(201).end(), 1000);
    return true;
  });
  const client = clientOf(server);
  const number = await client.started(await client.trigger(scale, { service: 'shop', id: 'a@1' }));
  t.equal(number, 1);
  t.equal(server.builds(scale).length, 1);
  slow = 1;
  const unsure = await failureOf(client.trigger(scale, { service: 'shop', scale: 'up' }));
  t.match(unsure, { message: /not known whether service-scale was started/, remedy: /Look at the builds/ });
  t.equal(server.builds(scale).length, 2);
});

t.test('500 while it is started: never doubled, found when it was', async (t) => {
  for (const done of [true, false]) {
    const server = await jenkins(t);
    server.faults.push(
      onlyStarts(async (_call, response, pass) => {
        if (done) await pass();
        response.writeHead(500).end('<html>Oops</html>');
        return true;
      }),
    );
    const work = clientOf(server).trigger(scale, { service: 'shop', id: 'b@1' });
    if (done) t.equal(await work, 1);
    else t.match(await failureOf(work), { causeText: /500: Jenkins met an error of its own/, remedy: /its log/ });
    t.equal(server.posts().length, 1);
    t.match(await failureOf(clientOf(server).trigger('plain')), { message: /not known whether/ });
  }
});

t.test('a proxy whose Jenkins is away, and one that is away for good', async (t) => {
  const server = await jenkins(t);
  let away = 2;
  server.faults.push(
    onlyStarts((call, response, pass) => away-- > 0 && always(away ? 503 : 502)(call, response, pass)),
  );
  t.equal(await clientOf(server).trigger(scale, { id: 'c@1' }), 1);
  t.equal(server.builds(scale).length, 1);
  server.stop();
  const gone = await failureOf(clientOf(server).trigger('plain'));
  t.match(gone, { exit: 8, message: /gives no answer/, causeText: /ECONNREFUSED/ });
});

t.test('a certificate that nobody here knows: refused at once, and believed with its authority', async (t) => {
  const made = await makeCertificate(['127.0.0.1']);
  const server = await jenkins(t, made);
  const start = performance.now();
  for (const work of [() => clientOf(server).trigger('plain'), () => clientOf(server).lastBuild('plain')])
    t.match(await failureOf(work()), { exit: 8, causeText: /SELF_SIGNED/, remedy: /--ca-file|HOMEOSTAT_JENKINS_CA/ });
  t.ok(performance.now() - start < 1000);
  t.same(server.calls, []);
  t.equal(await clientOf(server, 'tester', { authority: made.certificate }).trigger('plain'), 1);
  const wrongName = await makeCertificate(['other.example']);
  const other = await jenkins(t, wrongName);
  const refused = await failureOf(clientOf(other, 'tester', { authority: wrongName.certificate }).lastBuild('plain'));
  t.match(refused, { causeText: /altnames|127\.0\.0\.1/, remedy: /name for which it was made/ });
  const plain = await jenkins(t);
  plain.url = plain.url.replace('http:', 'https:');
  t.match(await failureOf(clientOf(plain).lastBuild('plain')), { causeText: /does not speak TLS/, remedy: /http:/ });
});

async function followed(t: Test, meanwhile: (server: JenkinsServer) => void) {
  const server = await jenkins(t);
  server.quick = false;
  const client = clientOf(server);
  const number = await client.started(await client.trigger('plain'));
  const end = failureOf(client.follow('plain', number, () => undefined));
  setTimeout(() => meanwhile(server), 100);
  return end;
}

t.test('a token that is revoked while a build is followed: the build goes on, and it is said so', async (t) => {
  const error = await followed(t, (server) => (server.users.get('tester')!.token = 'another'));
  t.match(error, { exit: 8, message: 'build 1 of plain cannot be followed any more', causeText: /401/ });
  t.match(error.remedy, /goes on in Jenkins.*new API token/);
});

t.test('a build that is deleted while it is watched, and a job that is renamed', async (t) => {
  const deleted = await followed(t, (server) => server.jobs.get('plain')!.builds.clear());
  t.match(deleted, {
    exit: 8,
    message: 'build 1 of plain was deleted while it was watched',
    remedy: /before you start/,
  });
  const renamed = await followed(t, (server) => {
    server.jobs.set('new', server.jobs.get('plain')!);
    server.jobs.delete('plain');
  });
  t.match(renamed, { exit: 8, message: /the job plain was renamed, moved or deleted while it was watched/ });
});

t.test('being stopped ends it at once, whatever it waits for', async (t) => {
  const server = await jenkins(t);
  server.faults.push(onlyStarts(() => true));
  const stop = new AbortController();
  const work = clientOf(server, 'tester', { signal: stop.signal }).trigger('plain');
  const reason = new Error('stopped by SIGTERM');
  setTimeout(() => stop.abort(reason), 50);
  await t.rejects(work, reason);
});
