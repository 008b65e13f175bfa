import http from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { buildPathOf, isBuildPath } from '../../runner/jenkins/input';
import type { Decision, Question } from '../../runner/people/question';
import { releaseInput } from '../../runner/people/release-input';
import { failureOf, testContext } from '../common/support';

/** Answers as Jenkins does at the addresses of inputs: 200, 403 for strangers, 404 where there is none (any more). */
async function jenkins(t: Test, input: string) {
  const inputs = new Set([input]);
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const known = request.headers.authorization === `Basic ${Buffer.from('homeostat:t0ken').toString('base64')}`;
    const [, path, verb] = /^\/ci\/(.+)\/(proceedEmpty|abort)$/.exec(request.url ?? '') ?? [];
    const status = !known ? 403 : request.method !== 'POST' ? 405 : path && verb && inputs.delete(path) ? 200 : 404;
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { access: { url: `http://127.0.0.1:${port}/ci/`, user: 'homeostat', token: 't0ken' }, asked };
}

const build = 'job/team/job/shop/12';
const question = (more: Record<string, unknown> = { build }): Question => ({
  ...{ id: 'q-2345678', kind: 'approval', subject: 'shop', key: 'sha256:1', title: '', why: '', evidence: [] },
  choices: [
    { id: 'approve', label: 'Approve', action: { verdict: 'approve', ...more } },
    { id: 'reject', label: 'Reject', action: { verdict: 'reject', ...more } },
  ],
  ...{ fallback: 'reject', createdAt: '', expiresAt: '', deciders: [], selfApproval: false, guard: {} },
});
const context = testContext();
const decision = (choice: string, more: Partial<Decision> = {}): Decision => ({
  ...{ choice, by: 'ada', via: 'slack', at: context.clock.now().toISOString() },
  ...more,
});

t.test('a decision in Slack releases or aborts the input of the build that waits', async (t) => {
  for (const [choice, verb] of [
    ['approve', 'proceedEmpty'],
    ['reject', 'abort'],
  ] as const) {
    const { access, asked } = await jenkins(t, `${build}/input/Approval-q-2345678`);
    t.equal(
      await releaseInput(access)(question(), decision(choice), context),
      undefined,
      'the build ends the question',
    );
    t.same(asked, [`POST /ci/${build}/input/Approval-q-2345678/${verb}`]);
  }
});

t.test('an input that is not there yet is tried again, and later taken for one that is gone', async (t) => {
  const { access } = await jenkins(t, 'none');
  const release = releaseInput(access);
  const error = await failureOf(() => release(question(), decision('approve'), context));
  t.match(error, { code: 'JENKINS_FAILED', exit: 8 });
  const at = new Date(context.clock.now().getTime() - 61_000).toISOString();
  t.equal(await release(question(), decision('approve', { at }), context), undefined);
});

t.test('a Jenkins that refuses, or gives no answer, is an error that names it and not the token', async (t) => {
  const { access } = await jenkins(t, `${build}/input/Approval-q-2345678`);
  const wrong = releaseInput({ ...access, token: 'wr0ng' });
  const refused = await failureOf(() => wrong(question(), decision('approve'), context));
  t.match(refused, {
    code: 'JENKINS_FAILED',
    message: `the answer to Approval-q-2345678 of ${build} was not taken`,
    causeText: /status 403/,
  });
  const away = releaseInput({ ...access, url: 'http://127.0.0.1:1/' });
  const error = await failureOf(() => away(question(), decision('approve'), context));
  t.match(error, { code: 'JENKINS_FAILED', message: /gives no answer/ });
  t.notMatch(JSON.stringify(error), /t0ken/);
});

t.test('what was decided in Jenkins, or has no build, or has expired needs no call', async (t) => {
  const { access, asked } = await jenkins(t, 'none');
  const release = releaseInput(access);
  t.equal(await release(question(), decision('approve', { via: 'jenkins' }), context), undefined);
  t.equal(await release(question({}), decision('approve'), context), undefined);
  t.equal(await releaseInput(undefined)(question(), decision('approve'), context), undefined);
  t.match(await release(question(), decision('reject', { via: 'expiry' }), context), { ok: false });
  t.same(asked, []);
});

t.test('the path of a build leads to a build and nowhere else', async (t) => {
  t.equal(buildPathOf('http://jenkins:8080/ci/job/team/job/shop/12/'), 'job/team/job/shop/12');
  t.equal(buildPathOf('https://jenkins/job/my%20shop/7'), 'job/my%20shop/7');
  for (const url of [undefined, '', 'http://jenkins/', 'http://jenkins/job/shop/', 'http://jenkins/job/shop/last/'])
    t.equal(buildPathOf(url), undefined, String(url));
  for (const path of [
    'job/../1',
    'job/a/../../1',
    'job/%2e%2e/1',
    'job/a%2fb/1',
    'job/a?x=1/1',
    'script',
    'job/a/1/stop',
  ])
    t.equal(isBuildPath(path), false, path);
});
