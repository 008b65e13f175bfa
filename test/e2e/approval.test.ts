import t, { type Test } from 'tap';
import { listNotices } from '../../runner/people/notices';
import { listQuestions } from '../../runner/people/questions';
import { eventually } from '../controller/live';
import { sharedLab, uniqueName } from '../lab';
import { realContext } from '../lab/context';
import { liveService, webProject } from './support';

const patience = 60_000;

async function site(t: Test, approval: string) {
  const lab = await sharedLab(t);
  const name = uniqueName('approve');
  const engine = lab.engine();
  const context = realContext();
  const address = `${lab.openRegistry.address}/tests/${name}`;
  const write = (approval: string) =>
    `name: ${name}\nimage: ${address}\ndeploy: {deadline: 60s, monitor: 1s, approval: ${approval}}\n`;
  const project = await webProject(t, lab, name, { replicas: 1, config: write(approval) });
  const asked = async () =>
    (await listQuestions(engine, context, { kind: 'approval' })).filter(({ question }) => question.subject === name);
  const open = async () => {
    await eventually(async () => (await asked()).some(({ state }) => state.state === 'open'), patience);
    return (await asked()).find(({ state }) => state.state === 'open')!.question;
  };
  const answer = (id: string, choice: string, ...more: string[]) => project.run(['answer', id, choice, ...more]);
  const live = () => liveService(lab, `${name}_${name}`);
  const deploy = (image: string, ...more: string[]) =>
    project.start(['deploy', '--image', image, ...more], { BUILD_USER: 'ada', BUILD_NUMBER: '7' });
  const notices = async () =>
    (await listNotices(engine, context, { about: 'deploy' })).filter(({ base }) => base.subject === name);
  return { lab, name, engine, context, project, asked, open, answer, live, deploy, notices, write };
}

t.test('a deploy waits for the approval, tells what is to be approved, and records who approved it', async (t) => {
  const { name, project, open, answer, live, deploy, notices } = await site(t, '{within: 5m}');
  const first = await project.publish('one');
  const running = deploy(first);
  const question = await open();
  t.match(question, {
    askedBy: 'ada',
    guard: { from: 0, digest: first.split('@')[1] },
    why: 'It is the first release.',
  });
  t.equal(await live(), undefined, 'nothing was changed yet');
  const own = await answer(question.id, 'approve', '--by', 'ada');
  t.equal(own.code, 6, own.stderr);
  t.match(own.stderr, /ANSWER_REFUSED.*\n.*ada asked for this, so somebody else has to decide/);
  const listed = await project.run(['questions']);
  t.match(listed.stdout, `homeostat answer ${question.id} approve`);
  const approved = await answer(question.id, 'approve', '--by', 'grace', '--reason', 'looks good');
  t.equal(approved.code, 0, approved.stderr);
  const ended = await running.ended;
  t.equal(ended.code, 0, ended.stderr);
  t.equal((await live())?.image, first);
  const { releases } = (await project.run(['releases', '--json'])).result;
  t.match(releases, [{ approvedBy: 'grace', by: 'ada' }]);
  const late = await answer(question.id, 'reject', '--by', 'joan');
  t.equal(late.code, 7, late.stderr);
  t.match(late.stderr, /ANSWER_LATE.*\n.*Approve: decided by grace, by command line \(looks good\)/);
  const [story] = await notices();
  t.match(story, { notice: { title: `${name}: release 1 runs`, level: 'good', ended: true } });
  t.match(story!.notice.lines.join(), /approved by grace/);

  project.write({ 'www/other': 'two' });
  project.commit('say two <!channel>');
  const second = deploy(await project.publish('two'));
  const next = await open();
  t.match(next.why, /takes the place of release 1, .* by ada/);
  t.match(next.evidence.find(({ label }) => label === 'changes')?.text, /Test: say two <!channel>/);
  const rejected = await answer(next.id, 'reject', '--by', 'joan', '--reason', 'not today');
  t.equal(rejected.code, 0, rejected.stderr);
  const refused = await second.ended;
  t.equal(refused.code, 6, refused.stderr);
  t.match(refused.result.error, { code: 'APPROVAL_REJECTED', cause: /Reject: decided by joan.*not today/ });
  t.equal((await live())?.image, first, 'what ran runs');
});

t.test('nobody answers: it ends in time with exit code 4 and changes nothing', async (t) => {
  const { project, asked, live, deploy } = await site(t, '{within: 3s}');
  const ended = await deploy(await project.publish('one')).ended;
  t.equal(ended.code, 4, ended.stderr);
  t.match(ended.result.error, { code: 'APPROVAL_NEEDED' });
  t.equal(await live(), undefined);
  t.match((await asked())[0]!.state, { state: 'done', via: 'expiry', choice: 'reject', ok: false });
});

t.test('a deploy that was killed while it waited: the approval it got is used once, by the next one', async (t) => {
  const { project, asked, open, answer, deploy, live } = await site(t, '{within: 5m, by: [grace], self: true}');
  const image = await project.publish('one');
  const { child, ended } = deploy(image);
  const { id, deciders } = await open();
  t.same(deciders, ['grace']);
  child.kill('SIGKILL');
  await ended;
  t.equal((await answer(id, 'approve', '--by', 'eve')).code, 6, 'not everybody may');
  t.equal((await answer(id, 'approve', '--by', 'grace')).code, 0);
  const next = await deploy(image).ended;
  t.equal(next.code, 0, next.stderr);
  t.equal((await live())?.image, image);
  t.equal((await asked()).length, 1, 'it was asked once');
  const again = deploy(image);
  t.not((await open()).id, id, 'and used once');
  again.child.kill('SIGTERM');
  t.equal((await again.ended).code, 143);
});

t.test('what was approved before another release came in is not deployed', async (t) => {
  const { project, open, answer, deploy, live } = await site(t, '{within: 5m}');
  const [one, two] = [await project.publish('one'), await project.publish('two')];
  const running = deploy(one);
  const { id } = await open();
  const other = await deploy(two, '--approved-by', 'joan').ended;
  t.equal(other.code, 0, other.stderr);
  const approved = await answer(id, 'approve', '--by', 'grace');
  t.ok(approved.code === 0 || approved.result.error.code === 'ANSWER_FAILED', 'who waits may have looked already');
  const ended = await running.ended;
  t.equal(ended.code, 7, ended.stderr);
  t.match(ended.result.error, { code: 'APPROVAL_STALE', cause: /release 1 came in between/ });
  t.equal((await live())?.image, two);
});

t.test('for pipelines that wait by themselves: asked, decided in Jenkins, used', async (t) => {
  const { project, name, write } = await site(t, '{within: 5m, by: [grace, ops]}');
  const image = await project.publish('one');
  const environment = { BUILD_URL: 'http://jenkins:8080/job/team/job/shop/12/', JOB_NAME: 'team/shop' };
  const ask = await project.run(['approval', '--ask', '--image', image], environment);
  t.equal(ask.code, 0, ask.stderr);
  const { question, ...result } = ask.result;
  t.match(result, {
    needed: true,
    input: `Approval-${question}`,
    submitters: 'grace,ops',
    message: `Deploy ${name} to ${name}?`,
  });
  t.ok(result.seconds > 200 && result.seconds <= 300);
  const waiting = await project.run(['approval', '--result', question]);
  t.match([waiting.code, waiting.result.error.code], [4, 'APPROVAL_NEEDED']);
  const eve = await project.run(['approval', '--result', question, '--choice', 'approve', '--by', 'eve']);
  t.match([eve.code, eve.result.error.code], [6, 'ANSWER_REFUSED']);
  const used = await project.run(['approval', '--result', question, '--choice', 'approve', '--by', 'grace']);
  t.match([used.code, used.result], [0, { approvedBy: 'grace' }]);
  const twice = await project.run(['approval', '--result', question]);
  t.match([twice.code, twice.result.error.code], [7, 'APPROVAL_STALE']);
  for (const wrong of [['approval'], ['approval', '--ask'], ['approval', '--ask', '--result', question]])
    t.equal((await project.run(wrong)).code, 2, wrong.join(' '));
  project.write({ 'homeostat.yml': write('false') });
  t.match((await project.run(['approval', '--ask'])).result, { needed: false });
});
